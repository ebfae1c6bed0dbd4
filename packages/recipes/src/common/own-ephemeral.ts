/**
 * Ephemerals that certainly belong to the session this client has now. A create that is sent again after a lost connection may have
 * been executed in a session that is over since: the server then removes the znode, and this client gets no event of its own for it.
 */
import type { Client, CreateResult, ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { deleteSurely } from './delete-surely.ts'
import { isLost, isOver, mayBeExecuted } from './errors.ts'
import type { LeftBehind } from './leaving.ts'
import { nameOf } from './paths.ts'

/** An ephemeral of ours, as it was created. */
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
  /** Ends the tries: the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Whether another try may help after an error. Default `isLost`. */
  readonly isRetried?: ((error: unknown) => boolean) | undefined
  /** Bound of the first wait between tries, milliseconds. Default 20. */
  readonly baseMs?: number | undefined
}

/**
 * Calls `create` until its znode belongs to the current session. What a failed try left must be found by the next one, or by the
 * client: this function removes nothing.
 * @throws what `create` throws where another try cannot help, the reason of the signal.
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
      // The znode of a session before this one goes by itself.
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
 * As `createOwn`, at the path that `nextPath` gives for each try. Each must be one that no other client uses: what a failed try may
 * have left there is deleted.
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
        if (mayBeExecuted(error)) void deleteSurely(zk, path, epoch)
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

/** Whether the znode may still be there: no other session ever makes one of that name. */
export function isCurrent(zk: Client, { sessionId, epoch }: OwnEphemeral): boolean {
  return zk.sessionId === sessionId && zk.epoch === epoch
}

/** Deletes it. Resolves once it is gone with or before its session, or to why it may not be deleted. Never rejects. */
export function withdraw(zk: Client, { path, epoch }: OwnEphemeral): Promise<LeftBehind | undefined> {
  return deleteSurely(zk, path, epoch)
}
