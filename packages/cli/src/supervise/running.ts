/** What the commands that run another command share. */
import type { Client } from '@lightkeeper/client'
import { UsageError } from '../command.ts'
import { exitCodeOf, type Signals } from '../signals.ts'
import type { Holding } from './supervise.ts'

export const running = {
  grace: { type: 'string', default: '10000' },
  verbose: { type: 'boolean', default: false },
} as const

export const runningUsage = `  --grace MS            between SIGTERM and SIGKILL at the most; where a lock or a term is lost, a quarter of the session
                        timeout at the most (default: 10000)
  --verbose             reports each step on standard error
`

/** How long the way out may take, milliseconds. What is left afterwards disappears with the session. */
export const leaveMs = 3_000

export function holdingOf(zk: Client, sessionTimeoutMs: number, held: Pick<Holding, 'signal' | 'remaining'>): Holding {
  return { signal: held.signal, sessionTimeoutMs, remaining: () => held.remaining(), ask: () => zk.exists('/') }
}

/** The session timeout that the server has granted to a client that has just connected, milliseconds. */
export function grantedTimeoutMs(zk: Client, values: { readonly 'session-timeout': string }): number {
  const { state } = zk
  return state.kind === 'connected' ? state.sessionTimeout : Number(values['session-timeout'])
}

/** The command behind `--`. */
export function commandOf(name: string, command: readonly string[] | undefined): readonly string[] {
  if (command?.[0]) return command
  throw new UsageError(`wants a command to run: lightkeeper ${name} -- COMMAND`)
}

/** The exit code where a signal came before there was a command to pass it on to. @throws any other error. */
export function exitCodeFor(error: unknown, signals: Signals): number {
  if (signals.received !== undefined && error === signals.signal.reason) return exitCodeOf(signals.received)
  throw error
}

/** The result of `promise`, or undefined if it takes longer. */
export async function atMost<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, patience])
  } finally {
    clearTimeout(timer)
  }
}

/** Ends the session, after `released` if that does not take too long. */
export async function leave(zk: Client, released: Promise<unknown> = Promise.resolve()): Promise<void> {
  await atMost(leaveMs, released)
  await zk.close()
}
