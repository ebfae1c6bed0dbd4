/**
 * One Apache server as a process of this machine. No such process and no folder for it outlives this process, however this process
 * ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { ask } from './ask.ts'

/** How long a server may take to serve, and what one look at it may take of that, milliseconds. */
const patienceMs = 60_000
const longestLookMs = 5_000

/** How many characters of a server's output to keep. */
const outputMax = 100_000

const running = new Set<ChildProcess>()
const temporary = new Set<string>()
let hasExitHook = false

/** Installed only when there is something to clean up, so that importing this module installs nothing. */
function cleanAtExit(): void {
  if (hasExitHook) return
  hasExitHook = true
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL')
    for (const directory of temporary) rmSync(directory, { recursive: true, force: true })
  })
}

/** Removes `directory` when this process ends, unless `removeNow` was called before. */
export function removeAtExit(directory: string): void {
  cleanAtExit()
  temporary.add(directory)
}

export function removeNow(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
  temporary.delete(directory)
}

/**
 * Ends `child` when this process dies without its exit handlers, by SIGKILL or SIGINT: a shell in its own process group waits for
 * the end of a pipe that only we hold open.
 */
function guard(child: ChildProcess, directory: string | undefined): void {
  const clean = directory === undefined ? '' : '; rm -rf -- "$2"'
  const script = `read -r _; kill -9 "$1"${clean}`
  const watch = spawn('sh', ['-c', script, 'sh', `${child.pid}`, directory ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watch.on('error', () => {})
  watch.stdin.on('error', () => {})
  watch.unref()
  // Before the system can give the process id to another process.
  child.once('exit', () => watch.kill('SIGKILL'))
}

export interface ServerPlan {
  /** The release, for messages. */
  readonly version: string
  /** Arguments of `java`. */
  readonly args: readonly string[]
  readonly port: number
  /** A folder to remove together with the server when this process is killed. */
  readonly temporary: string | undefined
}

export class ApacheProcess {
  /** The end of its output since its last start. */
  output = ''
  readonly #plan: ServerPlan
  #child: ChildProcess | undefined

  constructor(plan: ServerPlan) {
    this.#plan = plan
  }

  start(): void {
    const child = spawn('java', this.#plan.args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.output = ''
    const collect = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-outputMax)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    guard(child, this.#plan.temporary)
    cleanAtExit()
    running.add(child)
    child.once('exit', () => running.delete(child))
    this.#child = child
  }

  /**
   * Resolves when it serves. @throws Error with the end of its output where it ended, or did not answer within a minute in which this
   * process could run.
   */
  async serving(): Promise<void> {
    let waited = 0
    let before = performance.now()
    // A running server also answers a word that is not allowed.
    while (!/^Mode: |not in the whitelist/m.test(await ask(this.#plan.port, 'srvr').catch(() => ''))) {
      const { exitCode, signalCode } = this.#child as ChildProcess
      const isGone = exitCode !== null || signalCode !== null
      const now = performance.now()
      // A machine that stood still, or was busy with others, is no reason to give up.
      waited += Math.min(longestLookMs, now - before)
      before = now
      if (isGone || waited > patienceMs) {
        const how = isGone ? `it ended with ${exitCode ?? signalCode}` : 'it does not answer'
        throw new Error(`Apache ZooKeeper ${this.#plan.version} did not come up, ${how}: ${this.output.slice(-2_000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Sends `signal` and resolves when the process is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    // A paused process would not react to SIGTERM.
    child.kill('SIGCONT')
    await gone
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  /** The mode that `srvr` reports: `leader`, `follower`, `standalone`; undefined if the server does not answer. */
  async mode(): Promise<string | undefined> {
    const answer = await ask(this.#plan.port, 'srvr').catch(() => '')
    return /^Mode: (.*)$/m.exec(answer)?.[1]
  }
}
