/**
 * Reads a link no faster than its messages may come: what is above that waits, and then the peer waits. For links that have few messages
 * of little work each, so that nobody keeps this server busy with very many.
 */
import { type Clock, Deque, type Link, type Timer } from '@lightkeeper/runtime'

export interface PaceLimits {
  /** So many messages in `everyMs` milliseconds. */
  readonly messages: number
  readonly everyMs: number
}

export class Pace {
  readonly #link: Link
  readonly #clock: Clock
  readonly #limits: PaceLimits
  /** Takes the messages of a chunk, and then what is left of it, while `goesOn` says so. */
  readonly #take: (chunk: Uint8Array | undefined) => void
  /** Chunks that came while the link rests. */
  readonly #chunks = new Deque<Uint8Array>()
  #left: number
  /** Since when `#left` counts, monotonic milliseconds. */
  #since: number
  #rest: Timer | undefined

  constructor(link: Link, clock: Clock, limits: PaceLimits, take: (chunk: Uint8Array | undefined) => void) {
    this.#link = link
    this.#clock = clock
    this.#limits = limits
    this.#take = take
    this.#left = limits.messages
    this.#since = clock.now()
  }

  received(chunk: Uint8Array): void {
    if (this.#rest === undefined) this.#take(chunk)
    else this.#chunks.push(chunk)
  }

  /** Asked before each message: false where the link rests. */
  goesOn(): boolean {
    if (this.#rest !== undefined) return false
    if (this.#left-- > 0) return true
    const { messages, everyMs } = this.#limits
    const waitMs = this.#since + everyMs - this.#clock.now()
    this.#left = messages
    if (waitMs <= 0) {
      this.#since = this.#clock.now()
      this.#left--
      return true
    }
    this.#link.pause()
    this.#rest = this.#clock.after(waitMs, () => this.#goOn())
    return false
  }

  /** The link is over. */
  stop(): void {
    this.#rest?.cancel()
    this.#chunks.clear()
  }

  #goOn(): void {
    this.#rest = undefined
    this.#since = this.#clock.now()
    this.#take(undefined)
    while (this.#rest === undefined) {
      const chunk = this.#chunks.shift()
      if (chunk === undefined) {
        this.#link.resume()
        return
      }
      this.#take(chunk)
    }
  }
}
