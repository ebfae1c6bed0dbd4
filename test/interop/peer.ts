/**
 * A program of another language that executes commands: a line `id verb arguments…` in, a line `{"id", "value"}` or
 * `{"id", "error"}` out. A command that waits does not hold up the next one.
 */
import { Child } from '../support/process.ts'

interface Answer {
  readonly id: number
  readonly value?: string
  readonly error?: string
}

export class Peer extends Child {
  readonly #waiting = new Map<number, { resolve(value: string): void; reject(reason: Error): void }>()
  #ids = 0

  constructor(command: readonly [string, ...string[]]) {
    super(command, { input: 'pipe' })
    const fail = (why: unknown): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the program has ended: ${String(why)}`))
    }
    void this.ended.then(() => fail(this.errors.slice(-2_000)), fail)
  }

  /** Arguments hold no spaces. */
  call(verb: string, ...args: readonly (string | number)[]): Promise<string> {
    const id = ++this.#ids
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.child.stdin?.write(`${[id, verb, ...args].join(' ')}\n`)
    })
  }

  protected override onLine(line: string): void {
    if (!line.startsWith('{"id"')) return
    const { id, value, error } = JSON.parse(line) as Answer
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value ?? '')
    else waiting?.reject(new Error(error))
  }
}
