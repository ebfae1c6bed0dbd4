/**
 * Signals that follow others and can stop following. `AbortSignal.any` keeps its signals in memory as long as their sources live.
 */

export class LinkedAbort implements Disposable {
  readonly #abort = new AbortController()
  readonly #sources: readonly AbortSignal[]
  readonly #onAbort = (event: Event): void => this.abort((event.target as AbortSignal).reason)

  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined)
    for (const source of this.#sources) {
      if (source.aborted) this.abort(source.reason)
      else source.addEventListener('abort', this.#onAbort, { once: true })
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
    for (const source of this.#sources) source.removeEventListener('abort', this.#onAbort)
  }
}
