/** What a server says no to, told from what only went wrong on the way. */
import { KeeperError } from '@lightkeeper/client'

/** The same request is refused again until somebody changes something else: an ACL, a quota, the tree. */
const refusals: ReadonlySet<string> = new Set([
  'NO_NODE',
  'NO_AUTH',
  'NODE_EXISTS',
  'NOT_EMPTY',
  'BAD_VERSION',
  'QUOTA_EXCEEDED',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'EPHEMERAL_ON_LOCAL_SESSION',
  'INVALID_ACL',
  'BAD_ARGUMENTS',
  'UNIMPLEMENTED',
  'TRANSACTION_FAILED',
  'FRAME_TOO_LARGE',
])

export function isRefusal(error: unknown): boolean {
  return KeeperError.is(error) && refusals.has(error.code)
}

/** Why a transaction failed, by the code of its operation; undefined for any other error. */
export function failedWith(error: unknown): string | undefined {
  return KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp?.code : undefined
}

/** What refused one operation of a transaction, in place of that the transaction failed; any other error as it is. */
export function refusalOf(error: unknown, operation: string): unknown {
  const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
  if (failed === undefined) return error
  return new KeeperError(failed.code, { path: failed.path, operation, outcome: 'rejected', cause: error })
}
