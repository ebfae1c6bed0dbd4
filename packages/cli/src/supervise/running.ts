/** What the commands that run another command share. */
import type { Client, ConnectOptions } from '@lightkeeper/client'
import { exitCodeOf, type Signals } from '../signals.ts'
import type { Holding } from './supervise.ts'

/** How long the way out may take, milliseconds. What is left afterwards disappears with the session. */
export const leaveMs = 3_000

export function holdingOf(zk: Client, sessionTimeoutMs: number, held: Pick<Holding, 'signal' | 'remaining'>): Holding {
  return { signal: held.signal, sessionTimeoutMs, remaining: () => held.remaining(), ask: () => zk.exists('/') }
}

/** The session timeout that the server has granted to a client that has just connected, milliseconds. */
export function grantedTimeoutMs(zk: Client, { sessionTimeout = 30_000 }: ConnectOptions): number {
  const { state } = zk
  return state.kind === 'connected' ? state.sessionTimeout : sessionTimeout
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
