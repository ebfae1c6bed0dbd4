/** The figures of servers over the last day, measured while the console runs. */
import type { Clock, Timer } from '@lightkeeper/runtime'
import type { Figures } from '../api.ts'

/** The figures of `mntr` that are kept, which both our server and Apache's have. */
const kept = [
  'avg_latency',
  'max_latency',
  'outstanding_requests',
  'num_alive_connections',
  'global_sessions',
  'znode_count',
  'watch_count',
  'ephemerals_count',
  'approximate_data_size',
  'packets_received',
  'avg_fsynctime',
  'max_fsynctime',
] as const

export interface RingOptions {
  /** Milliseconds between two points. */
  readonly everyMs: number
  /** Points that are kept. */
  readonly points: number
}

const aDay: RingOptions = { everyMs: 10_000, points: 8_640 }

/** One server's points, the oldest overwritten by the newest. */
interface Series {
  count: number
  readonly times: Float64Array
  readonly values: ReadonlyMap<string, Float64Array>
}

export class FigureRing {
  readonly #clock: Clock
  readonly #read: () => Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>
  readonly #options: RingOptions
  readonly #series = new Map<string, Series>()
  #timer: Timer | undefined
  #isClosed = false

  /** `read` gives the figures of each server that answers, by its address. */
  constructor(
    clock: Clock,
    read: () => Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>,
    options: RingOptions = aDay,
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
    const figures = await this.#read().catch(() => new Map<string, Readonly<Record<string, string>>>())
    const at = this.#clock.wall()
    for (const server of new Set([...this.#series.keys(), ...figures.keys()])) {
      const series = this.#seriesOf(server)
      const i = series.count++ % this.#options.points
      series.times[i] = at
      for (const [name, values] of series.values) {
        const text = figures.get(server)?.[name]
        values[i] = text === undefined ? Number.NaN : Number(text)
      }
    }
  }

  /** At most `max` points of each server: of several points of one stretch of time, each figure's greatest. */
  figures(max: number): Figures {
    const servers = [...this.#series].map(([server, series]) => {
      const { points } = this.#options
      const length = Math.min(series.count, points)
      const first = series.count - length
      const step = Math.max(1, Math.ceil(length / max))
      const times: number[] = []
      const values: Record<string, (number | null)[]> = Object.fromEntries(kept.map((name) => [name, []]))
      for (let from = 0; from < length; from += step) {
        const slots = Array.from({ length: Math.min(step, length - from) }, (_, i) => (first + from + i) % points)
        times.push(series.times[slots.at(-1) ?? 0] ?? 0)
        for (const name of kept) {
          const found = slots
            .map((slot) => series.values.get(name)?.[slot] ?? Number.NaN)
            .filter((each) => !Number.isNaN(each))
          values[name]?.push(found.length === 0 ? null : Math.max(...found))
        }
      }
      return { server, times, values }
    })
    return { everyMs: this.#options.everyMs, servers }
  }

  #seriesOf(server: string): Series {
    const known = this.#series.get(server)
    if (known !== undefined) return known
    const { points } = this.#options
    const values = new Map(kept.map((name) => [name, new Float64Array(points)]))
    const series = { count: 0, times: new Float64Array(points), values }
    this.#series.set(server, series)
    return series
  }
}
