/**
 * Runs a command as long as it may run: passes signals on, returns its exit code, and stops it before its lock or term
 * can end. plan.ts decides when; guard.ts acts if this process dies or is stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Reports } from '../reports.ts'
import { exitCodeOf, type Signals } from '../signals.ts'
import type { GuardMessage } from './guard.ts'
import { graceMsFor, noLease, planFor } from './plan.ts'
import { commonClockMs, send } from './process.ts'
import { Stopper } from './stopper.ts'

/** A lock or a term. */
export interface Holding {
  readonly signal: AbortSignal
  /** As the server has granted it, milliseconds. */
  readonly sessionTimeoutMs: number
  /** Milliseconds for which it is certainly held. */
  remaining(): number
  /** Makes a server answer, which renews the lease. */
  ask(): Promise<unknown>
}

export interface Supervision {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly signals: Signals
  readonly reports: Reports
  /** The time between SIGTERM and SIGKILL, milliseconds; the rest of the lease may leave less. */
  readonly graceMs: number
  /** The lock or term that the command needs. Without one only signals and `stop` stop it. */
  readonly holding?: Holding | undefined
  /** Stops it: SIGTERM, and SIGKILL when its grace has ended. */
  readonly stop?: AbortSignal | undefined
  /** Asks it to end, by SIGTERM only. */
  readonly ask?: AbortSignal | undefined
  /** Done before the first signal is passed on. Never rejects. */
  readonly beforeSignal?: (() => Promise<void>) | undefined
}

export interface Ended {
  /** Its own, or 128 + n where a signal has ended it. */
  readonly exitCode: number
  /** Whether it was stopped, because its lock or term has ended or `stop` has aborted. */
  readonly wasStopped: boolean
}

/**
 * The shell that starts the command. It waits until the guard is ready, so from its first moment on the command can be
 * stopped, even if this process dies. It also gives the usual exit codes 126 and 127.
 */
const gate = 'read -r _ <&3 || exit 1; exec 3<&-; exec "$@"'

/** Resolves when the command has ended and nothing of it is left that had to be stopped. */
export async function supervise(supervision: Supervision): Promise<Ended> {
  const { command, environment, signals, reports, holding } = supervision
  // A command that reads from a terminal must be in the terminal's process group. Any other command gets a group of its own, so
  // that the processes that it has started are stopped with it.
  const isInteractive = process.stdin.isTTY
  const timeoutMs = holding?.sessionTimeoutMs ?? Number.POSITIVE_INFINITY
  const graceMs = graceMsFor(timeoutMs, supervision.graceMs)
  const plan = holding === undefined ? noLease : planFor(timeoutMs, graceMs)
  const guard = new Guard()
  guard.onFailure(() => {
    reports.warn('unguarded', {}, 'the guard has ended: if this process is killed, the command continues')
  })
  const env = { ...process.env, ...environment }
  const child = spawn('sh', ['-c', gate, 'lightkeeper', ...command], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    detached: !isInteractive,
    env,
  })
  const { pid } = child
  if (pid === undefined) {
    guard.end()
    throw await new Promise<Error>((resolve) => child.once('error', resolve))
  }
  const target = isInteractive ? pid : -pid
  guard.send({ target, plan, graceMs })
  void guard.armed().then(() => {
    const door = child.stdio[3] as Writable
    door.on('error', () => {})
    door.end('\n')
  })
  reports.note('started', { pid, command }, `runs ${command.join(' ')}, process ${pid}`)

  let isEnded = false
  const stopper = new Stopper({
    target,
    plan,
    graceMs,
    remaining: () => holding?.remaining() ?? Number.POSITIVE_INFINITY,
    looking(remainingMs) {
      if (holding !== undefined) guard.send({ leaseEnd: commonClockMs() + remainingMs })
    },
    overdue: 'no server has answered in time',
    terminating(why) {
      guard.send({ terminated: true })
      reports.warn('stopping', { why, pid }, `${why}: the command is stopped`)
    },
    killing: (remaining) => reports.warn('killing', { pid, remaining }, 'the command is killed'),
    ...(holding && { renew: () => holding.ask() }),
  })
  const look = (): void => stopper.look()
  const onStop = (): void => {
    const reason: unknown = supervision.stop?.reason
    stopper.terminate(reason instanceof Error ? reason.message : String(reason))
    look()
  }
  const onAsked = (): void => {
    reports.warn('asked', { pid }, 'another client asks for it: SIGTERM to the command')
    send(target, 'SIGTERM')
  }
  let before: Promise<void> | undefined
  const unhear = signals.onEach((signal) => {
    before ??= supervision.beforeSignal?.() ?? Promise.resolve()
    // The terminal has sent these to the command as well.
    if (isInteractive && (signal === 'SIGINT' || signal === 'SIGQUIT')) return
    void before.then(() => {
      if (!isEnded) send(target, signal)
    })
  })

  const ended = whenEnded(child)
  holding?.signal.addEventListener('abort', look, { once: true })
  onAbort(supervision.stop, onStop)
  onAbort(supervision.ask, onAsked)
  look()
  const exitCode = await ended
  isEnded = true
  stopper.end()
  holding?.signal.removeEventListener('abort', look)
  supervision.stop?.removeEventListener('abort', onStop)
  supervision.ask?.removeEventListener('abort', onAsked)
  unhear()
  // The guard may have killed it while this process was stopped.
  const wasStopped = stopper.isTerminated || holding?.remaining() === 0
  // Processes that the command has left behind must not continue either.
  if (wasStopped && !isInteractive) send(target, 'SIGKILL')
  guard.end()
  reports.note('ended', { pid, exitCode }, `the command has ended with ${exitCode}`)
  return { exitCode, wasStopped }
}

function whenEnded(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : exitCodeOf(signal)))
  })
}

function onAbort(signal: AbortSignal | undefined, listener: () => void): void {
  if (signal?.aborted) listener()
  else signal?.addEventListener('abort', listener, { once: true })
}

class Guard {
  readonly #process: ChildProcess
  #isOver = false

  constructor() {
    const file = fileURLToPath(new URL('./guard.js', import.meta.url))
    // In a session of its own, so that a signal to everything in a terminal does not end the guard first.
    this.#process = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#process.unref()
    this.#process.stdin?.on('error', () => {})
  }

  /** Resolves when it knows what to stop, or never will. */
  armed(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.stdout?.once('data', () => resolve())
      for (const event of ['error', 'exit'] as const) this.#process.once(event, () => resolve())
    })
  }

  send(message: GuardMessage): void {
    if (!this.#isOver) this.#process.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  /** Not where the guard has stopped the command, which is its purpose. */
  onFailure(listener: () => void): void {
    this.#process.once('error', listener)
    this.#process.once('exit', (code) => {
      if (code !== 0 && !this.#isOver) listener()
    })
  }

  end(): void {
    this.send({ done: true })
    this.#isOver = true
    this.#process.stdin?.end()
  }
}
