/** The command line as a process that a test talks with. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))

export class Running implements AsyncDisposable {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  output = ''
  errors = ''
  #isEnded = false
  #wake: (() => void)[] = []

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [bin, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.output += chunk.toString()
      this.#stir()
    })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString()
      this.#stir()
    })
    // Not `close`: a command that was left running has the pipes too.
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.#isEnded = true
        this.#stir()
        resolve({ code, signal })
      })
    })
  }

  /** Whole lines of standard output. */
  get lines(): string[] {
    return this.output.split('\n').slice(0, -1)
  }

  /** Objects of `--json`, from standard output or, of commands that run another, from standard error. */
  facts(from: 'output' | 'errors' = 'output'): Record<string, unknown>[] {
    const lines = this[from].split('\n').slice(0, -1)
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** Waits until `find` gives something, looking at whatever is printed. */
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

  #stir(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** The numbers a line consists of; undefined where it is no such line. */
export function numbersIn(line: string | undefined): number[] | undefined {
  return line !== undefined && /^[\d ]+$/.test(line) ? line.split(' ').map(Number) : undefined
}

/** Whether a process can still do anything: not where it is gone, or dead and nobody has taken note. */
export function isAlive(pid: number): boolean {
  if (process.platform !== 'linux') {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
