/** Reads a subtree with its ACLs, as all of it is after one transaction. */
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
  /** The Stat, read together with the data. */
  readonly stat: ZnodeStat
}

export interface ReadWhole {
  /** The last transaction that the result includes. */
  readonly zxid: bigint
  /** The znodes that were read. */
  readonly nodes: WholeTree<ReadZnode>
}

export interface ReadWholeOptions extends CallOptions {
  /** Called now and then while ACLs are read, which takes most of the time: how many znodes are read, and of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

const aclsAtOnce = 256
/** The number of attempts for a tree whose ACLs change all the time. */
const attemptsMax = 10

/**
 * The znodes from `root` downwards; none where `root` does not exist. No event reports a change of an ACL. So each ACL is compared
 * with the aversion of its znode in the tree, and everything is read again where they differ.
 * @throws KeeperError NO_AUTH where this client may not read a znode; UNIMPLEMENTED before ZooKeeper 3.6.
 */
export async function readWhole(
  zk: Pick<Client, 'tree' | 'getAcl'>,
  root: ZnodePath,
  { onProgress = () => {}, ...options }: ReadWholeOptions = {},
): Promise<ReadWhole> {
  for (let attempt = 1; ; attempt++) {
    const { nodes, zxid } = await zk.tree(root, options)
    const whole = new Map<string, ReadZnode>()
    const entries = [...nodes]
    let isChanged = false
    for (let at = 0; at < entries.length && !isChanged; at += aclsAtOnce) {
      const batch = entries.slice(at, at + aclsAtOnce)
      const acls = await Promise.all(batch.map(([path]) => aclOf(zk, path, options)))
      for (const [i, [path, { data, stat }]] of batch.entries()) {
        const found = acls[i]
        if (found?.stat.czxid !== stat.czxid || found.stat.aversion !== stat.aversion) {
          isChanged = true
          break
        }
        const below = root === '/' ? (path === '/' ? '' : path) : path.slice(root.length)
        whole.set(below, { data, stat, type: stat.kind, acl: found.acl })
      }
      onProgress(whole.size, entries.length)
    }
    if (!isChanged) return { zxid, nodes: whole }
    if (attempt === attemptsMax) {
      const message = `ACLs or znodes below ${root} changed during each of ${attemptsMax} attempts to read them`
      throw new KeeperError('TIMEOUT', { path: root, operation: 'tree', message })
    }
  }
}

/** Undefined where the znode does not exist any more. */
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
