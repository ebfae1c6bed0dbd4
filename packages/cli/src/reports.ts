/** How a command reports what it does: as sentences for people, or with `--json` as one JSON object a line. */
import { jsonLine, printable } from './output.ts'

export class Reports {
  readonly #command: string
  readonly #json: boolean
  readonly #verbose: boolean

  /** On standard error, because standard output belongs to the command that is run. */
  constructor(command: string, { json, verbose }: { readonly json: boolean; readonly verbose: boolean }) {
    this.#command = command
    this.#json = json
    this.#verbose = verbose
  }

  /** Information that may be hidden. */
  note(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    if (this.#json || this.#verbose) this.#print(event, facts, words)
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
