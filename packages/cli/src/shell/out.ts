/** Where verbs write: results on standard output, as text or as lines of JSON, and notes for people on standard error. */
import { jsonLine, printable, say } from '../output.ts'

/** Enough for one write to a pipe. */
const pieceLength = 64 * 1024

export class Out {
  readonly isJson: boolean
  #pending = ''

  constructor(isJson: boolean) {
    this.isJson = isJson
  }

  /** One result: `facts` with `--json`, else `text`, which may have several lines and gets a line end. */
  result(facts: object, text: string | (() => string)): void {
    this.#pending += this.isJson ? jsonLine(facts) : `${typeof text === 'string' ? text : text()}\n`
    if (this.#pending.length > pieceLength) this.flush()
  }

  /** Bytes as they are. */
  bytes(data: Uint8Array): void {
    this.flush()
    process.stdout.write(data)
  }

  /** For people alone; standard output has only results. */
  note(text: string): void {
    this.flush()
    process.stderr.write(`${printable(text)}\n`)
  }

  flush(): void {
    const text = this.#pending
    this.#pending = ''
    if (text !== '') say(text)
  }
}
