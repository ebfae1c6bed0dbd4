/** Executes a plan in transactions of bounded size, one after the other. */
import { type Client, KeeperError, op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
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

/** @throws PartlyDone with the reason as its cause; nothing of the failed transaction was executed. */
export async function applySteps(
  zk: Pick<Client, 'transactionOf' | 'setAcl'>,
  steps: readonly WriteStep[],
  { atOnce = false, signal, onProgress = () => {} }: ApplyOptions = {},
): Promise<void> {
  let done = 0
  try {
    for (const batch of batchesOf(steps, atOnce)) {
      signal?.throwIfAborted()
      const [first] = batch
      if (first?.kind === 'set acl') await zk.setAcl(first.path as ZnodePath, first.acl, { version: first.aversion })
      else await zk.transactionOf(batch.map(opOf))
      done += batch.length
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

/** ACLs one by one; everything else in order, in one transaction as long as it is small enough. */
function* batchesOf(steps: readonly WriteStep[], atOnce: boolean): Generator<WriteStep[], undefined> {
  let batch: WriteStep[] = []
  let bytes = 0
  for (const step of steps) {
    const size = sizeOf(step)
    const isAlone = step.kind === 'set acl'
    const isFull = !atOnce && (bytes + size > batchBytesMax || batch.length >= batchStepsMax)
    if (batch.length > 0 && (isAlone || isFull)) {
      yield batch
      batch = []
      bytes = 0
    }
    if (isAlone) yield [step]
    else {
      batch.push(step)
      bytes += size
    }
  }
  if (batch.length > 0) yield batch
}

function sizeOf(step: WriteStep): number {
  const data = 'data' in step ? step.data.length : 0
  const acl = 'acl' in step ? step.acl.length * opBytes : 0
  return opBytes + 3 * step.path.length + data + acl
}

function opOf(step: WriteStep): TransactionOp<unknown> {
  const path = step.path as ZnodePath
  switch (step.kind) {
    case 'create':
      return op.create(path, step.data, { acl: step.acl, mode: step.mode })
    case 'set':
      return op.set(path, step.data, { version: step.version })
    case 'delete':
      return op.delete(path, { version: step.version })
    case 'set acl':
      throw new TypeError('a transaction has no operation for ACLs')
  }
}
