/** Instances that failed recently are left out for some time, but never too many of them. Times are arguments. */
import type { ServiceInstance } from './instance.ts'

/** When a resolver leaves out an instance whose calls fail. */
export interface OutlierOptions {
  /** The number of failures during `within` after which an instance is left out. Default 2, as in Curator. */
  readonly failures?: number
  /** The time in which the failures must happen, milliseconds. Default 30000. */
  readonly within?: number
  /**
   * How long it is left out the first time, milliseconds. Each further time without a success adds the same time. Default 30000.
   */
  readonly out?: number
  /** The largest share of instances that may be left out at the same time, 0 to 1. Default 0.5. */
  readonly shareMax?: number
}

/** An instance is left out for at most `out` times this number. */
const timesMax = 10

interface Failures {
  /** Times of the latest failures. */
  failures: number[]
  times: number
  until: number
}

export class Outliers {
  readonly #records = new Map<string, Failures>()
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

  /** A call failed. Returns whether the instance is left out from now on. */
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

  /** A call succeeded: forgets the failures. Returns whether the instance was left out. */
  succeeded(id: string, now: number): boolean {
    const record = this.#records.get(id)
    this.#records.delete(id)
    return record !== undefined && record.until > now
  }

  /** Forgets all instances but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#records.keys()) if (!ids.has(id)) this.#records.delete(id)
  }

  /**
   * The instances that may be picked at `now`, and when that changes by itself. Where too many are left out, those with the least
   * time left return.
   */
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
