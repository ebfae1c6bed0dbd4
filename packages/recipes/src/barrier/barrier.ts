/** A barrier: while it exists, every client that reaches it waits. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/options.ts'
import { checkPlace } from '../arguments/places.ts'
import { createBelow } from '../common/container.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { repeat } from '../common/repeat.ts'

/** A barrier: while its znode exists, everybody who waits at it stays there. */
export interface Barrier {
  /** The znode of the barrier. */
  readonly path: ZnodePath
  /** Creates the barrier. It stays when the client that created it goes away. */
  set(options?: WaitOptions): Promise<void>
  /** Deletes the barrier: all waiting clients continue. */
  remove(options?: WaitOptions): Promise<void>
  /** Resolves when there is no barrier. @throws the reason of the signal, KeeperError TIMEOUT, CLOSED. */
  wait(options?: WaitOptions): Promise<void>
}

/** Curator's DistributedBarrier and kazoo's Barrier: the barrier exists while its znode exists. Sends nothing. */
export function barrier(zk: Client, path: ZnodePath): Barrier {
  checkPlace(zk, path, 'barrier')
  return {
    path,
    async set(options) {
      using limit = new Limit(zk, 'set', path, callOptions(options, 'barrier.set'))
      try {
        await repeat(zk, limit, (own) => createBelow(zk, path, '', { ...own, idempotent: true }))
      } catch (error) {
        if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
      }
    },
    async remove(options) {
      using limit = new Limit(zk, 'remove', path, callOptions(options, 'barrier.remove'))
      try {
        await repeat(zk, limit, (own) => zk.delete(path, { ...own, idempotent: true }))
      } catch (error) {
        if (!KeeperError.is(error, 'NO_NODE')) throw error
      }
    },
    async wait(options) {
      using limit = new Limit(zk, 'wait', path, callOptions(options, 'barrier.wait'))
      // A barrier that was created before this call counts, even if the connected server has not seen it yet.
      await zk.sync(path, limit.step)
      let isUp = false
      limit.reason = () => (isUp ? 'the barrier is up' : undefined)
      for await (const change of zk.watch(path, { signal: limit.signal })) {
        if (change.kind === 'created' || change.kind === 'changed' || change.kind === 'unreadable') isUp = true
        else if (change.kind === 'deleted') isUp = false
        if (change.kind !== 'stale' && !isUp) return
      }
      limit.signal.throwIfAborted()
      throw new KeeperError('CLOSED', { path, operation: 'wait', outcome: 'unknown' })
    },
  }
}
