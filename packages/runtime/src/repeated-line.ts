/** A log line that many peers can cause at any rate: written at once, later only at intervals, with the number of times. */
import type { Clock } from './clock.ts'
import type { Log, LogFact, LogLevel } from './log.ts'

/** Times in between are counted; the next line contains their number. */
const quietMs = 60_000

export class RepeatedLine {
  readonly #log: Log
  readonly #clock: Clock
  readonly #level: LogLevel
  readonly #message: string
  #toldAt = Number.NEGATIVE_INFINITY
  #untold = 0

  constructor(log: Log, clock: Clock, level: LogLevel, message: string) {
    this.#log = log
    this.#clock = clock
    this.#level = level
    this.#message = message
  }

  /** Reports that it happened again; `facts` describe this time. */
  tell(facts: Readonly<Record<string, LogFact>>): void {
    this.#untold++
    const now = this.#clock.now()
    if (now - this.#toldAt < quietMs) return
    this.#log(this.#level, this.#message, this.#untold === 1 ? facts : { ...facts, times: this.#untold })
    this.#toldAt = now
    this.#untold = 0
  }
}
