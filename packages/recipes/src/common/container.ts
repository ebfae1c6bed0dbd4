/** Znodes that others live below, made where they are missing. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { isLost, isOver } from './repeat.ts'
import { sleep } from './sleep.ts'

const pauseMs = 50

/** Resolves when the container was there. @throws what refuses it, the reason of the signal. */
export async function makeContainer(zk: Client, path: ZnodePath, signal?: AbortSignal): Promise<void> {
  if (path === '/') return
  for (;;) {
    try {
      const options = { mode: 'container', parents: 'container', idempotent: true } as const
      await zk.create(path, '', { ...options, signal, timeout: Number.POSITIVE_INFINITY })
      return
    } catch (error) {
      signal?.throwIfAborted()
      if (KeeperError.is(error, 'NODE_EXISTS')) return
      if (isOver(zk) || !isLost(error)) throw error
      await sleep(zk.clock, 1 + zk.random.below(pauseMs), signal)
    }
  }
}
