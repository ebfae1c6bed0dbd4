/**
 * Connections that have their last answer and are to be ended. To end a socket is more work for the host than to serve a request, and
 * the client closes its side at once, which is as much work again. So only some are ended in each turn, when thousands of sessions end
 * at once.
 */
import type { Clock } from '@lightkeeper/runtime'

/** How long connections are ended in one turn, milliseconds. */
const endMs = 1

export interface Leaving {
  /** False where there is nothing to end any more. */
  readonly isOpen: boolean
  end(): void
  fail(error: unknown): void
}

export class Farewells {
  readonly #clock: Clock
  readonly #waiting = new Set<Leaving>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(connection: Leaving): void {
    this.#waiting.add(connection)
  }

  /** Ends some of them; true when others wait. */
  say(): boolean {
    if (this.#waiting.size === 0) return false
    const until = this.#clock.now() + endMs
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      if (!next.isOpen) continue
      try {
        next.end()
      } catch (error) {
        next.fail(error)
      }
      if (this.#clock.now() >= until) break
    }
    return this.#waiting.size > 0
  }
}
