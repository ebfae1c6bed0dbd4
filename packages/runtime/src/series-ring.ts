/** Figures over time in a bounded space: the oldest point is overwritten by the newest. */

/** Points, the oldest first. */
export interface Series {
  /** Milliseconds since 1970. */
  readonly times: readonly number[]
  /** By name, a value for each time; null where there was none. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>
}

/** A point: values by name. A name that is missing has no value there. */
export type SeriesPoint = Readonly<Record<string, number>>

/** Values have about seven digits, which is what four bytes hold. */
const digits = 7

export class SeriesRing {
  readonly #points: number
  readonly #times: Float64Array
  readonly #values: ReadonlyMap<string, Float32Array>
  #count = 0

  /** Keeps the last `points` points of the figures with these names: 8 bytes, and 4 for each name, a point. */
  constructor(names: readonly string[], points: number) {
    this.#points = points
    this.#times = new Float64Array(points)
    this.#values = new Map(names.map((name) => [name, new Float32Array(points)]))
  }

  /** Adds a point at `at`, milliseconds since 1970. */
  add(at: number, point: SeriesPoint): void {
    const slot = this.#count++ % this.#points
    this.#times[slot] = at
    for (const [name, values] of this.#values) values[slot] = point[name] ?? Number.NaN
  }

  /**
   * At most `max` points: of several points of one stretch of time the greatest value, so that no peak is lost, and the last time. `last`
   * stands behind them as it is: the state of now, which is not kept.
   */
  series(max: number, last?: { readonly at: number; readonly point: SeriesPoint }): Series {
    const length = Math.min(this.#count, this.#points)
    const first = this.#count - length
    const step = Math.max(1, Math.ceil(length / Math.max(1, max)))
    const times: number[] = []
    const values: Record<string, (number | null)[]> = {}
    for (const name of this.#values.keys()) values[name] = []
    for (let from = 0; from < length; from += step) {
      const to = Math.min(length, from + step)
      times.push(this.#times[(first + to - 1) % this.#points] as number)
      for (const [name, kept] of this.#values) values[name]?.push(this.#greatest(kept, first + from, first + to))
    }
    if (last !== undefined) {
      times.push(last.at)
      for (const name of this.#values.keys()) values[name]?.push(last.point[name] ?? null)
    }
    return { times, values }
  }

  #greatest(kept: Float32Array, from: number, to: number): number | null {
    let greatest = Number.NaN
    for (let i = from; i < to; i++) {
      const value = kept[i % this.#points] as number
      if (!(value <= greatest) && !Number.isNaN(value)) greatest = value
    }
    return Number.isNaN(greatest) ? null : Number(greatest.toPrecision(digits))
  }
}
