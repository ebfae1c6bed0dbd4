/**
 * A program of another language that does what it is told: a line `id verb arguments…` in, a line `{"id", "value"}` or
 * `{"id", "error"}` out. What waits there does not hold up the next.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

interface Answer {
  readonly id: number
  readonly value?: string
  readonly error?: string
}

export class Peer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, { resolve(value: string): void; reject(reason: Error): void }>()
  readonly #ended: Promise<void>
  #ids = 0
  #errors = ''

  constructor([file, ...args]: readonly [string, ...string[]]) {
    this.#child = spawn(file, args)
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2_000)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (!line.startsWith('{"id"')) return
      const { id, value, error } = JSON.parse(line) as Answer
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value ?? '')
      else waiting?.reject(new Error(error))
    })
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#errors += String(error)
        resolve()
      })
      this.#child.on('exit', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`the program has ended: ${this.#errors}`))
        resolve()
      })
    })
  }

  /** Arguments hold no spaces. */
  call(verb: string, ...args: readonly (string | number)[]): Promise<string> {
    const id = ++this.#ids
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin.write(`${[id, verb, ...args].join(' ')}\n`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
