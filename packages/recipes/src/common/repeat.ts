/** Repeats a call that may be executed any number of times, until its outcome is known. */
import type { CallOptions, Client } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { isLost, isOver } from './errors.ts'
import type { Limit } from './limit.ts'

/** @throws the error of `call` where it was refused, the reason of the limit's signal. */
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
