/** Waits between tries: a random part of a bound that doubles each time, so that clients that failed together do not retry together. */
import type { Client } from '@lightkeeper/client'
import { sleep } from './sleep.ts'

export class Backoff {
  readonly #zk: Client
  readonly #baseMs: number
  readonly #maxMs: number
  #tries = 0

  constructor(zk: Client, { baseMs = 20, maxMs = 2_000 }: { readonly baseMs?: number; readonly maxMs?: number } = {}) {
    this.#zk = zk
    this.#baseMs = baseMs
    this.#maxMs = maxMs
  }

  /** Resolves when it is time for the next try, or at once when `signal` aborts. Never rejects. */
  pause(signal?: AbortSignal): Promise<void> {
    const boundMs = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#tries++, 30))
    return sleep(this.#zk.clock, 1 + this.#zk.random.below(Math.ceil(boundMs)), signal)
  }

  /** The next wait is a short one again. */
  reset(): void {
    this.#tries = 0
  }
}
