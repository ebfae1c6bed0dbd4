/**
 * Connections of a TLS port until their handshake is over. None of them costs more than its first bytes before they are a handshake, a
 * turn begins a few handshakes and no more, and neither a slow one nor a thousand of them keep another client from its own.
 */
import {
  type Clock,
  Deque,
  ExpiryQueue,
  type Link,
  type LinkEvents,
  type Log,
  RepeatedLine,
  type Timer,
  type TlsContext,
} from '@lightkeeper/runtime'
import type { ServerStats } from '../stats.ts'

/** A TLS record: its type, the first byte of its version, and the largest one there may be, with its header. */
const handshakeRecord = 0x16
const headerBytes = 5
const recordMax = headerBytes + 16_384 + 2_048
/** Handshakes that one turn begins: each costs about a millisecond of signing. */
const startsPerTurn = 4
const tickMs = 500

export interface HandshakeLimits {
  /** Time for a handshake, milliseconds. */
  readonly handshakeMs: number
  /** Handshakes that may be unfinished at once. */
  readonly handshakesMax: number
}

/** What becomes of a connection. */
export interface Door {
  /** The handshake is over, or the peer speaks without TLS where it may. `link` is open from now on; returns where its events go. */
  admit(link: Link): LinkEvents
  /** The connection ended before it was admitted. */
  ended(link: Link): void
}

export class Handshakes {
  readonly #limits: HandshakeLimits
  readonly #clock: Clock
  readonly #stats: ServerStats
  readonly #log: Log
  readonly #context: () => TlsContext
  /** Unfinished ones, the oldest first. */
  readonly #unfinished = new Set<Handshake>()
  readonly #deadlines: ExpiryQueue<Handshake>
  /** Those whose first record is there, in the order in which they are begun. */
  readonly #ready = new Deque<Handshake>()
  readonly #plainLine: RepeatedLine
  readonly #failedLine: RepeatedLine
  readonly #crowdLine: RepeatedLine
  #startedInTurn = 0
  #isTurnEndDue = false
  #timer: Timer | undefined

  /** `context` is asked before each handshake, so that a new certificate is used at once. */
  constructor(limits: HandshakeLimits, clock: Clock, log: Log, stats: ServerStats, context: () => TlsContext) {
    this.#limits = limits
    this.#clock = clock
    this.#stats = stats
    this.#log = log
    this.#context = context
    this.#deadlines = new ExpiryQueue(tickMs, clock.now())
    const line = (text: string): RepeatedLine => new RepeatedLine(log, clock, 'warn', text)
    this.#plainLine = line('closing a connection that does not speak TLS, on a port for TLS alone')
    this.#failedLine = line('a TLS handshake failed')
    this.#crowdLine = line('too many unfinished TLS handshakes, the oldest one is cut off')
  }

  /** Unfinished handshakes. */
  get count(): number {
    return this.#unfinished.size
  }

  /** `mayBePlain`: a connection that does not begin with a handshake is admitted as it is. */
  accept(link: Link, mayBePlain: boolean, door: Door): LinkEvents {
    const handshake = new Handshake(link, mayBePlain, door, this)
    this.#unfinished.add(handshake)
    this.#deadlines.touch(handshake, this.#clock.now(), this.#limits.handshakeMs)
    if (this.#unfinished.size > this.#limits.handshakesMax) this.#cutOldest()
    this.#arm()
    return handshake
  }

  stop(): void {
    this.#timer?.cancel()
    for (const handshake of [...this.#unfinished]) handshake.cut()
  }

  /** The first record is there. */
  ready(handshake: Handshake): void {
    if (this.#startedInTurn < startsPerTurn && this.#ready.length === 0) this.#start(handshake)
    else this.#ready.push(handshake)
    this.#askForTurnEnd()
  }

  /** It is admitted or over. */
  finished(handshake: Handshake): void {
    this.#unfinished.delete(handshake)
    this.#deadlines.remove(handshake)
  }

  failed(handshake: Handshake, reason: Error | undefined): void {
    const client = handshake.remote
    if (handshake.isPlain) this.#plainLine.tell({ client })
    // Probes of load balancers connect and close; they are nothing to report.
    else if (handshake.hasBegun) {
      this.#stats.failedHandshakes++
      const cause = reason === undefined ? 'the client closed the connection' : plainWords(reason)
      this.#failedLine.tell({ client, cause })
    }
    this.#log('debug', 'a connection ended before it was admitted', { client, reason: reason?.message })
  }

  #start(handshake: Handshake): void {
    this.#startedInTurn++
    handshake.start(this.#context())
  }

  #askForTurnEnd(): void {
    if (this.#isTurnEndDue) return
    this.#isTurnEndDue = true
    this.#clock.turnEnd(() => {
      this.#isTurnEndDue = false
      this.#startedInTurn = 0
      while (this.#startedInTurn < startsPerTurn) {
        const next = this.#ready.shift()
        if (next === undefined) return
        if (!next.isOver) this.#start(next)
      }
      if (this.#ready.length > 0) this.#askForTurnEnd()
      else this.#startedInTurn = 0
    })
  }

  #cutOldest(): void {
    const [oldest] = this.#unfinished
    this.#stats.exceededHandshakes++
    this.#crowdLine.tell({ client: oldest?.remote, limit: this.#limits.handshakesMax })
    oldest?.cut()
  }

  /** A timer as long as there is something to wait for. */
  #arm(): void {
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#deadlines.nextExpiryAt - this.#clock.now())
    this.#timer = this.#clock.after(wait, () => {
      this.#timer = undefined
      for (const late of this.#deadlines.expire(this.#clock.now())) late.tooLate()
      if (this.#unfinished.size > 0) this.#arm()
    })
  }
}

class Handshake implements LinkEvents {
  readonly remote: string
  /** The first bytes were no handshake, on a port for TLS alone. */
  isPlain = false
  /** Something came that looks like a handshake. */
  hasBegun = false
  readonly #link: Link
  readonly #mayBePlain: boolean
  readonly #door: Door
  readonly #all: Handshakes
  #received: Uint8Array[] = []
  #receivedBytes = 0
  #state: 'greeting' | 'begun' | 'over' = 'greeting'
  #problem: Error | undefined
  /** Where events go once the connection is admitted. */
  #admitted: LinkEvents | undefined

