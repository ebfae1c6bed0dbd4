/**
 * Shares the time of the server among its connections. A connection is served for a slice of a turn; who wants more waits until
 * the others had theirs. All slices of a turn together have a bound too, so that timers and the log are never kept waiting.
 */
import type { Clock } from '@lightkeeper/runtime'
import type { Turn } from '../turn.ts'

/** What one connection may take of a turn. */
const sliceMs = 1
const sliceRequests = 256
/** What all connections may take of a turn, where other parts leave so much. */
const connectionsMs = 8
/** A connection that took more than its slice waits for as many turns as it took slices, or for as long as it took; in turns at most this. */
const debtMsMax = 32
/** Requests served between two looks at the clock, which costs as much as a small part of a request. */
const requestsPerLook = 16

/** What a connection took of the turn it was served in last. */
export interface Share {
  turn: number
  usedMs: number
  usedRequests: number
  /** When its last slice ended, monotonic milliseconds. */
  endedAt: number
}

export class Slices {
  readonly #clock: Clock
  readonly #whole: Turn
  /** The number of this turn. */
  #turn = 0
  #turnUsedMs = 0
  #startedAt = 0
  #endsAt = 0
  #requests = 0
  #requestsLeft = 0
  #untilLook = 0

  constructor(whole: Turn) {
    this.#clock = whole.clock
    this.#whole = whole
  }

  /** Everybody may take a slice again. */
  beginTurn(): void {
    this.#turn++
    this.#turnUsedMs = 0
  }

  /** Nothing is left of this turn for anybody. */
  get isTurnOver(): boolean {
    return this.#turnUsedMs >= this.#whole.share(connectionsMs, this.#turnUsedMs)
  }

  /** Begins a slice; false when nothing is left, of the turn or of what `share` may take of it. One slice at a time. */
  begin(share: Share): boolean {
    if (share.turn !== this.#turn) {
      const owedMs = this.#owed(share)
      if (owedMs >= sliceMs) return false
      share.turn = this.#turn
      share.usedMs = owedMs
      share.usedRequests = 0
    }
    const left = sliceRequests - share.usedRequests
    const leftMs = sliceMs - share.usedMs
    if (left <= 0 || leftMs <= 0 || this.isTurnOver) return false
    this.#requests = 0
    this.#requestsLeft = left
    this.#untilLook = requestsPerLook
    this.#startedAt = this.#clock.now()
    this.#endsAt = this.#startedAt + leftMs
    return true
  }

  /**
   * One request may take many slices. They are paid back, in turns or in time, so that others get the turns in which their writes go to
   * the log and back.
   */
  #owed({ turn, usedMs, endedAt }: Share): number {
    const owedMs = Math.min(usedMs, debtMsMax) - (this.#turn - turn) * sliceMs
    // A turn of a busy server is long: nobody waits for longer than what it took.
    return owedMs < sliceMs
      ? Math.max(0, owedMs)
      : Math.max(0, Math.min(owedMs, usedMs - (this.#clock.now() - endedAt)))
  }

  /** Asked before each request of a slice: false when the slice is over. */
  goesOn(): boolean {
    if (this.#requestsLeft <= 0) return false
    this.#requestsLeft--
    this.#requests++
    if (--this.#untilLook > 0) return true
    this.#untilLook = requestsPerLook
    return this.#clock.now() < this.#endsAt
  }

  /** What was just done may have taken long: the clock is looked at before the next request. */
  look(): void {
    this.#untilLook = 0
  }

  end(share: Share): void {
    share.endedAt = this.#clock.now()
    const usedMs = share.endedAt - this.#startedAt
    share.usedMs += usedMs
    share.usedRequests += this.#requests
    this.#turnUsedMs += usedMs
    this.#whole.use(usedMs)
  }
}
