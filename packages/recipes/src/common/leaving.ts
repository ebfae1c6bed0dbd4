/**
 * Ways out. Every call that ends something settles within a bound and never rejects: it resolves to undefined when nothing is left,
 * else to a KeeperError that says what may still be there, and for how long. What is left is deleted in the background as soon as
 * a server is reached, while its session lives.
 */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/calls.ts'
import { Limit } from './limit.ts'

export interface LeaveOptions {
  /** Ends the wait: the call resolves at once with what is left behind then. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call resolves with what is left behind. Infinity for as long as it takes. Default 5000. */
  readonly timeout?: number | undefined
}

/**
 * What a way out could not confirm in time, as its value: code TIMEOUT where no server has answered or the signal ended the wait,
 * else the code that a server refuses the deletion with. `path` is the znode.
 */
export type LeftBehind = KeeperError

/** How long a way out takes at most where nothing else is said, milliseconds: well below what a supervisor gives to a process. */
export const leaveMs = 5_000

/** What `options` of a way out say. @throws TypeError, RangeError: before anything is ended. */
export const leaveOptions: (value: LeaveOptions | undefined, operation: string) => LeaveOptions = callOptions

/** Waits for `removed`, which goes on by itself, within what `options` give. */
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

/** Code TIMEOUT; `message` says what is left, and why. */
export function mayBeThere(operation: string, path: ZnodePath, message: string, cause?: unknown): LeftBehind {
  return new KeeperError('TIMEOUT', { operation, path, outcome: 'unknown', message, cause })
}

/** What a server does not let this client delete. */
export function mayNotBeDeleted(operation: string, path: ZnodePath, refusal: KeeperError): LeftBehind {
  const message = 'the znode may not be deleted: it is there until its session ends'
  return new KeeperError(refusal.code, { operation, path, outcome: 'rejected', message, cause: refusal })
}
