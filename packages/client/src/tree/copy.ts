/** Copies and moves subtrees. Data, ACLs and kinds go along; ids, versions and times are new. */
import { type Acl, isWithin, joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Client } from '../client.ts'
import type { CallOptions, CopyOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../request/budget.ts'
import { op, type TransactionOp } from '../transaction.ts'
import type { RawZnode } from '../watch/source.ts'
import type { Tree } from './read-tree.ts'

/** What it needs of a client. */
export type TreeClient = Pick<Client, 'getAcl' | 'transactionOf' | 'tree'>

/** Bytes of one transaction, well below what a server accepts by default. */
const transactionBytesMax = 512 * 1024
const transactionOpsMax = 1_000
/** What an operation takes beside its path and data, generously. */
const opBytes = 128
const aclsAtOnce = 64

interface Item {
  readonly path: ZnodePath
  readonly raw: RawZnode
  readonly acl: readonly Acl[]
}

export async function copyTree(
  client: TreeClient,
  from: ZnodePath,
  to: ZnodePath,
  options: CopyOptions,
  budget: Budget,
): Promise<number> {
  const items = await itemsOf(client, from, to, options, budget)
  const creates = items.map(({ path, raw, acl }) => createOf(targetOf(path, from, to), raw, acl))
  for (const batch of batchesOf(creates, items)) await client.transactionOf(batch, budget.step())
  return items.length
}

/** In one transaction: at every moment the tree is in one of the two places, whole. */
export async function moveTree(
  client: TreeClient,
  from: ZnodePath,
  to: ZnodePath,
  options: CallOptions,
  budget: Budget,
): Promise<number> {
  for (;;) {
    const items = await itemsOf(client, from, to, { ...options, ephemerals: 'refuse' }, budget)
    const creates = items.map(({ path, raw, acl }) => createOf(targetOf(path, from, to), raw, acl))
    const deletes = items.map(({ path, raw }) => op.delete(path, { version: raw.stat.version })).reverse()
    if (batchesOf(creates, items).length > 1) {
      const message = `${items.length} znodes do not fit into one transaction; copy the tree, then delete it`
      throw new KeeperError('FRAME_TOO_LARGE', { path: from, operation: 'move', outcome: 'not-sent', message })
    }
    try {
      await client.transactionOf([...creates, ...deletes], budget.step())
      return items.length
    } catch (error) {
      // Written, deleted or given a child since it was read: nothing was moved, so it is read again.
      const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
      if (failed === undefined || failed.index < creates.length) throw error
    }
  }
}

async function itemsOf(
  client: TreeClient,
  from: ZnodePath,
  to: ZnodePath,
  options: CopyOptions,
  budget: Budget,
): Promise<Item[]> {
  if (isWithin(to, from)) {
    const message = `${to} lies within ${from}`
    throw new KeeperError('BAD_ARGUMENTS', { path: to, operation: 'copy', outcome: 'not-sent', message })
  }
  const { nodes }: Tree = await client.tree(from, budget.step())
  if (nodes.size === 0) throw new KeeperError('NO_NODE', { path: from, operation: 'copy' })
  const items: Item[] = []
  const left = [...nodes].filter(([path, { stat }]) => {
    if (stat.kind !== 'ephemeral') return true
    if (options.ephemerals === 'skip') return false
    const message = 'an ephemeral belongs to its session'
    throw new KeeperError('BAD_ARGUMENTS', { path, operation: 'copy', outcome: 'not-sent', message })
  })
  for (let i = 0; i < left.length; i += aclsAtOnce) {
    const batch = left.slice(i, i + aclsAtOnce).map(async ([path, raw]): Promise<Item> => {
      const { acl } = await client.getAcl(path, budget.step())
      return { path, raw, acl }
    })
    items.push(...(await Promise.all(batch)))
  }
  return items
}

function targetOf(path: ZnodePath, from: ZnodePath, to: ZnodePath): ZnodePath {
  if (path === from) return to
  return joinPath(to, from === '/' ? path.slice(1) : path.slice(from.length + 1))
}

function createOf(path: ZnodePath, { data, stat }: RawZnode, acl: readonly Acl[]): TransactionOp<unknown> {
  const { kind } = stat
  const mode: CreateOptions['mode'] = typeof kind === 'object' ? kind : kind === 'container' ? kind : 'persistent'
  return op.create(path, data, { acl, mode })
}

function batchesOf(creates: readonly TransactionOp<unknown>[], items: readonly Item[]): TransactionOp<unknown>[][] {
  const batches: TransactionOp<unknown>[][] = []
  let batch: TransactionOp<unknown>[] | undefined
  let bytes = 0
  for (const [i, create] of creates.entries()) {
    const { raw, acl } = items[i] as Item
    const size = opBytes + 2 * create.path.length + raw.data.length + acl.length * opBytes
    if (batch === undefined || bytes + size > transactionBytesMax || batch.length >= transactionOpsMax) {
      batch = []
      batches.push(batch)
      bytes = 0
    }
    batch.push(create)
    bytes += size
  }
  return batches
}
