/**
 * Ephemerals that certainly belong to the current session of this client. A create that is sent again after a lost connection may
 * have been executed in an earlier session: then the server deletes the znode, and this client gets no event for it.
 */
import type { Client, CreateResult, ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { deleteSurely } from './delete-surely.ts'
import { isLost, isOver, mayBeExecuted } from './errors.ts'
import type { LeftBehind } from './leaving.ts'
import { nameOf } from './paths.ts'

/** An ephemeral of ours, as we created it. */
export interface OwnEphemeral {
  readonly path: ZnodePath
  readonly name: string
  readonly czxid: bigint
  /** The session it belongs to. */
  readonly sessionId: bigint
  /** `client.epoch` in that session. */
  readonly epoch: number
}

export interface CreationOptions {
  /** Ends the tries: the call rejects with the reason of this signal. */
  readonly signal?: AbortSignal | undefined
  /** Whether another try may help after an error. Default `isLost`. */
  readonly isRetried?: ((error: unknown) => boolean) | undefined
  /** Bound of the first wait between tries, milliseconds. Default 20. */
  readonly baseMs?: number | undefined
}

/**
 * Calls `create` until its znode belongs to the current session. The next try, or the client, must find what a failed try left:
 * this function deletes nothing.
 * @throws the error of `create` where another try cannot help, the reason of the signal.
 */
export async function createOwn(
  zk: Client,
  create: () => Promise<CreateResult>,
  { signal, isRetried = isLost, baseMs = 20 }: CreationOptions = {},
): Promise<OwnEphemeral> {
  const backoff = new Backoff(zk, { baseMs })
  for (;;) {
    try {
      const { path, stat } = await create()
      const own = ownOf(zk, path, stat)
      // The server deletes the znode of an earlier session.
      if (own !== undefined) return own
    } catch (error) {
      signal?.throwIfAborted()
      if (isOver(zk) || !isRetried(error)) throw error
    }
    await backoff.pause(signal)
    signal?.throwIfAborted()
  }
}

/**
 * As `createOwn`, at a new path from `nextPath` for each try. No other client must use that path: what a failed try may have left
 * there is deleted.
 */
export function createOwnAt(
  zk: Client,
  nextPath: () => ZnodePath,
  create: (path: ZnodePath) => Promise<CreateResult>,
  options?: CreationOptions,
): Promise<OwnEphemeral> {
  return createOwn(
    zk,
    async () => {
      const path = nextPath()
      const { epoch } = zk
      try {
        return await create(path)
      } catch (error) {
        // The reason of the signal says nothing about the request, which may be on its way.
        if (options?.signal?.aborted === true || mayBeExecuted(error)) void deleteSurely(zk, path, epoch)
        throw error
      }
    },
    options,
  )
}

/** Undefined where the znode does not belong to the current session. */
export function ownOf(zk: Client, path: ZnodePath, stat: ZnodeStat): OwnEphemeral | undefined {
  const { czxid, ephemeralOwner: sessionId } = stat
  if (sessionId !== zk.sessionId) return undefined
  return { path, name: nameOf(path), czxid, sessionId, epoch: zk.epoch }
}

/** Whether the znode may still exist: no other session ever creates one with that name. */
export function isCurrent(zk: Client, { sessionId, epoch }: OwnEphemeral): boolean {
  return zk.sessionId === sessionId && zk.epoch === epoch
}

/** Deletes it. Resolves once the znode or its session is gone, or to the reason why it may not be deleted. Never rejects. */
export function withdraw(zk: Client, { path, epoch }: OwnEphemeral): Promise<LeftBehind | undefined> {
  return deleteSurely(zk, path, epoch)
}
