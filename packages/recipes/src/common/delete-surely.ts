/** Deletion that does not give up while its znode may live: a leftover ephemeral blocks whoever waits behind it. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { type LeftBehind, mayNotBeDeleted } from './leaving.ts'
import { isRefusal } from './errors.ts'
import { isOver } from './repeat.ts'

/**
 * Deletes an ephemeral under a name of its own that this client made in session `epoch` (`client.epoch`). Resolves once it is
 * gone with or before its session, or to why it may not be deleted: it never rejects.
 */
export async function deleteSurely(zk: Client, path: ZnodePath, epoch: number): Promise<LeftBehind | undefined> {
  const backoff = new Backoff(zk, { baseMs: 50 })
  while (zk.epoch === epoch && !isOver(zk)) {
    try {
      await zk.delete(path)
      return undefined
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      // What may not be deleted now will not be later either. Anything else came between: the next may get through.
      if (KeeperError.is(error) && isRefusal(error)) return mayNotBeDeleted('delete', path, error)
    }
    await backoff.pause()
  }
  return undefined
}
