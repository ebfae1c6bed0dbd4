/** How a command reports what it does: as sentences for people, or with `--json` as one JSON object a line. */
import { jsonLine, printable } from './output.ts'

export interface ReportsOptions {
  readonly json: boolean
  /** Also says what may be hidden. */
  readonly verbose: boolean
  /** Does not say that it waits. Default false. */
  readonly quiet?: boolean
}

export class Reports {
  readonly #command: string
  readonly #json: boolean
  readonly #verbose: boolean
  readonly #quiet: boolean

  /** On standard error, because standard output belongs to the command that is run. */
  constructor(command: string, { json, verbose, quiet = false }: ReportsOptions) {
    this.#command = command
    this.#json = json
    this.#verbose = verbose
    this.#quiet = quiet
  }

  /** Information that may be hidden. */
  note(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    if (this.#json || this.#verbose) this.#print(event, facts, words)
  }

  /** What it waits for; `-q` hides it. */
  wait(facts: Readonly<Record<string, unknown>>, words: string): void {
    if (!this.#quiet) this.#print('waiting', facts, words)
  }

  /** Something the user must know. */
  warn(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    this.#print(event, facts, words)
  }

  #print(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    process.stderr.write(
      this.#json ? jsonLine({ event, ...facts }) : `lightkeeper ${this.#command}: ${printable(words)}\n`,
    )
  }
}