  constructor(link: Link, mayBePlain: boolean, door: Door, all: Handshakes) {
    this.#link = link
    this.remote = link.remote
    this.#mayBePlain = mayBePlain
    this.#door = door
    this.#all = all
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  data(chunk: Uint8Array): void {
    if (this.#admitted !== undefined) return this.#admitted.data(chunk)
    if (this.isOver || chunk.length === 0) return
    this.#received.push(chunk)
    this.#receivedBytes += chunk.length
    if (this.#state === 'greeting') this.#greet()
    // Nothing more is due before the answer to the first record.
    else if (this.#receivedBytes > recordMax) this.cut(new Error('the client sent more than a handshake begins with'))
  }

  #greet(): void {
    const front = this.#front()
    if (front[0] !== handshakeRecord) {
      if (this.#mayBePlain) return this.#admit()
      this.isPlain = true
      return this.cut()
    }
    this.hasBegun = true
    if (front.length < headerBytes) return
    const [, major, , high, low] = front as unknown as [number, number, number, number, number]
    const length = headerBytes + ((high << 8) | low)
    if (major !== 3 || length > recordMax) return this.cut(new Error('the first bytes are no TLS handshake'))
    if (this.#receivedBytes < length) return
    this.#state = 'begun'
    this.#link.pause()
    this.#all.ready(this)
  }

  /** The first bytes, as far as they came, in one piece. */
  #front(): Uint8Array {
    const [first] = this.#received
    if (first !== undefined && first.length >= headerBytes) return first
    const front = new Uint8Array(Math.min(headerBytes, this.#receivedBytes))
    let at = 0
    for (const chunk of this.#received) {
      const part = chunk.subarray(0, front.length - at)
      front.set(part, at)
      at += part.length
    }
    return front
  }

  start(context: TlsContext): void {
    if (this.isOver) return
    const received = this.#received
    this.#received = []
    if (this.#link.startTls === undefined) return this.cut(new Error('this host accepts no TLS'))
    this.#link.startTls(context, received)
  }

  opened(): void {
    if (!this.isOver) this.#admit()
  }

  #admit(): void {
    this.#state = 'over'
    this.#all.finished(this)
    this.#admitted = this.#door.admit(this.#link)
    const received = this.#received
    this.#received = []
    for (const chunk of received) this.#admitted.data(chunk)
  }

  tooLate(): void {
    this.cut(new Error('the handshake took too long'))
  }

  cut(problem?: Error): void {
    this.#problem ??= problem
    this.#end()
    this.#link.destroy()
  }

  #end(): void {
    if (this.isOver) return
    this.#state = 'over'
    this.#received = []
    this.#all.finished(this)
  }

  drained(): void {
    this.#admitted?.drained?.()
  }

  ended(): boolean {
    return this.#admitted?.ended?.() ?? false
  }

  closed(reason?: Error): void {
    if (this.#admitted !== undefined) return this.#admitted.closed(reason)
    this.#end()
    this.#all.failed(this, this.#problem ?? reason)
    this.#door.ended(this.#link)
  }
}

/** OpenSSL puts numbers and places of its source around what went wrong. */
function plainWords(reason: Error): string {
  const parts = /^(?:[0-9A-F]+:)?error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/.exec(reason.message)
  return parts?.[1] ?? reason.message.trim()
}
