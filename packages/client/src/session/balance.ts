/**
 * Brings a client back to where it should be after a failover: without that, every client stays where the last restart of a
 * server has driven it, and one server carries them all. Waits until nobody holds it and nothing is on its way.
 */
import type { Clock, Random, Timer } from '@lightkeeper/runtime'

/** While held or busy, it is tried again after this time. */
const retryMs = 1_000

export interface BalanceHost {
  isBusy(): boolean
  /** Leaves for the server the client should be on; nothing happens where it is there already. */
  move(): void
}

export class Balance {
  readonly #clock: Clock
  readonly #random: Random
  readonly #host: BalanceHost
  /** Milliseconds; 0 for never. */
  readonly #afterMs: number
  #holds = 0
  #timer: Timer | undefined

  constructor(clock: Clock, random: Random, afterMs: number, host: BalanceHost) {
    this.#clock = clock
    this.#random = random
    this.#afterMs = afterMs
    this.#host = host
  }

  /** No voluntary move until the function returned is called. */
  hold(): () => void {
    let isHeld = true
    this.#holds++
    return () => {
      if (isHeld) this.#holds--
      isHeld = false
    }
  }

  /** A failover has happened: a move is due between once and twice the time from now, so that clients do not all go at once. */
  failedOver(): void {
    this.stop()
    if (this.#afterMs > 0) this.#in(this.#afterMs + this.#random.below(Math.max(1, Math.floor(this.#afterMs))))
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** As soon as nothing stands in the way. */
  moveSoon(): void {
    this.stop()
    this.#in(this.#random.below(retryMs))
  }

  #in(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      if (this.#holds > 0 || this.#host.isBusy()) this.#in(retryMs)
      else this.#host.move()
    })
  }
}
