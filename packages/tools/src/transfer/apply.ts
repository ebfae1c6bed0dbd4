/** Executes a plan in transactions of bounded size, one after the other. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import type { WriteStep } from '../write-step.ts'
import { batchesOf, opOf } from './batches.ts'

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
  /** The number of steps that were executed. */
  readonly done: number

  constructor(done: number, count: number, cause: unknown) {
    super(`${done} of ${count} writes are done and stay: ${(cause as Error).message}`, { cause })
    this.done = done
  }
}

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
