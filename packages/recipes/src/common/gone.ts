/** Waits until a znode is gone. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import type { Limit } from './limit.ts'

/** Resolves when the znode does not exist. @throws the reason of the limit's signal, KeeperError CLOSED. */
export async function gone(zk: Client, path: ZnodePath, limit: Limit): Promise<void> {
  let isThere = false
  for await (const change of zk.watch(path, { signal: limit.signal })) {
    if (change.kind === 'deleted') return
    if (change.kind === 'ready' && !isThere) return
    if (change.kind !== 'ready' && change.kind !== 'stale') isThere = true
  }
  limit.signal.throwIfAborted()
  throw new KeeperError('CLOSED', { path, operation: 'watch', outcome: 'unknown' })
}
