/** Calls that may be made any number of times are made until their outcome is known. */
import { type CallOptions, type Client, KeeperError } from '@lightkeeper/client'
import type { Limit } from './limit.ts'
import { sleep } from './sleep.ts'

const pauseMs = 50

/** Whether what became of the request is not known, or it was never sent, for no fault of its own. */
export function isLost(error: unknown): boolean {
  if (!KeeperError.is(error)) return false
  const { code, outcome } = error
  return outcome !== 'rejected' && (code === 'CONNECTION_LOSS' || code === 'SESSION_EXPIRED' || code === 'TIMEOUT')
}

/** No request of this client is answered any more. */
export function isOver(zk: Client): boolean {
  return zk.state.kind === 'closed' || zk.state.kind === 'authFailed'
}

/** @throws what `call` throws when it was refused, the reason of the limit's signal. */
export async function repeat<T>(zk: Client, limit: Limit, call: (options: CallOptions) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call(limit.step)
    } catch (error) {
      limit.signal.throwIfAborted()
      if (isOver(zk) || !isLost(error)) throw error
      await sleep(zk.clock, 1 + zk.random.below(pauseMs), limit.signal)
    }
  }
}
