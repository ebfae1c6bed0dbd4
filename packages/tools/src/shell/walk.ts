/** Walks a subtree znode by znode, parents first, children in the order of their names: for trees of any size, in little memory. */
import { type Acl, type Client, KeeperError, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'

export interface WalkedZnode {
  /** The path of the znode. */
  readonly path: ZnodePath
  /** 0 for the root of the walk. */
  readonly depth: number
  /** The Stat, read together with the names of the children. */
  readonly stat: ZnodeStat
  /** Sorted. */
  readonly children: readonly string[]
  /** With `withData`. */
  readonly data: Uint8Array
  /** With `withAcl`. */
  readonly acl: readonly Acl[]
}

/** A znode that this client may not read; what is below it is left out. */
export interface DeniedZnode {
  /** The path of the znode. */
  readonly path: ZnodePath
  /** 0 for the root of the walk. */
  readonly depth: number
  readonly denied: true
}

export interface WalkSubtreeOptions {
  /** Default false: only names and Stats are read. */
  readonly withData?: boolean
  /** Default false. */
  readonly withAcl?: boolean
  /** Znodes further below are left out. Default: no limit. */
  readonly depthMax?: number
  /** Stops between two reads. */
  readonly signal?: AbortSignal
}

/** How many znodes are read at a time. */
const readsAtOnce = 256
const nothing = new Uint8Array(0)

type Reads = Pick<Client, 'children' | 'get' | 'getAcl'>

/**
 * Each znode is read on its own, not all at one zxid: what is deleted meanwhile is left out.
 * @throws KeeperError NO_NODE where the root does not exist.
 */
export async function* walkSubtree(
  zk: Reads,
  root: ZnodePath,
  options: WalkSubtreeOptions = {},
): AsyncGenerator<WalkedZnode | DeniedZnode, void, void> {
  const first = await readOne(zk, root, 0, options)
  if (first === undefined) throw new KeeperError('NO_NODE', { path: root, operation: 'children' })
  yield* below(zk, first, options)
}

async function* below(
  zk: Reads,
  node: WalkedZnode | DeniedZnode,
  options: WalkSubtreeOptions,
): AsyncGenerator<WalkedZnode | DeniedZnode, void, void> {
  yield node
  const { signal, depthMax = Number.POSITIVE_INFINITY } = options
  if ('denied' in node || node.depth >= depthMax) return
  for (let at = 0; at < node.children.length; at += readsAtOnce) {
    signal?.throwIfAborted()
    const names = node.children.slice(at, at + readsAtOnce)
    const read = await Promise.all(names.map((name) => readOne(zk, joinPath(node.path, name), node.depth + 1, options)))
    for (const each of read) if (each !== undefined) yield* below(zk, each, options)
  }
}

/** Undefined where it does not exist. */
async function readOne(
  zk: Reads,
  path: ZnodePath,
  depth: number,
  { withData = false, withAcl = false }: WalkSubtreeOptions,
): Promise<WalkedZnode | DeniedZnode | undefined> {
  try {
    const [{ children, stat }, got, access] = await Promise.all([
      zk.children(path),
      withData ? zk.get(path) : undefined,
      withAcl ? zk.getAcl(path) : undefined,
    ])
    const own = { stat: got?.stat ?? stat, data: got?.data ?? nothing, acl: access?.acl ?? [] }
    return { path, depth, children: [...children].sort(), ...own }
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    if (KeeperError.is(error, 'NO_AUTH')) return { path, depth, denied: true }
    throw error
  }
}
