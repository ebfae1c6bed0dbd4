/** The figures of servers over the last day, asked by the console itself while it runs. */
import { type Clock, SeriesRing, type Timer } from '@lightkeeper/runtime'
import type { ServerFigures } from '../api.ts'
import { pointNames, pointOf, type Reading } from './points.ts'

const aDay = { everyMs: 10_000, points: 8_640 }

/** One server. */
interface Sampled {
  readonly ring: SeriesRing
  last: Reading | undefined
}

export class Sampler {
  readonly #clock: Clock
  readonly #read: () => Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>
  readonly #options: typeof aDay
  readonly #servers = new Map<string, Sampled>()
  #timer: Timer | undefined
  #isClosed = false

  /** `read` gives the figures of each server that answers, by its address. */
  constructor(
    clock: Clock,
    read: () => Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>,
    options: typeof aDay = aDay,
  ) {
    this.#clock = clock
    this.#read = read
    this.#options = options
  }

  start(): void {
    void this.measure().then(() => {
      if (!this.#isClosed) this.#timer = this.#clock.after(this.#options.everyMs, () => this.start())
    })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  /** Takes one point of each server. A server that does not answer has a hole there. */
  async measure(): Promise<void> {
    const answers = await this.#read().catch(() => new Map<string, Readonly<Record<string, string>>>())
    const at = this.#clock.now()
    for (const server of new Set([...this.#servers.keys(), ...answers.keys()])) {
      const known = this.#servers.get(server)
      const sampled = known ?? { ring: new SeriesRing(pointNames, this.#options.points), last: undefined }
      if (known === undefined) this.#servers.set(server, sampled)
      const figures = answers.get(server)
      const reading = figures && { at, figures }
      sampled.ring.add(this.#clock.wall(), reading === undefined ? {} : pointOf(reading, sampled.last))
      sampled.last = reading
    }
  }

  /** At most `max` points of each server. */
  figures(max: number): ServerFigures[] {
    const { everyMs } = this.#options
    return [...this.#servers].map(([server, { ring }]) => ({ server, everyMs, isKept: false, ...ring.series(max) }))
  }
}
