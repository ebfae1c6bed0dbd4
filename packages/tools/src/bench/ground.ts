/**
 * The znodes of a benchmark: all are below one znode with a name of its own, which is deleted behind it. Runs that were killed are
 * found by their names, and an ephemeral shows which runs are still going on.
 */
import { type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'

type Ground = Pick<Client, 'create' | 'delete' | 'children' | 'exists' | 'random'>

/** Below it are the runs. */
export const benchRoot: ZnodePath = '/lightkeeper-bench'
const alive = 'alive'

/** Makes the place of a new run. @throws KeeperError where this client may not write. */
export async function openGround(zk: Ground, root: ZnodePath = benchRoot): Promise<ZnodePath> {
  const id = [...zk.random.bytes(6)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const run: ZnodePath = `${root}/run-${id}`
  await zk.create(run, null, { parents: true })
  await zk.create(`${run}/${alive}`, null, { mode: 'ephemeral' })
  return run
}

/** Deletes everything of a run, and the common parent if no other run needs it. @throws KeeperError where that fails. */
export async function clearGround(zk: Ground, run: ZnodePath, options: CallOptions = {}): Promise<void> {
  await zk.delete(run, { ...options, recursive: true, idempotent: true })
  try {
    await zk.delete(run.slice(0, run.lastIndexOf('/')) as ZnodePath, { ...options, idempotent: true })
  } catch (error) {
    if (!KeeperError.is(error, 'NOT_EMPTY')) throw error
  }
}

/** Runs whose program is gone: it was killed before it could clean up. */
export async function leftBehind(zk: Ground, root: ZnodePath = benchRoot): Promise<ZnodePath[]> {
  const left: ZnodePath[] = []
  try {
    const { children } = await zk.children(root)
    for (const name of children.filter((each) => /^run-[0-9a-f]{12}$/.test(each)).sort()) {
      const run: ZnodePath = `${root}/${name}`
      if ((await zk.exists(`${run}/${alive}`)) === undefined) left.push(run)
    }
  } catch (error) {
    if (!KeeperError.is(error, 'NO_NODE')) throw error
  }
  return left
}
