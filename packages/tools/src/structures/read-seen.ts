/** Reads what recognisers need, even from a tree that this client may not read everywhere. */
import { type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import type { SeenTree, SeenZnode } from './directory.ts'

export interface Seen {
  /** The znodes that could be read. */
  readonly tree: SeenTree
  /**
   * Everything from `root` downwards is as it was after this transaction. Undefined where the znodes were read one by one, while
   * others may have written.
   */
  readonly zxid: bigint | undefined
  /** Znodes that this client may not read, or whose children it may not list. */
  readonly unreadable: readonly ZnodePath[]
}

const readsAtOnce = 64

/** Reasons why the whole cannot be read: a znode that this client may not read, a server before 3.6. */
const withoutWhole: ReadonlySet<string> = new Set(['NO_AUTH', 'UNIMPLEMENTED'])

/** The siblings that are part of a structure: kazoo's line of a semaphore, our claims of a queue, our terms of a master. */
const besides = ['-__lock__', '-claims', '-epoch'] as const

/**
 * The znodes from `root` downwards, and the siblings that belong to it. @throws KeeperError NO_NODE where `root` does not exist.
 */
export async function readSeen(zk: Reads, root: ZnodePath, options: CallOptions = {}): Promise<Seen> {
  const own = await readBelow(zk, root, options)
  if (root === '/') return own
  const tree = new Map(own.tree)
  const unreadable = [...own.unreadable]
  for (const suffix of besides) {
    try {
      const beside = await readBelow(zk, `${root}${suffix}`, options)
      for (const [path, seen] of beside.tree) tree.set(path, seen)
      unreadable.push(...beside.unreadable)
    } catch (error) {
      if (!KeeperError.is(error, 'NO_NODE')) throw error
    }
  }
  return { tree, zxid: own.zxid, unreadable }
}

type Reads = Pick<Client, 'tree' | 'find' | 'children'>

async function readBelow(zk: Reads, root: ZnodePath, options: CallOptions): Promise<Seen> {
  try {
    const { nodes, zxid } = await zk.tree(root, options)
    if (nodes.size === 0) throw new KeeperError('NO_NODE', { path: root, operation: 'tree' })
    return { tree: nodes, zxid, unreadable: [] }
  } catch (error) {
    if (!KeeperError.is(error) || !withoutWhole.has(error.code)) throw error
  }
  const tree = new Map<ZnodePath, SeenZnode>()
  const unreadable: ZnodePath[] = []
  const visit = async (path: ZnodePath): Promise<ZnodePath[]> => {
    try {
      const seen = await zk.find(path, options)
      if (seen === undefined) return []
      tree.set(path, seen)
      if (seen.stat.numChildren === 0) return []
      const { children } = await zk.children(path, options)
      return children.map((name) => joinPath(path, name))
    } catch (error) {
      if (KeeperError.is(error, 'NO_AUTH')) unreadable.push(path)
      else if (!KeeperError.is(error, 'NO_NODE')) throw error
      return []
    }
  }
  for (let queue = [root]; queue.length > 0; ) {
    const batch = queue.splice(0, readsAtOnce)
    for (const below of await Promise.all(batch.map(visit))) queue.push(...below)
  }
  if (tree.size + unreadable.length === 0) throw new KeeperError('NO_NODE', { path: root, operation: 'tree' })
  return { tree, zxid: undefined, unreadable: unreadable.sort() }
}
