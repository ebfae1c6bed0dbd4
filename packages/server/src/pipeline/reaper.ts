/**
 * Removes containers and TTL znodes that may go, at a pace: all of them at once would hold up everybody else's writes, and wake
 * everybody who watches them. What may go, and the removal itself, are the business of its hooks.
 */
import type { Clock, Timer } from '@lightkeeper/runtime'

/** Read anew each time: both may change while the server runs. */
export interface ReaperOptions {
  /** Milliseconds between the end of a round and the next. */
  readonly checkIntervalMs: number
  /** Znodes that are removed in a minute, at the most. */
  readonly maxPerMinute: number
}

export interface ReaperHooks {
  /** Paths that may go now. */
  candidates(): readonly string[]
  /** Removes one, unless it may not go any more: time has passed since it was a candidate. */
  reap(path: string): void
}

/** Milliseconds between two steps where more than one znode a step may go. */
const stepMs = 10

export class Reaper {
  readonly #clock: Pick<Clock, 'after'>
  readonly #options: ReaperOptions
  readonly #hooks: ReaperHooks
  #timer: Timer | undefined

  constructor(clock: Pick<Clock, 'after'>, options: ReaperOptions, hooks: ReaperHooks) {
    this.#clock = clock
    this.#options = options
    this.#hooks = hooks
  }

  start(): void {
    this.#timer = this.#clock.after(this.#options.checkIntervalMs, () => this.#step(this.#hooks.candidates(), 0))
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #step(paths: readonly string[], from: number): void {
    const perZnodeMs = 60_000 / this.#options.maxPerMinute
    const perStep = Math.max(1, Math.floor(stepMs / perZnodeMs))
    const end = Math.min(paths.length, from + perStep)
    for (let i = from; i < end; i++) this.#hooks.reap(paths[i] as string)
    if (end >= paths.length) this.start()
    else this.#timer = this.#clock.after(Math.ceil(perStep * perZnodeMs), () => this.#step(paths, end))
  }
}
