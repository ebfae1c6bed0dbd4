/** A question to a stream: are you up to date? */

/** A way to ask a stream for another `ready`: it follows everything this client has heard of by the time of asking. */
export class ReadyRequest {
  #isAsked = false
  #wake: (() => void) | undefined

  /** Asking again before the answer asks once. */
  ask(): void {
    this.#isAsked = true
    this.#wake?.()
  }

  /** For the one stream it is given to. */
  attach(wake: () => void): void {
    this.#wake = wake
  }

  get isAsked(): boolean {
    return this.#isAsked
  }

  answer(): void {
    this.#isAsked = false
  }
}
