/**
 * Ways out. Every call that ends something settles in time and never rejects. It resolves to undefined when nothing is left, else
 * to a KeeperError that says what may remain, and for how long. When a server is reached again, the rest is deleted in the
 * background, as long as its session lives.
 */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/options.ts'
import { Limit } from './limit.ts'

/** How long to try to give something up. */
export interface LeaveOptions {
  /** Ends the wait: the call resolves at once to what is left. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call resolves to what is left. Infinity: wait without a limit. Default 5000. */
  readonly timeout?: number | undefined
}

/**
 * What a call could not confirm in time. `path` is the znode. The code is TIMEOUT where no server answered or the signal ended the
 * wait; otherwise the code with which a server refuses the deletion.
 */
export type LeftBehind = KeeperError

/** Default `timeout` of these calls, milliseconds: well below the time that a supervisor gives a process to stop. */
export const leaveMs = 5_000

/** Checks the options before anything is ended. @throws TypeError, RangeError. */
export const leaveOptions: (value: LeaveOptions | undefined, operation: string) => LeaveOptions = callOptions

/** Waits for `removed` as long as `options` say. Afterwards `removed` continues in the background. */
export async function leaving(
  zk: Client,
  operation: string,
  path: ZnodePath,
  removed: Promise<LeftBehind | undefined>,
  { signal, timeout = leaveMs }: LeaveOptions = {},
): Promise<LeftBehind | undefined> {
  using limit = new Limit(zk, operation, path, { signal, timeout })
  try {
    return await limit.until(removed)
  } catch (cause) {
    const why = signal?.aborted ? 'the wait was ended' : `no server has confirmed it within ${timeout} ms`
    return mayBeThere(operation, path, `${why}: the znode may be there until its session ends`, cause)
  }
}

/** With code TIMEOUT; `message` says what is left, and why. */
export function mayBeThere(operation: string, path: ZnodePath, message: string, cause?: unknown): LeftBehind {
  return new KeeperError('TIMEOUT', { operation, path, outcome: 'unknown', message, cause })
}

/** A server does not let this client delete the znode. */
export function mayNotBeDeleted(operation: string, path: ZnodePath, refusal: KeeperError): LeftBehind {
  const message = 'the server does not let this client delete the znode: it stays until its session ends'
  return new KeeperError(refusal.code, { operation, path, outcome: 'rejected', message, cause: refusal })
}
