/** Reads a subtree with its ACLs, all of it as it is after one transaction. */
import {
  type Acl,
  type CallOptions,
  type Client,
  KeeperError,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import type { WholeTree, WholeZnode } from './compare.ts'

export interface ReadZnode extends WholeZnode {
  readonly stat: ZnodeStat
}

export interface ReadWhole {
  /** The last transaction that is in it. */
  readonly zxid: bigint
  readonly nodes: WholeTree<ReadZnode>
}

const aclsAtOnce = 256
/** A tree whose ACLs change all the time is given up. */
const attemptsMax = 10

/**
 * The znodes from `root` downwards; none where `root` does not exist. No event says that an ACL was changed, so each ACL is compared
 * with the number of the znode's ACL changes in the tree, and all is read again where they differ.
 * @throws KeeperError NO_AUTH where a znode may not be read; UNIMPLEMENTED before ZooKeeper 3.6.
 */
export async function readWhole(
  zk: Pick<Client, 'tree' | 'getAcl'>,
  root: ZnodePath,
  options: CallOptions = {},
): Promise<ReadWhole> {
  for (let attempt = 1; ; attempt++) {
    const { nodes, zxid } = await zk.tree(root, options)
    // Each of very many requests would listen to the signal; between them is soon enough.
    const { signal, ...each } = options
    const whole = new Map<string, ReadZnode>()
    const entries = [...nodes]
    let isChanged = false
    for (let at = 0; at < entries.length && !isChanged; at += aclsAtOnce) {
      signal?.throwIfAborted()
      const batch = entries.slice(at, at + aclsAtOnce)
      const acls = await Promise.all(batch.map(([path]) => aclOf(zk, path, each)))
      for (const [i, [path, { data, stat }]] of batch.entries()) {
        const found = acls[i]
        if (found?.stat.czxid !== stat.czxid || found.stat.aversion !== stat.aversion) {
          isChanged = true
          break
        }
        const below = root === '/' ? (path === '/' ? '' : path) : path.slice(root.length)
        whole.set(below, { data, stat, type: stat.kind, acl: found.acl })
      }
    }
    if (!isChanged) return { zxid, nodes: whole }
    if (attempt === attemptsMax) {
      const message = `ACLs or znodes below ${root} changed during each of ${attemptsMax} attempts to read them`
      throw new KeeperError('TIMEOUT', { path: root, operation: 'tree', message })
    }
  }
}

/** Undefined where the znode is gone. */
async function aclOf(
  zk: Pick<Client, 'getAcl'>,
  path: ZnodePath,
  options: CallOptions,
): Promise<{ readonly acl: readonly Acl[]; readonly stat: ZnodeStat } | undefined> {
  try {
    return await zk.getAcl(path, options)
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}
