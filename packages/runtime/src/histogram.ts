/** How long things took: counts by size, a few per cent apart, in constant memory. */

/** Buckets for each doubling. */
const perDoubling = 8
/** The smallest time with a bucket of its own, milliseconds; the largest is 2 ** 40 times that, which is weeks. */
const unitMs = 0.001
const buckets = 40 * perDoubling

export class Histogram {
  readonly #counts = new Uint32Array(buckets)
  /** The number of times that were recorded. */
  count = 0
  /** Their sum, milliseconds. */
  sumMs = 0
  /** The longest of them, milliseconds; 0 without any. */
  maxMs = 0

  /** Notes that `times` things took `ms` milliseconds each. */
  record(ms: number, times = 1): void {
    const exact = Math.floor(Math.log2(Math.max(1, ms / unitMs)) * perDoubling)
    const at = Math.min(buckets - 1, exact)
    this.#counts[at] = (this.#counts[at] as number) + times
    this.count += times
    this.sumMs += ms * times
    if (ms > this.maxMs) this.maxMs = ms
  }

  /** Milliseconds that a share `q` (0 … 1) of the times did not exceed, to within a tenth; 0 where there are none. */
  quantileMs(q: number): number {
    let left = Math.ceil(q * this.count)
    if (left <= 0) return 0
    for (let i = 0; i < buckets; i++) {
      left -= this.#counts[i] as number
      if (left <= 0) return Math.min(this.maxMs, boundMs(i + 1))
    }
    return this.maxMs
  }

  /** A copy, which later times do not change. */
  copy(): Histogram {
    return this.since(new Histogram())
  }

  /** The times that were recorded after `earlier` was a copy of this. Their maximum is known to within a tenth. */
  since(earlier: Histogram): Histogram {
    const later = new Histogram()
    let highest = -1
    for (let i = 0; i < buckets; i++) {
      const count = (this.#counts[i] as number) - (earlier.#counts[i] as number)
      later.#counts[i] = count
      if (count > 0) highest = i
    }
    later.count = this.count - earlier.count
    later.sumMs = this.sumMs - earlier.sumMs
    later.maxMs = this.maxMs > earlier.maxMs ? this.maxMs : Math.min(this.maxMs, boundMs(highest + 1))
    return later
  }

  /** The counts that are not zero, from the shortest times to the longest, each from `fromMs` to below `toMs`. */
  *ranges(): Generator<{ readonly fromMs: number; readonly toMs: number; readonly count: number }> {
    for (let i = 0; i < buckets; i++) {
      const count = this.#counts[i] as number
      if (count > 0) yield { fromMs: boundMs(i), toMs: boundMs(i + 1), count }
    }
  }
}

/** Where bucket `i` begins, milliseconds. */
function boundMs(i: number): number {
  return unitMs * 2 ** (i / perDoubling)
}
