/**
 * The unanswered requests of one connection, oldest first. Replies are sent in this order, whatever finishes first. Pure: this file
 * decides what can be answered now and what may be queued; the desk writes the answers.
 */
import type { Id } from '@lightkeeper/protocol'
import { Deque } from '@lightkeeper/runtime'

/** How many reads may wait before another write: all of them are answered at once before that write is applied. */
const waitingReadsMax = 256
const waitingBytesMax = 1 << 20

/**
 * A request that only an orderer can answer: a write, the start or the end of a session, or a barrier. A barrier waits for earlier
 * writes of other connections: before every `sync`, and before everything on a connection that took over a session.
 */
export class Ticket<C> {
  readonly kind = 'ticket'
  readonly caller: C
  readonly xid: number
  /** Opcode of the request; `sync` for a barrier. */
  readonly type: number
  /**
   * Undefined until the orderer answers; then 0 where it agrees (a barrier is open), else the error number. The commit of a write
   * does not set it: it removes the ticket from the queue.
   */
  verdict: number | undefined = undefined

  constructor(caller: C, xid: number, type: number) {
    this.caller = caller
    this.xid = xid
    this.type = type
  }
}

/** A read that waits for earlier requests of its connection. */
export interface WaitingRead {
  readonly kind: 'waiting'
  readonly xid: number
  readonly type: number
  /** The body is `bytes` from `start` to `end`. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** The size of the reply in bytes, about. */
  readonly expectedBytes: number
  /** The identities of the connection when the read was received. */
  readonly identities: readonly Id[]
}

/** A reply that is decided, but must not overtake those before it. */
export interface Decided {
  readonly kind: 'decided'
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  /** The body after the header, if there is one. */
  readonly body?: Uint8Array
  /** Closes the connection after it. */
  readonly isLast: boolean
}

export type Unanswered<C> = Ticket<C> | WaitingRead | Decided

export class ReplyQueue<C> {
  readonly #unanswered = new Deque<Unanswered<C>>()
  #waitingReads = 0
  #waitingBytes = 0

  get length(): number {
    return this.#unanswered.length
  }

  /** Whether the oldest request can be answered: it is no ticket, or a ticket with a verdict. */
  get hasAnswer(): boolean {
    const next = this.#unanswered.peek()
    return next !== undefined && (next.kind !== 'ticket' || next.verdict !== undefined)
  }

  /**
   * Whether a write may be queued behind the waiting reads: they must be few and small, since all of them are answered before it is
   * applied, however much other work there is. Another read may always be queued.
   */
  get hasRoom(): boolean {
    return this.#waitingReads < waitingReadsMax && this.#waitingBytes < waitingBytesMax
  }

  /** Whether `ticket` is the oldest. */
  isNext(ticket: Ticket<C>): boolean {
    return this.#unanswered.peek() === ticket
  }

  push(request: Unanswered<C>): void {
    if (request.kind === 'waiting') {
      this.#waitingReads++
      this.#waitingBytes += request.expectedBytes
    }
    this.#unanswered.push(request)
  }

  /** Removes and returns the oldest: it is answered now. */
  take(): Unanswered<C> | undefined {
    const next = this.#unanswered.shift()
    if (next?.kind === 'waiting') {
      this.#waitingReads--
      this.#waitingBytes -= next.expectedBytes
    }
    return next
  }

  /** The connection is gone: no request is answered any more. */
  clear(): void {
    this.#unanswered.clear()
    this.#waitingReads = 0
    this.#waitingBytes = 0
  }
}
