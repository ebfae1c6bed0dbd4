/** A question to a stream: is it up to date? */

/** Asks a stream for another `ready`. That `ready` follows everything that this client had received when it asked. */
export class ReadyRequest {
  #isAsked = false
  #wake: (() => void) | undefined

  /** Two questions before the answer count as one. */
  ask(): void {
    this.#isAsked = true
    this.#wake?.()
  }

  /** For the one stream that gets this object as an option. */
  attach(wake: () => void): void {
    this.#wake = wake
  }

  /** Whether a `ready` was asked for and has not been delivered. */
  get isAsked(): boolean {
    return this.#isAsked
  }

  /** The stream calls it when it delivers `ready`. */
  answer(): void {
    this.#isAsked = false
  }
}
