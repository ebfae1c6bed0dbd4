/** Deletion that does not give up while its znode may live: an ephemeral that is left blocks everyone who waits behind it. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { isOver, isRefusal } from './errors.ts'
import { type LeftBehind, mayNotBeDeleted } from './leaving.ts'

/**
 * Deletes an ephemeral that this client made in session `epoch` (`client.epoch`) under a name that no other client uses. Resolves
 * once it is gone with or before its session, or to why it may not be deleted. Never rejects.
 */
export async function deleteSurely(zk: Client, path: ZnodePath, epoch: number): Promise<LeftBehind | undefined> {
  const backoff = new Backoff(zk, { baseMs: 50 })
  while (zk.epoch === epoch && !isOver(zk)) {
    try {
      await zk.delete(path)
      return undefined
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      // A refusal would come again. After any other error the next try may get through.
      if (KeeperError.is(error) && isRefusal(error)) return mayNotBeDeleted('delete', path, error)
    }
    await backoff.pause()
  }
  return undefined
}
