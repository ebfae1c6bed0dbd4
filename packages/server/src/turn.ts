/**
 * One bound for all that the server does in a turn of the event loop. Each part of it (requests, transactions, events, ends of
 * sessions and of connections) may take a few milliseconds of a turn, and all of them at once would take several times as long. So
 * each part asks how much is left, and tells how much it took.
 */
import type { Clock } from '@lightkeeper/runtime'

/** What all parts may take of a turn together, milliseconds. One step of a part is not divided, so a turn may take longer. */
const turnMs = 12
/** What each part may take, though nothing is left: none may wait for ever. */
const leastMs = 0.5
/** A turn in which less was done counts together with the next one. To ask the host for its end costs a part of a request. */
const endFromMs = 1

export class Turn {
  readonly clock: Clock
  readonly #atEnd: (() => void)[] = []
  #usedMs = 0
  #isEndDue = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Calls `task` at the end of each turn that was asked to tell its end, when the next one has its whole time. */
  atEnd(task: () => void): void {
    this.#atEnd.push(task)
  }

  askForEnd(): void {
    if (this.#isEndDue) return
    this.#isEndDue = true
    this.clock.turnEnd(() => this.#end())
  }

  /** What a part may take, if it may take `mostMs` of a turn and took `ownMs` of this one already; both are milliseconds, and so is the result. */
  share(mostMs: number, ownMs = 0): number {
    return Math.max(leastMs, Math.min(mostMs, turnMs - this.#usedMs + ownMs))
  }

  /** A part took so long. */
  use(ms: number): void {
    this.#usedMs += ms
    if (this.#usedMs >= endFromMs) this.askForEnd()
  }

  #end(): void {
    this.#isEndDue = false
    this.#usedMs = 0
    for (const task of this.#atEnd) task()
  }
}
