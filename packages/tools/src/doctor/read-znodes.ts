/** Walks a tree znode by znode, without its data, and as far as this client may look. */
import { type Acl, type Client, KeeperError, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import type { SurveyedZnode } from './tree.ts'
import type { Numbers } from './unequal.ts'

export interface WalkedTree {
  /** Everything executed up to this transaction is in what was read. */
  readonly atLeast: bigint
  readonly nodes: ReadonlyMap<string, Numbers>
  /** Znodes whose children or ACL this client may not read. */
  readonly unreadable: readonly string[]
  /** The walk ended because there were more znodes than it may look at. */
  readonly isCut: boolean
}

export interface WalkZnodesOptions {
  readonly znodesMax: number
  /** Called for each znode, parents before their children. */
  readonly onZnode?: (znode: SurveyedZnode) => void
  readonly signal?: AbortSignal | undefined
  /** Called now and then with the number of znodes so far. */
  readonly onProgress?: (count: number) => void
}

type Reads = Pick<Client, 'children' | 'exists' | 'getAcl' | 'sync' | 'lastZxid'>

const readsAtOnce = 128
/** The count in front of a text in a reply, bytes. */
const lengthBytes = 4

/** @throws KeeperError where the connection is lost for longer than a request may take. */
export async function walkZnodes(zk: Reads, options: WalkZnodesOptions): Promise<WalkedTree> {
  const { znodesMax, onZnode = () => {}, signal, onProgress = () => {} } = options
  await zk.sync('/', { signal })
  const atLeast = zk.lastZxid
  const nodes = new Map<string, Numbers>()
  const unreadable: string[] = []
  let queue: ZnodePath[] = ['/']
  let isCut = false
  while (queue.length > 0) {
    signal?.throwIfAborted()
    const next: ZnodePath[] = []
    for (let at = 0; at < queue.length && !isCut; at += readsAtOnce) {
      signal?.throwIfAborted()
      const batch = queue.slice(at, at + readsAtOnce)
      const found = await Promise.all(batch.map((path) => look(zk, path)))
      for (const [i, seen] of found.entries()) {
        const path = batch[i] as ZnodePath
        if (seen === undefined) continue
        if (seen === 'hidden') {
          unreadable.push(path)
          continue
        }
        const { stat, children, acl } = seen
        if (children === undefined || acl === undefined) unreadable.push(path)
        const { czxid, mzxid, version, dataLength } = stat
        nodes.set(path, { czxid, mzxid, version, dataLength })
        let childrenBytes = 0
        for (const name of children ?? []) {
          childrenBytes += lengthBytes + name.length
          next.push(joinPath(path, name))
        }
        onZnode({ path, dataBytes: dataLength, children: stat.numChildren, childrenBytes, acl })
      }
      onProgress(nodes.size)
      if (nodes.size >= znodesMax && (next.length > 0 || at + readsAtOnce < queue.length)) isCut = true
    }
    if (isCut) break
    queue = next
  }
  return { atLeast, nodes, unreadable, isCut }
}

interface Looked {
  readonly stat: ZnodeStat
  /** Undefined where they may not be read. */
  readonly children: readonly string[] | undefined
  readonly acl: readonly Acl[] | undefined
}

/** Undefined where the znode does not exist any more, `hidden` where nothing of it may be read. */
async function look(zk: Reads, path: ZnodePath): Promise<Looked | 'hidden' | undefined> {
  const [listed, granted] = await Promise.all([answerOf(zk.children(path)), answerOf(zk.getAcl(path))])
  if (listed === 'missing' || granted === 'missing') return undefined
  const acl = granted === 'refused' ? undefined : granted.acl
  if (listed !== 'refused') return { stat: listed.stat, children: listed.children, acl }
  // Older servers tell everybody the Stat.
  const stat = granted === 'refused' ? await answerOf(zk.exists(path)) : granted.stat
  if (stat === undefined || stat === 'missing') return undefined
  return stat === 'refused' ? 'hidden' : { stat, children: undefined, acl }
}

async function answerOf<T>(answer: Promise<T>): Promise<T | 'missing' | 'refused'> {
  try {
    return await answer
  } catch (error) {
    if (KeeperError.is(error, 'NO_AUTH')) return 'refused'
    if (KeeperError.is(error, 'NO_NODE')) return 'missing'
    throw error
  }
}
