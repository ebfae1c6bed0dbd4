/** Instances that failed lately and are left out for a while, of which there are never too many. Times are given, not read. */
import type { ServiceInstance } from './instance.ts'

export interface OutlierOptions {
  /** Failures within `within` after which an instance is left out. Default 2, as in Curator. */
  readonly failures?: number
  /** Milliseconds. Default 30000. */
  readonly within?: number
  /** Milliseconds it is left out the first time; each time again without a success in between, as long again. Default 30000. */
  readonly out?: number
  /** The largest share that may be left out at a time, of 1. Default 0.5: whoever is down for us may be all there is. */
  readonly shareMax?: number
}

/** An instance is never left out for longer than so many times `out`. */
const timesMax = 10

interface Record {
  /** Times of its latest failures. */
  failures: number[]
  times: number
  until: number
}

export class Outliers {
  readonly #records = new Map<string, Record>()
  readonly #failures: number
  readonly #within: number
  readonly #out: number
  readonly #shareMax: number

  constructor({ failures = 2, within = 30_000, out = 30_000, shareMax = 0.5 }: OutlierOptions = {}) {
    this.#failures = failures
    this.#within = within
    this.#out = out
    this.#shareMax = shareMax
  }

  /** Returns whether that leaves it out from now on. */
  failed(id: string, now: number): boolean {
    const record = this.#records.get(id) ?? { failures: [], times: 0, until: Number.NEGATIVE_INFINITY }
    this.#records.set(id, record)
    record.failures = record.failures.filter((at) => now - at < this.#within)
    record.failures.push(now)
    if (record.until > now || record.failures.length < this.#failures) return false
    record.times = Math.min(timesMax, record.times + 1)
    record.until = now + this.#out * record.times
    record.failures = []
    return true
  }

  /** Forgets what was held against it. Returns whether it was left out. */
  succeeded(id: string, now: number): boolean {
    const record = this.#records.get(id)
    this.#records.delete(id)
    return record !== undefined && record.until > now
  }

  /** Forgets who is not there any more. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#records.keys()) if (!ids.has(id)) this.#records.delete(id)
  }

  /** Those that may be picked at `now`, and when that changes by itself. Of too many, those left out for longest come back first. */
  admit(instances: readonly ServiceInstance[], now: number): { admitted: readonly ServiceInstance[]; until: number } {
    const untilOf = ({ id }: ServiceInstance): number => this.#records.get(id)?.until ?? Number.NEGATIVE_INFINITY
    const out = instances.filter((instance) => untilOf(instance) > now)
    if (out.length === 0) return { admitted: instances, until: Number.POSITIVE_INFINITY }
    out.sort((a, b) => untilOf(b) - untilOf(a))
    const excluded = new Set(out.slice(0, Math.floor(instances.length * this.#shareMax)))
    const admitted = instances.filter((instance) => !excluded.has(instance))
    return { admitted, until: Math.min(...[...excluded].map(untilOf)) }
  }
}
