/**
 * The demo's processes: workers, which are replaced when they end, and a server, which is started again on the same
 * port and data.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endsWithParent } from '../ends-with-parent.ts'

/** One JSON line of a worker. */
export interface Report {
  readonly event: string
  readonly [fact: string]: unknown
}

/** The most characters of standard error that are kept for a message. */
const errorLength = 500

class Program {
  readonly child: ChildProcess
  /** Resolves when it is gone: to its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  #errors = ''

  constructor(args: readonly string[], onLine: (line: string) => void) {
    const child = spawn(process.execPath, args, {
      // Through the channel it notices the end of this process, however it comes.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: the Ctrl-C of a terminal goes to this process alone, which ends the others when their work is done.
      detached: true,
      env: { ...process.env, [endsWithParent]: '1' },
    })
    this.child = child
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', onLine)
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-errorLength)
    })
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL')))
  }

  get errors(): string {
    return this.#errors.trim()
  }
}

export class Worker {
  readonly id: string
  readonly #file: string
  readonly #args: readonly string[]
  readonly #onReport: (report: Report) => void
  #program: Program | undefined
  #isPaused = false
  /** It has reported something: from now on it ends cleanly when it is asked to. */
  #isAtWork = false

  /** `file` is the worker's program, `args` are its arguments besides its name. */
  constructor(id: string, file: string, args: readonly string[], onReport: (report: Report) => void) {
    this.id = id
    this.#file = file
    this.#args = args
    this.#onReport = onReport
  }

  get isThere(): boolean {
    return this.#program !== undefined
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Resolves when the process has ended: to a problem with how it ended, or to undefined. */
  async run(): Promise<string | undefined> {
    const program = new Program([this.#file, '--id', this.id, ...this.#args], (line) => this.#line(line))
    this.#program = program
    this.#isAtWork = false
    const end = await program.ended
    this.#program = undefined
    this.#isPaused = false
    if (end === 0 || end === 'SIGKILL' || (end === 'SIGTERM' && !this.#isAtWork)) return undefined
    return `${this.id} ended with ${end}: ${program.errors || 'no output on standard error'}`
  }

  send(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#program?.child.kill(signal)
  }

  pause(): void {
    this.#isPaused = this.#program?.child.kill('SIGSTOP') ?? false
  }

  resume(): void {
    this.#isPaused = false
    this.#program?.child.kill('SIGCONT')
  }

  #line(line: string): void {
    let report: Report
    try {
      report = JSON.parse(line) as Report
    } catch {
      // The last line of a process that was killed while it wrote.
      return
    }
    this.#isAtWork = true
    this.#onReport(report)
  }
}

/** `lightkeeper server` as a process of its own. */
export class ServerProcess {
  readonly #dataDir: string
  #program: Program | undefined
  #port = '0'

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  /**
   * Resolves to its address when it accepts connections, the same each time. Rejects with its output if it does not
   * start.
   */
  start(): Promise<string> {
    const bin = fileURLToPath(new URL('../../bin/lightkeeper.js', import.meta.url))
    const args = [bin, 'server', '--port', this.#port, '--data-dir', this.#dataDir, '--set', 'tickTime=500']
    return new Promise((resolve, reject) => {
      const program = new Program(args, (line) => {
        const address = /listening on (\S+)$/.exec(line)?.[1]
        if (address === undefined) return
        this.#port = address.slice(address.lastIndexOf(':') + 1)
        resolve(address)
      })
      this.#program = program
      void program.ended.then((end) => reject(new Error(`the server ended with ${end}: ${program.errors}`)))
    })
  }

  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.#program?.child.kill(signal)
    return (await this.#program?.ended) ?? 0
  }
}
