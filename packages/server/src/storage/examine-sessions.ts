/** Counts sessions that open and end in a log, hour by hour. */

export interface SessionHour {
  /** The beginning of the hour, milliseconds since 1970. */
  readonly from: number
  /** Sessions that were opened. */
  readonly opened: number
  /** Sessions that a server ended, because their clients were not heard of any more. */
  readonly expired: number
  /** Sessions that ended within ten seconds after they had opened, by their clients. */
  readonly brief: number
}

const hourMs = 3_600_000
const briefMs = 10_000
/** A log of many years has more hours than anybody looks at. */
const hoursMax = 24 * 366

type Counts = { -readonly [K in keyof SessionHour]: SessionHour[K] }

export class SessionCount {
  readonly #hours = new Map<number, Counts>()
  readonly #open = new Map<bigint, number>()

  opened(session: bigint, time: number): void {
    this.#open.set(session, time)
    this.#hour(time).opened++
  }

  ended(session: bigint, time: number, isExpiry: boolean): void {
    const since = this.#open.get(session)
    this.#open.delete(session)
    if (isExpiry) this.#hour(time).expired++
    else if (since !== undefined && time - since < briefMs) this.#hour(time).brief++
  }

  hours(): SessionHour[] {
    return [...this.#hours.values()].sort((a, b) => a.from - b.from)
  }

  #hour(time: number): Counts {
    const from = Math.floor(time / hourMs) * hourMs
    let counts = this.#hours.get(from)
    if (counts === undefined) {
      counts = { from, opened: 0, expired: 0, brief: 0 }
      if (this.#hours.size >= hoursMax) this.#hours.delete(this.#hours.keys().next().value as number)
      this.#hours.set(from, counts)
    }
    return counts
  }
}
