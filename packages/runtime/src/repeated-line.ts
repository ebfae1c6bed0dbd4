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

/** Keys that are told apart, and the characters of one that count. */
const keysMax = 200
const keyMax = 200

/**
 * The same for lines about many things, addresses of clients for example: each thing has a line of its own. What comes when too many
 * of them are told apart shares one line.
 */
export class RepeatedLines {
  readonly #log: Log
  readonly #clock: Clock
  readonly #level: LogLevel
  /** By thing and message, least recent first. */
  readonly #lines = new Map<string, { readonly line: RepeatedLine; at: number }>()

  constructor(log: Log, clock: Clock, level: LogLevel) {
    this.#log = log
    this.#clock = clock
    this.#level = level
  }

  /** Reports that it happened again to the thing that `key` names. */
  tell(key: string, message: string, facts: Readonly<Record<string, LogFact>>): void {
    const id = `${message} ${key.slice(0, keyMax)}`
    let known = this.#lines.get(id)
    if (known === undefined) {
      this.#forgetOld()
      const isCrowded = this.#lines.size >= keysMax
      if (isCrowded) known = this.#lines.get(message)
      if (known === undefined) {
        known = { line: new RepeatedLine(this.#log, this.#clock, this.#level, message), at: 0 }
        this.#lines.set(isCrowded ? message : id, known)
      }
    }
    known.at = this.#clock.now()
    known.line.tell(facts)
  }

  #forgetOld(): void {
    const before = this.#clock.now() - 2 * quietMs
    if (this.#lines.size < keysMax) return
    for (const [id, { at }] of this.#lines) if (at < before) this.#lines.delete(id)
  }
}
