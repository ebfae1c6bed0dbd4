/**
 * Completes a write whose reply was lost: finds out what happened to it, and sends it again only if it certainly was not executed.
 */
import { KeeperError } from '@lightkeeper/protocol'
import type { Lost } from '../session/request.ts'
import type { Verdict } from './verdict.ts'

export interface Finding<T> {
  readonly verdict: Verdict
  /** What the lost reply would have said, if the write was executed. */
  result?(): T | Promise<T>
}

/** How many lost replies in a row one call looks into. */
export const recoveriesMax = 8

/**
 * @param look reads the state after a `sync`, so that it sees everything that was executed before the loss.
 * @param resend sends the same write again.
 * @throws lost.error where nothing shows the outcome.
 */
export async function recovered<T>(
  lost: Lost,
  look: () => Promise<Finding<T>>,
  resend: () => Promise<T>,
  acceptsEqual: boolean,
): Promise<T> {
  const { error } = lost
  let finding: Finding<T>
  try {
    finding = await look()
    const { verdict, result } = finding
    if (result !== undefined && (verdict === 'applied' || (verdict === 'equal' && acceptsEqual))) return await result()
  } catch (cause) {
    const { path, operation } = error
    throw new KeeperError(error.code, { path, operation, outcome: 'unknown', cause })
  }
  if (finding.verdict === 'notApplied' && !lost.isGivenUp()) return resend()
  throw error
}

export function ignoreMissing(error: unknown): void {
  if (!KeeperError.is(error, 'NO_NODE')) throw error
}

export function ignoreExisting(error: unknown): void {
  if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
}
