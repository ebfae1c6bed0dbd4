/** How a command tells what it does: in words for people, or with `--json` as a line of facts each. */
import { jsonLine, printable } from './output.ts'

export class Reports {
  readonly #command: string
  readonly #json: boolean
  readonly #verbose: boolean

  /** On standard error, for standard output is the command's that is run. */
  constructor(command: string, { json, verbose }: { readonly json: boolean; readonly verbose: boolean }) {
    this.#command = command
    this.#json = json
    this.#verbose = verbose
  }

  /** What one may want to know. */
  note(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    if (this.#json || this.#verbose) this.#print(event, facts, words)
  }

  /** What one has to know. */
  warn(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    this.#print(event, facts, words)
  }

  #print(event: string, facts: Readonly<Record<string, unknown>>, words: string): void {
    process.stderr.write(
      this.#json ? jsonLine({ event, ...facts }) : `lightkeeper ${this.#command}: ${printable(words)}\n`,
    )
  }
}
