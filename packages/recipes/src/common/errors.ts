/** What an error means for a recipe: the request was refused, lost on the way, or too late. */
import { type Client, KeeperError } from '@lightkeeper/client'

/** A server repeats this refusal until something else changes: an ACL, a quota, the tree. */
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

/** Refusals that a change by another client, between our look and our request, can explain. */
const races: ReadonlySet<string> = new Set(['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION'])

export function isRefusal(error: unknown): boolean {
  return KeeperError.is(error) && refusals.has(error.code)
}

/** Whether another client may have been faster. For a transaction the code of the failed operation counts. */
export function isRace(error: unknown): boolean {
  return KeeperError.is(error) && races.has(failedWith(error) ?? error.code)
}

/** Why a transaction failed: the code of the failed operation. Undefined for any other error. */
export function failedWith(error: unknown): string | undefined {
  return KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp?.code : undefined
}

/** For a failed transaction, the error of the failed operation; any other error unchanged. */
export function refusalOf(error: unknown, operation: string): unknown {
  const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
  if (failed === undefined) return error
  return new KeeperError(failed.code, { path: failed.path, operation, outcome: 'rejected', cause: error })
}

/** Whether the request was lost: its outcome is unknown, it was never sent, or its session had ended. */
export function isLost(error: unknown): boolean {
  if (!KeeperError.is(error)) return false
  const { code, outcome } = error
  // A server may report it before the client knows.
  if (code === 'SESSION_EXPIRED') return true
  return outcome !== 'rejected' && (code === 'CONNECTION_LOSS' || code === 'TIMEOUT')
}

/** False where it is certain that the request did nothing. */
export function mayBeExecuted(error: unknown): boolean {
  return !KeeperError.is(error) || (error.outcome !== 'rejected' && error.outcome !== 'not-sent')
}

/** Whether our znode cannot exist: its parent is missing, or its session has ended. */
export function isGone(error: unknown): error is KeeperError {
  // A server may report the end of a session before it closes the connection.
  return KeeperError.is(error, 'NO_NODE') || KeeperError.is(error, 'SESSION_EXPIRED')
}

/** Whether no server will answer this client any more. */
export function isOver(zk: Client): boolean {
  return zk.state.kind === 'closed' || zk.state.kind === 'authFailed'
}
