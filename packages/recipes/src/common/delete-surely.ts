/** A deletion that does not give up while its znode may live: an ephemeral that is left blocks all clients behind it. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { isOver, isRefusal } from './errors.ts'
import { type LeftBehind, mayNotBeDeleted } from './leaving.ts'

/**
 * Deletes an ephemeral that this client created in session `epoch` (`client.epoch`) under a name that no other client uses.
 * Resolves once the znode or its session is gone, or to the reason why it may not be deleted. Never rejects.
 */
export async function deleteSurely(zk: Client, path: ZnodePath, epoch: number): Promise<LeftBehind | undefined> {
  const backoff = new Backoff(zk, { baseMs: 50 })
  while (zk.epoch === epoch && !isOver(zk)) {
    try {
      await zk.delete(path)
      return undefined
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      // A server would repeat a refusal. After any other error the next try may succeed.
      if (KeeperError.is(error) && isRefusal(error)) return mayNotBeDeleted('delete', path, error)
    }
    await backoff.pause()
  }
  return undefined
}
