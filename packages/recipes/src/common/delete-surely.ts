/** Deletion that does not give up while its znode may live: a leftover ephemeral blocks whoever waits behind it. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { sleep } from './sleep.ts'

const retryMsMax = 2_000

/**
 * Deletes an ephemeral under a name of its own that this client made in session `epoch` (`client.epoch`). Resolves once it is
 * gone, or bound to go with its session: it never rejects.
 */
export async function deleteSurely(zk: Client, path: ZnodePath, epoch: number): Promise<void> {
  for (let tries = 0; zk.epoch === epoch && !hasEnded(zk); tries++) {
    try {
      await zk.delete(path)
      return
    } catch (error) {
      // Somebody else had the right to; what may not be deleted will not be later either.
      if (KeeperError.is(error, 'NO_NODE') || KeeperError.is(error, 'NO_AUTH')) return
    }
    await sleep(zk.clock, 1 + zk.random.below(Math.min(retryMsMax, 50 * 2 ** Math.min(tries, 8))))
  }
}

function hasEnded(zk: Client): boolean {
  return zk.state.kind === 'closed' || zk.state.kind === 'authFailed'
}
