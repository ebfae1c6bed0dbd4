/** Copies and moves subtrees. Data, ACLs and kinds are copied; ids, versions and times are new. */
import { type Acl, isWithin, joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CopyOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import { readTree, type Tree } from '../watch/read-tree.ts'
import type { RawZnode } from '../watch/source.ts'
import type { CallContext } from './call.ts'
import { op, type TransactionOp } from './op.ts'
import { getAcl } from './reads.ts'
import { transaction, transactionBytes } from './transaction.ts'

/** Bytes of one transaction, well below the default limit of a server. */
const transactionBytesMax = 512 * 1024
const transactionOpsMax = 1_000
/** Upper bound of the bytes of an operation without its path and data. */
const opBytes = 128
const aclsAtOnce = 64

interface Item {
  readonly path: ZnodePath
  readonly raw: RawZnode
  readonly acl: readonly Acl[]
}

export async function copyTree(
  context: CallContext,
  from: ZnodePath,
  to: ZnodePath,
  options: CopyOptions,
): Promise<number> {
  const budget = context.budget('copy', from, options)
  const items = await itemsOf(context, from, to, options, budget)
  const creates = items.map(({ path, raw, acl }) => createOf(targetOf(path, from, to), raw, acl))
  const batches = batchesOf(creates, items)
  if (batches.length > 1) {
    checkSizes(context, batches)
    await checkAcls(context, items, from, to, budget)
  }
  let copied = 0
  for (const batch of batches) {
    try {
      await transaction(context, batch, budget.step())
    } catch (error) {
      throw copied === 0 ? error : halfCopied(error, to, copied, items.length)
    }
    copied += batch.length
  }
  return items.length
}

/** Says what remains on the server. */
function halfCopied(error: unknown, to: ZnodePath, copied: number, count: number): unknown {
  if (!KeeperError.is(error)) return error
  const { code, outcome, failedOp } = error
  const message = `${copied} of ${count} znodes were copied before this error, and they stay there: ${error.message}`
  return new KeeperError(code, { path: to, operation: 'copy', outcome, failedOp, message, cause: error })
}

/** Finds a znode that is too large for a request before anything is copied. */
function checkSizes(context: CallContext, batches: readonly (readonly TransactionOp<unknown>[])[]): void {
  for (const batch of batches) {
    const [alone, next] = batch
    if (alone === undefined || next !== undefined) continue
    const bytes = transactionBytes(context, batch)
    const { requestBytesMax } = context.session.config
    if (bytes <= requestBytesMax) continue
    const message = `the request that creates it has ${bytes} bytes, requestBytesMax of this client is ${requestBytesMax}; nothing was copied`
    throw new KeeperError('FRAME_TOO_LARGE', { path: alone.path, operation: 'copy', outcome: 'not-sent', message })
  }
}

/**
 * The ACL of a copied znode may forbid us to create below the copy. In one transaction that undoes everything. With several
 * transactions we test it first: a transaction creates a parent and a child for each ACL, and it always fails at its end.
 */
async function checkAcls(
  context: CallContext,
  items: readonly Item[],
  from: ZnodePath,
  to: ZnodePath,
  budget: Budget,
): Promise<void> {
  const ofParents = new Map<string, Item>()
  for (const item of items) {
    if (item.raw.stat.numChildren > 0 && !ofParents.has(keyOf(item.acl))) ofParents.set(keyOf(item.acl), item)
  }
  const probed = [...ofParents.values()]
  const creates = probed.flatMap(({ acl }, i) => {
    const parent = joinPath(to, `${i}`)
    return [op.create(parent, '', { acl }), op.create(joinPath(parent, 'child'))]
  })
  try {
    await transaction(context, [op.create(to), ...creates, op.create(to)], budget.step())
  } catch (error) {
    const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
    if (failed === undefined || failed.index === 0) throw error
    if (failed.index === creates.length + 1) return
    const item = probed[Math.floor((failed.index - 1) / 2)] as Item
    const { path } = item
    const message = `nothing can be created below a znode with the ACL of ${path}; nothing was copied`
    throw new KeeperError('TRANSACTION_FAILED', {
      path: targetOf(path, from, to),
      operation: 'copy',
      failedOp: { index: 0, code: failed.code, path },
      message,
      cause: error,
    })
  }
}

function keyOf(acl: readonly Acl[]): string {
  return acl.map(({ perms, id }) => `${perms} ${id.scheme} ${id.id}`).join('\n')
}

const overtaken: ReadonlySet<string> = new Set(['BAD_VERSION', 'NO_NODE', 'NOT_EMPTY'])

/** Moves in one transaction: at every moment the whole tree is in one of the two places. */
export async function moveTree(
  context: CallContext,
  from: ZnodePath,
  to: ZnodePath,
  options: CallOptions,
): Promise<number> {
  const budget = context.budget('move', from, options)
  for (;;) {
    const items = await itemsOf(context, from, to, { ...options, ephemerals: 'refuse' }, budget)
    const creates = items.map(({ path, raw, acl }) => createOf(targetOf(path, from, to), raw, acl))
    const deletes = items.map(({ path, raw }) => op.delete(path, { version: raw.stat.version })).reverse()
    if (batchesOf(creates, items).length > 1) {
      const message = `${items.length} znodes do not fit into one transaction; copy the tree, then delete it`
      throw new KeeperError('FRAME_TOO_LARGE', { path: from, operation: 'move', outcome: 'not-sent', message })
    }
    try {
      await transaction(context, [...creates, ...deletes], budget.step())
      return items.length
    } catch (error) {
      // With such an error another client was faster: it has written to, deleted, or added a child to a znode since it was read.
      // Nothing was moved, so we read again.
      const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
      if (failed === undefined || failed.index < creates.length || !overtaken.has(failed.code)) throw error
      await budget.again(error)
    }
  }
}

async function itemsOf(
  context: CallContext,
  from: ZnodePath,
  to: ZnodePath,
  options: CopyOptions,
  budget: Budget,
): Promise<Item[]> {
  if (isWithin(to, from)) {
    const message = `${to} lies within ${from}`
    throw new KeeperError('BAD_ARGUMENTS', { path: to, operation: 'copy', outcome: 'not-sent', message })
  }
  const { nodes }: Tree = await readTree(context.watches, from, context.budget('tree', from, budget.step()))
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
      const { acl } = await getAcl(context, path, budget.step())
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
