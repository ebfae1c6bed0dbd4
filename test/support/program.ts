/** A program of ours that reports what it does, one JSON object a line, as a process that a test follows. */
import { fileURLToPath } from 'node:url'
import { Child } from './process.ts'

export interface Report {
  readonly event: string
  readonly [fact: string]: unknown
}

const patienceMs = 60_000

/** The path of a built program, `name` being its path below `examples/dist`, without `.js`. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../examples/dist/${name}.js`, import.meta.url))
}

export class Program extends Child {
  /** Every report so far, oldest first. */
  readonly reports: Report[] = []

  constructor(file: string, ...args: readonly string[]) {
    super([process.execPath, file, ...args])
  }

  /** Waits for a report that `matches`, among those after position `from`. Rejects if the program ends before, or after 60 s. */
  async untilReport(matches: (report: Report) => boolean, from = 0): Promise<Report> {
    const problem = (what: string): Error => {
      const seen = this.reports.slice(-10).map((report) => JSON.stringify(report))
      return new Error(`the program ${what}; last reports: ${seen.join(' ')}; errors: ${this.errors}`)
    }
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(problem(`did not report it in ${patienceMs / 1_000} s`)), patienceMs)
    })
    const found = this.until(() => this.reports.slice(from).find(matches)).catch(() => {
      throw problem('ended')
    })
    found.catch(() => {})
    return Promise.race([found, silence]).finally(() => clearTimeout(timer))
  }

  protected override onLine(line: string): void {
    this.reports.push(JSON.parse(line) as Report)
  }

  /** Asks it to stop, even if it is paused, and resolves to its exit code. */
  stop(): Promise<number | null> {
    this.kill('SIGCONT')
    return this.end()
  }
}
