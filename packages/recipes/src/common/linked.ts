/**
 * Signals that follow others and can stop following. `AbortSignal.any` keeps its signals in memory as long as their sources live.
 */
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'

export class LinkedAbort implements Disposable {
  readonly #abort = new AbortController()
  readonly #sources: readonly AbortSignal[]
  readonly #onAbort = (): void => this.abort(this.#sources.find(({ aborted }) => aborted)?.reason)

  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined)
    for (const source of this.#sources) {
      if (source.aborted) this.abort(source.reason)
      else hearAbort(source, this.#onAbort)
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  abort(reason: unknown): void {
    this[Symbol.dispose]()
    if (!this.signal.aborted) this.#abort.abort(reason)
  }

  /** Stops following; the signal stays as it is. */
  [Symbol.dispose](): void {
    for (const source of this.#sources) unhearAbort(source, this.#onAbort)
  }
}
