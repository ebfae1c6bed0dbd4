/** A program as a process that a test follows and ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'

export interface ChildOptions {
  /** Added to the environment; with `isAlone` it is the whole environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly isAlone?: boolean
  readonly cwd?: string
  /** `pipe` to write to its standard input. Default `ignore`: it has none. */
  readonly input?: 'ignore' | 'pipe'
  /** It and the processes that it starts get a group of their own, as from a shell. */
  readonly isGroup?: boolean
  /** It is killed after this time, milliseconds. Default: never. */
  readonly timeoutMs?: number
  readonly onLine?: (line: string) => void
}

export interface End {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Outcome extends End {
  readonly output: string
  readonly errors: string
}

export class Child implements AsyncDisposable {
  readonly child: ChildProcess
  /** Resolves when it has ended; a process that it started may still hold its output. Rejects if it could not be started. */
  readonly ended: Promise<End>
  /** Resolves when it has ended and everything that it printed has arrived. Rejects if it could not be started. */
  readonly closed: Promise<Outcome>
  /** Standard output. */
  output = ''
  /** Standard error. */
  errors = ''
  /** Both, in the order in which they came. */
  printed = ''
  readonly #onLine: ((line: string) => void) | undefined
  #isEnded = false
  #wake: (() => void)[] = []

  constructor([file, ...args]: readonly [string, ...string[]], options: ChildOptions = {}) {
    const { env = {}, isAlone = false, cwd, input = 'ignore', isGroup = false, timeoutMs, onLine } = options
    this.child = spawn(file, args, {
      stdio: [input, 'pipe', 'pipe'],
      detached: isGroup,
      env: isAlone ? env : { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
    })
    // A program that was killed does not read the end of its input.
    this.child.stdin?.on('error', () => {})
    this.#onLine = onLine
    let line = ''
    this.#follow('stdout', (piece) => {
      this.output += piece
      const lines = (line + piece).split('\n')
      line = lines.pop() ?? ''
      for (const each of lines) this.onLine(each)
    })
    this.#follow('stderr', (piece) => void (this.errors += piece))
    const whenever = (event: 'exit' | 'close'): Promise<End> =>
      new Promise((resolve, reject) => {
        this.child.once('error', reject)
        this.child.once(event, (code: number | null, signal: NodeJS.Signals | null) => {
          this.#isEnded = true
          this.#stir()
          resolve({ code, signal })
        })
      })
    this.ended = whenever('exit')
    this.closed = whenever('close').then((end) => ({ ...end, output: this.output, errors: this.errors }))
    // An error goes to the code that waits for one of them; if nothing waits, it is not unhandled.
    for (const each of [this.ended, this.closed]) each.catch(() => {})
  }

  /** Whole lines of standard output. */
  get lines(): string[] {
    return this.output.split('\n').slice(0, -1)
  }

  /** Waits until `find` returns something; asks again after each output. Rejects if the program ends before. */
  async until<T>(find: (running: this) => T | undefined | false): Promise<T> {
    for (;;) {
      const found = find(this)
      if (found !== undefined && found !== false) return found
      if (this.#isEnded) throw new Error(`it ended; output: ${this.output}; errors: ${this.errors}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  untilLine(text: string): Promise<string> {
    return this.until(({ lines }) => lines.find((line) => line.includes(text)))
  }

  /** The first line of its output; empty if it ends without one. */
  async firstLine(): Promise<string> {
    const line = this.until(({ lines }) => lines[0])
    return line.catch(() => this.closed.then(() => this.lines[0] ?? ''))
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Sends `signal` and resolves to its exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return (await this.ended).code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGCONT')
    this.child.kill('SIGKILL')
    await this.ended
  }

  /** Called for each whole line of standard output. */
  protected onLine(line: string): void {
    this.#onLine?.(line)
  }

  #follow(from: 'stdout' | 'stderr', take: (piece: string) => void): void {
    const decoder = new StringDecoder('utf8')
    this.child[from]?.on('data', (chunk: Buffer) => {
      const piece = decoder.write(chunk)
      this.printed += piece
      take(piece)
      this.#stir()
    })
  }

  #stir(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
