/** The places of requests: waiting for a connection, or under way. Each request is in exactly one line until it settles. */
import { Deque } from '@lightkeeper/runtime'
import type { Meters } from './meters.ts'
import type { PendingRequest } from './request.ts'

export interface LineLimits {
  readonly queueLimit: number
  /** The limit of a request without a timeout of its own, milliseconds. */
  readonly requestTimeout: number
}

export class RequestLines {
  /** Requests that are not written yet. */
  readonly queue = new Deque<PendingRequest>()
  /** Written requests, in the order of their replies. */
  readonly inFlight = new Deque<PendingRequest>()
  /** Written requests that a server answers out of order, while it still works on earlier ones. */
  readonly authenticating = new Deque<PendingRequest>()
  /** Requests whose replies are lost; the client finds out what happened to them. */
  readonly #recovering = new Set<PendingRequest>()
  /** The number of the last written request. Numbers continue from one connection to the next. */
  lastXid = 0
  readonly #meters: Meters
  readonly #limits: LineLimits
  readonly #noReply: (timeoutMs: number) => Error

  /** `noReply` says why a request was not answered in time. */
  constructor(meters: Meters, limits: LineLimits, noReply: (timeoutMs: number) => Error) {
    this.#noReply = noReply
    this.#meters = meters
    this.#limits = limits
  }

  /** Lets a request wait for a connection, or fails it where too many wait already. */
  wait(request: PendingRequest): void {
    if (this.#hasRoom()) this.queue.push(request)
    else {
      const cause = new Error(`${this.queue.length} requests are waiting for a connection already`)
      request.fail('CONNECTION_LOSS', cause)
    }
  }

  /** Requests that have settled meanwhile make room. */
  #hasRoom(): boolean {
    const { queueLimit } = this.#limits
    if (this.queue.length < queueLimit) return true
    const waiting = [...this.queue].filter(({ isSettled }) => !isSettled)
    this.queue.clear()
    for (const request of waiting) this.queue.push(request)
    return waiting.length < queueLimit
  }

  /** Removes and returns the request that a reply with this xid answers; undefined where another reply is due. */
  take(xid: number): PendingRequest | undefined {
    const line = this.authenticating.peek()?.xid === xid ? this.authenticating : this.inFlight
    return line.peek()?.xid === xid ? line.shift() : undefined
  }

  /** The number of the next ordinary reply. */
  get due(): number | undefined {
    return this.inFlight.peek()?.xid
  }

  /** Fails requests that have waited for too long. A request under way keeps its place among the replies. */
  failOverdue(now: number): void {
    for (const request of this.#recovering) {
      if (!request.isSettled && request.deadline > now) continue
      this.#recovering.delete(request)
      this.#timeOut(request)
    }
    for (const line of [this.queue, this.inFlight]) {
      for (const request of line) {
        // Requests with a limit of their own have a timer of their own.
        if (request.isSettled || request.deadline === Number.POSITIVE_INFINITY) continue
        if (request.deadline > now) break
        this.#timeOut(request)
      }
    }
  }

  #timeOut(request: PendingRequest): void {
    if (request.isSettled) return
    this.#meters.timedOut++
    request.fail('TIMEOUT', this.#noReply(this.#limits.requestTimeout))
  }

  /** Requests that may be repeated go back to the front of the queue, in their order; the others are lost. */
  loseInFlight(code: 'CONNECTION_LOSS' | 'SESSION_EXPIRED', cause?: unknown): void {
    drain(this.authenticating, (request) => request.fail(code, cause))
    if (this.inFlight.length === 0) return
    const waiting: PendingRequest[] = []
    drain(this.inFlight, (request) => {
      if (request.isSettled) return
      this.#meters.lost++
      if (request.spec.isRepeatable) {
        this.#meters.repeated++
        request.isSent = false
        waiting.push(request)
      } else if (request.lose(code, cause)) {
        this.#meters.recovered++
        if (request.deadline !== Number.POSITIVE_INFINITY) this.#recovering.add(request)
      }
    })
    drain(this.queue, (request) => waiting.push(request))
    for (const request of waiting) this.queue.push(request)
  }

  /** Unsent writes were meant for the ended session, so they fail. Reads wait for the next session, if there is one. */
  expireQueue(hasNext: boolean, cause: Error): void {
    const waiting = [...this.queue]
    this.queue.clear()
    for (const request of waiting) {
      if (request.spec.isRepeatable && hasNext) this.queue.push(request)
      else request.fail('SESSION_EXPIRED', cause)
    }
  }

  failAll(code: 'AUTH_FAILED' | 'CLOSED'): void {
    for (const line of [this.inFlight, this.authenticating, this.queue]) drain(line, (request) => request.fail(code))
  }
}

function drain(line: Deque<PendingRequest>, each: (request: PendingRequest) => void): void {
  for (let request = line.shift(); request !== undefined; request = line.shift()) each(request)
}
