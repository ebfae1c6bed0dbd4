/** Executes a plan in transactions of bounded size, one after the other. */
import { type Client, KeeperError, op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { parentPath } from '@lightkeeper/protocol'
import type { WriteStep } from '../write-step.ts'

export interface ApplyOptions {
  /** Everything except ACLs in one transaction of any size. Default false. */
  readonly atOnce?: boolean
  /** Stops between two transactions. */
  readonly signal?: AbortSignal
  /** Called after each transaction, with the number of steps that are done. */
  readonly onProgress?: (done: number) => void
}

/** A plan was executed in part: the first `done` steps stay. */
export class PartlyDone extends Error {
  override readonly name = 'PartlyDone'
  readonly done: number

  constructor(done: number, count: number, cause: unknown) {
    super(`${done} of ${count} writes are done and stay: ${(cause as Error).message}`, { cause })
    this.done = done
  }
}

/** Well below the default limit of a server for one request. */
const batchBytesMax = 512 * 1024
const batchStepsMax = 500
/** Upper bound of the bytes of an operation without its path and data. */
const opBytes = 128

/**
 * @throws PartlyDone with the reason as its cause. Nothing of a failed transaction was executed. ACLs are set by requests of their own,
 * some at once: those of one such batch may have been set behind one that failed.
 */
export async function applySteps(
  zk: Pick<Client, 'transactionOf' | 'setAcl'>,
  steps: readonly WriteStep[],
  { atOnce = false, signal, onProgress = () => {} }: ApplyOptions = {},
): Promise<void> {
  let done = 0
  try {
    for (const batch of batchesOf(steps, atOnce)) {
      signal?.throwIfAborted()
      if (batch.acls === undefined) {
        await zk.transactionOf(batch.steps.map(opOf))
        done += batch.steps.length
      } else {
        const ends = await Promise.allSettled(
          batch.acls.map(({ path, acl, aversion }) => zk.setAcl(path as ZnodePath, acl, { version: aversion })),
        )
        done += ends.filter(({ status }) => status === 'fulfilled').length
        const failed = ends.find((end) => end.status === 'rejected')
        if (failed !== undefined) throw failed.reason
      }
      onProgress(done)
    }
  } catch (error) {
    throw new PartlyDone(done, steps.length, withPath(error))
  }
}

/** The error of a refused transaction names the operation that was refused. */
function withPath(error: unknown): unknown {
  if (!KeeperError.is(error, 'TRANSACTION_FAILED')) return error
  const { failedOp } = error
  return failedOp === undefined ? error : new Error(`${failedOp.path}: ${failedOp.code}`, { cause: error })
}

type AclStep = Extract<WriteStep, { readonly kind: 'set acl' }>
type OtherStep = Exclude<WriteStep, AclStep>
/** One transaction, or ACLs that are set at once. */
type Batch = { readonly steps: readonly OtherStep[]; readonly acls?: undefined } | { readonly acls: readonly AclStep[] }

/**
 * No transaction sets an ACL, so ACLs wait until a step needs them: one at the same znode, or one that creates or deletes a child of
 * it. Everything else is in order, and as many steps together as are small enough.
 */
function* batchesOf(steps: readonly WriteStep[], atOnce: boolean): Generator<Batch, undefined> {
  let batch: OtherStep[] = []
  let bytes = 0
  const acls = new Map<string, AclStep>()
  function* flush(): Generator<Batch, undefined> {
    if (batch.length > 0) yield { steps: batch }
    batch = []
    bytes = 0
  }
  function* flushAll(): Generator<Batch, undefined> {
    yield* flush()
    if (acls.size > 0) yield { acls: [...acls.values()] }
    acls.clear()
  }
  for (const step of steps) {
    if (step.kind === 'set acl') {
      if (acls.size >= batchStepsMax || acls.has(step.path)) yield* flushAll()
      acls.set(step.path, step)
      continue
    }
    if (acls.has(step.path) || acls.has(parentPath(step.path))) yield* flushAll()
    const size = sizeOf(step)
    if (!atOnce && (bytes + size > batchBytesMax || batch.length >= batchStepsMax)) yield* flush()
    batch.push(step)
    bytes += size
  }
  yield* flushAll()
}

function sizeOf(step: OtherStep): number {
  const data = 'data' in step ? step.data.length : 0
  const acl = 'acl' in step ? step.acl.length * opBytes : 0
  return opBytes + 3 * step.path.length + data + acl
}

function opOf(step: OtherStep): TransactionOp<unknown> {
  const path = step.path as ZnodePath
  switch (step.kind) {
    case 'create':
      return op.create(path, step.data, { acl: step.acl, mode: step.mode })
    case 'set':
      return op.set(path, step.data, { version: step.version })
    case 'delete':
      return op.delete(path, { version: step.version })
  }
}
