/** One member of an ensemble on this machine: a process of `lightkeeper server`, which is started again when it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endsWithParent } from '../ends-with-parent.ts'
import type { MemberFiles } from './folder.ts'

/** The wait before a member is started again, milliseconds; it doubles while the member ends early. */
const firstWaitMs = 500
const longestWaitMs = 10_000
/** A member that lived so long did not end early. */
const longLifeMs = 10_000
/** How long a member may take to stop in order. */
const patienceMs = 15_000

export interface MemberEvents {
  /** A line of its log. */
  line(text: string): void
  began(pid: number): void
  /** It ended without having been asked to. `waitMs` is when it is started again; undefined where it is not. */
  ended(how: string, waitMs: number | undefined): void
}

export class MemberProcess {
  readonly #files: MemberFiles
  readonly #isRestarted: boolean
  readonly #events: MemberEvents
  #child: ChildProcess | undefined
  #gone: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #waitMs = firstWaitMs
  #isStopping = false

  constructor(files: MemberFiles, isRestarted: boolean, events: MemberEvents) {
    this.#files = files
    this.#isRestarted = isRestarted
    this.#events = events
  }

  /** Whether it runs, or is going to be started again. */
  get isThere(): boolean {
    return this.#child !== undefined || this.#timer !== undefined
  }

  start(): void {
    const bin = fileURLToPath(new URL('../../bin/lightkeeper.js', import.meta.url))
    const child = spawn(process.execPath, [bin, 'server', this.#files.zooCfg], {
      // Through the channel it notices the end of this process, however it comes.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A group of its own: the Ctrl-C of a terminal goes to this process alone. A member that gets that and SIGTERM ends at once.
      detached: true,
      env: { ...process.env, [endsWithParent]: '1' },
    })
    const begun = performance.now()
    this.#child = child
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (text) => this.#events.line(text))
    if (child.pid !== undefined) this.#events.began(child.pid)
    this.#gone = new Promise((resolve) => {
      const over = (how: string): void => {
        if (this.#child !== child) return
        this.#child = undefined
        resolve()
        if (!this.#isStopping) this.#ended(how, performance.now() - begun)
      }
      child.once('error', (error) => over(error.message))
      child.once('close', (code, signal) => over(signal === null ? `exit ${code}` : signal))
    })
  }

  /** SIGTERM, and SIGKILL for one that does not stop. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#child?.kill('SIGTERM')
    // A stopped process takes its signals when it goes on.
    this.#child?.kill('SIGCONT')
    const kill = setTimeout(() => this.#child?.kill('SIGKILL'), patienceMs)
    await this.#gone
    clearTimeout(kill)
  }

  #ended(how: string, lifeMs: number): void {
    if (!this.#isRestarted) {
      this.#events.ended(how, undefined)
      return
    }
    if (lifeMs > longLifeMs) this.#waitMs = firstWaitMs
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(longestWaitMs, 2 * waitMs)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.start()
    }, waitMs)
    this.#events.ended(how, waitMs)
  }
}
