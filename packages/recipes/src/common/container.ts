/** Creates the missing parents of a znode. Everybody may use them, unless they belong to a single recipe. */
import {
  type Acl,
  type Client,
  type CreateOptions,
  type CreateResult,
  type Data,
  KeeperError,
  type ZnodePath,
} from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { isLost, isOver } from './errors.ts'
import { parentOf } from './paths.ts'

/** How to create a missing parent. Znodes above it are created in the same way, and everybody may use them. */
export interface Directory {
  /** Default `container`. */
  readonly mode?: 'container' | 'persistent' | undefined
  /** The ACL of the parent, and of those above it up to `root`. Default: everybody may do everything. */
  readonly acl?: readonly Acl[] | undefined
  /** The uppermost znode that belongs only to this recipe. Default: the parent. */
  readonly root?: ZnodePath | undefined
}

/** Number of tries: if the parent vanishes before its child is created each time, that is no accident any more. */
const triesMax = 5

/**
 * Creates a znode and its missing parents. The ACL in `options` is only for the znode itself: other clients, with other identities,
 * share the parents.
 * @throws KeeperError as `client.create`; NO_NODE where the chroot does not exist.
 */
export async function createBelow(
  zk: Client,
  path: ZnodePath,
  data: Data,
  options: Omit<CreateOptions, 'parents'> = {},
  directory: Directory = {},
): Promise<CreateResult> {
  const parent = parentOf(path)
  const backoff = new Backoff(zk)
  for (let tries = 1; ; tries++) {
    try {
      // No parent can be created directly below the root: with `parents` the client then reports that the chroot is missing.
      return await zk.create(path, data, parent === '/' ? { ...options, parents: true } : options)
    } catch (error) {
      if (parent === '/' || !KeeperError.is(error, 'NO_NODE') || tries === triesMax) throw error
    }
    // The server may delete an empty container before the next try, so both are created again.
    if (tries > 1) await backoff.pause(options.signal)
    options.signal?.throwIfAborted()
    const { signal, timeout } = options
    await makeDirectory(zk, parent, directory, { signal, timeout })
  }
}

async function makeDirectory(
  zk: Client,
  path: ZnodePath,
  { mode = 'container', acl, root = path }: Directory,
  step: Pick<CreateOptions, 'signal' | 'timeout'>,
): Promise<void> {
  const own = { mode, idempotent: true, ...step, ...(acl === undefined ? {} : { acl }) } as const
  try {
    await createBelow(zk, path, '', own, path === root ? { mode } : { mode, acl, root })
  } catch (error) {
    if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
  }
}

/** Resolves when the container exists. @throws KeeperError where a server refuses it, the reason of the signal. */
export async function makeContainer(
  zk: Client,
  path: ZnodePath,
  signal?: AbortSignal,
  directory: Directory = {},
): Promise<void> {
  if (path === '/') return
  const backoff = new Backoff(zk)
  for (;;) {
    try {
      await makeDirectory(zk, path, directory, { signal, timeout: Number.POSITIVE_INFINITY })
      return
    } catch (error) {
      signal?.throwIfAborted()
      // The outcome is unknown. It does no harm to create it once more.
      if (isOver(zk) || !isLost(error)) throw error
      await backoff.pause(signal)
    }
  }
}
