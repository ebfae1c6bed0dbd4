/** Calls that may be made any number of times are made until their outcome is known. */
import { type CallOptions, type Client, KeeperError } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import type { Limit } from './limit.ts'

/** Whether it failed for no fault of its own: what became of it is not known, it was never sent, or the session was over. */
export function isLost(error: unknown): boolean {
  if (!KeeperError.is(error)) return false
  const { code, outcome } = error
  // A server may say so before the client knows.
  if (code === 'SESSION_EXPIRED') return true
  return outcome !== 'rejected' && (code === 'CONNECTION_LOSS' || code === 'TIMEOUT')
}

/** No request of this client is answered any more. */
export function isOver(zk: Client): boolean {
  return zk.state.kind === 'closed' || zk.state.kind === 'authFailed'
}

/** @throws what `call` throws when it was refused, the reason of the limit's signal. */
export async function repeat<T>(zk: Client, limit: Limit, call: (options: CallOptions) => Promise<T>): Promise<T> {
  const backoff = new Backoff(zk)
  for (;;) {
    try {
      return await call(limit.step)
    } catch (error) {
      limit.signal.throwIfAborted()
      if (isOver(zk) || !isLost(error)) throw error
      await backoff.pause(limit.signal)
    }
  }
}
