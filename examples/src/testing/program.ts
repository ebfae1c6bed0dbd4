/** Runs an example as its user would, as a process, and follows what it reports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Report {
  readonly event: string
  readonly [fact: string]: unknown
}

export class Program implements AsyncDisposable {
  readonly reports: Report[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  #errors = ''
  #wake: (() => void)[] = []

  /** `name` is the built program below examples/dist, without `.js`. */
  constructor(name: string, ...args: readonly string[]) {
    const file = fileURLToPath(new URL(`../../dist/${name}.js`, import.meta.url))
    this.#child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let rest = ''
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.reports.push(JSON.parse(line) as Report)
      this.#stir()
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString()
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code) => {
        resolve(code)
        this.#stir()
      })
    })
  }

  /** Waits for a report that `matches`, among those after position `from`. */
  async until(matches: (report: Report) => boolean, from = 0): Promise<Report> {
    const deadline = Date.now() + 60_000
    for (;;) {
      const found = this.reports.slice(from).find(matches)
      if (found !== undefined) return found
      const isGone = this.#child.exitCode !== null || this.#child.signalCode !== null
      if (isGone || Date.now() > deadline) {
        const seen = this.reports.slice(-10).map((report) => JSON.stringify(report))
        throw new Error(
          `the program ${isGone ? 'ended' : 'was silent'}; last reports: ${seen.join(' ')}; errors: ${this.#errors}`,
        )
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#wake.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Asks it to stop and resolves to its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGTERM')
    return this.#exited
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #stir(): void {
    const wake = this.#wake
    this.#wake = []
    for (const each of wake) each()
  }
}
