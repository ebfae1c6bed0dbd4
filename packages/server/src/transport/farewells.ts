/**
 * Connections that have their last answer and are to be ended. To end a socket is more work for the host than to serve a request, and
 * the client closes its side at once, which is as much work again. So only some are ended in each turn, when thousands of sessions end
 * at once.
 */
import type { Turn } from '../turn.ts'

/** How long connections are ended in one turn at most, milliseconds. */
const endMs = 1

export interface Leaving {
  /** False where there is nothing to end any more. */
  readonly isOpen: boolean
  end(): void
  fail(error: unknown): void
}

export class Farewells {
  readonly #turn: Turn
  readonly #waiting = new Set<Leaving>()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  add(connection: Leaving): void {
    this.#waiting.add(connection)
  }

  /** Ends some of them; true when others wait. */
  say(): boolean {
    if (this.#waiting.size === 0) return false
    const { clock } = this.#turn
    const from = clock.now()
    const until = from + this.#turn.share(endMs)
    let now = from
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      if (!next.isOpen) continue
      try {
        next.end()
      } catch (error) {
        next.fail(error)
      }
      now = clock.now()
      if (now >= until) break
    }
    this.#turn.use(now - from)
    return this.#waiting.size > 0
  }
}
