/**
 * Tries that another client seems to have won. Another try can succeed where the tree has changed since the last one. Where it has
 * not changed, the refusal is no race, and a few tries are enough to know that.
 */
import type { Client } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'

/** Tries in a row without a sign of another client; after them the refusal is final. */
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
   * A try was lost. Resolves when it is time for the next. `seen` describes the state before the try, as text that differs when the
   * state differs; undefined where it is not known.
   * @throws `refusal` where nothing has changed in several tries; the reason of the signal.
   */
  async lost(refusal: unknown, seen?: string): Promise<void> {
    this.#unproven = seen !== undefined && seen !== this.#seen ? 1 : this.#unproven + 1
    this.#seen = seen
    if (this.#unproven >= unprovenMax) throw refusal
    // After the first race it looks again at once.
    if (!this.#isFirst) await this.#backoff.pause(this.#signal)
    this.#isFirst = false
    this.#signal?.throwIfAborted()
  }

  /** A try succeeded: the next race counts as the first again. */
  won(): void {
    this.#unproven = 0
    this.#isFirst = true
    this.#seen = undefined
    this.#backoff.reset()
  }
}
