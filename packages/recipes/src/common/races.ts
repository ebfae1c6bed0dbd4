/**
 * Tries that somebody else seems to have beaten. Another try can win where what stands there has moved since the last one; where
 * it has not, the refusal is no race, and a few tries are enough to know.
 */
import type { Client } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'

/** Tries in a row without a sign of anybody else after which a refusal is taken for what it says. */
const unprovenMax = 6

export class Races {
  readonly #backoff: Backoff
  readonly #signal: AbortSignal | undefined
  #unproven = 0
  #isFirst = true
  #seen: string | undefined

  constructor(zk: Client, signal?: AbortSignal, waits?: { readonly baseMs?: number; readonly maxMs?: number }) {
    this.#backoff = new Backoff(zk, waits)
    this.#signal = signal
  }

  /**
   * A try was lost. Resolves when it is time for the next. `seen` is what stood there before it, as text; undefined where that
   * tells nothing.
   * @throws `refusal` where nothing has moved in several tries; the reason of the signal.
   */
  async lost(refusal: unknown, seen?: string): Promise<void> {
    this.#unproven = seen !== undefined && seen !== this.#seen ? 1 : this.#unproven + 1
    this.#seen = seen
    if (this.#unproven >= unprovenMax) throw refusal
    // What was heard of for the first time is looked at again at once.
    if (!this.#isFirst) await this.#backoff.pause(this.#signal)
    this.#isFirst = false
    this.#signal?.throwIfAborted()
  }

  /** It went on well for a while: what comes is counted anew. */
  won(): void {
    this.#unproven = 0
    this.#isFirst = true
    this.#seen = undefined
    this.#backoff.reset()
  }
}
