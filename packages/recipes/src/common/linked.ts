/** Signals that follow others, and let go of them: `AbortSignal.any` keeps what it made for as long as its sources live. */

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

  /** Follows no longer; the signal stays as it is. */
  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#onAbort)
  }
}
