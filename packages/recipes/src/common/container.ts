/** Missing parents of a znode: made open to everybody, unless they belong to one recipe alone. */
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

/** How the parent of a znode is made where it is missing. What stands above it is made the same way, and open to everybody. */
export interface Directory {
  /** Default `container`. */
  readonly mode?: 'container' | 'persistent' | undefined
  /** The ACL of the parent, and of those above it up to `root`. Default: everybody may do everything. */
  readonly acl?: readonly Acl[] | undefined
  /** The uppermost znode that belongs to the recipe alone. Default: the parent. */
  readonly root?: ZnodePath | undefined
}

/** Tries after which a parent that vanishes each time before its child is made is no accident any more. */
const triesMax = 5

/**
 * Creates a znode, and its parents before it where they are missing. The ACL in `options` is that of the znode alone: other clients,
 * with other identities, share the parents.
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
      // Directly below the root no parent can be made: with `parents` the client then says that the chroot is missing.
      return await zk.create(path, data, parent === '/' ? { ...options, parents: true } : options)
    } catch (error) {
      if (parent === '/' || !KeeperError.is(error, 'NO_NODE') || tries === triesMax) throw error
    }
    // The server may delete an empty container before the next try, so both are made again.
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

/** Resolves when the container is there. @throws KeeperError where a server refuses it, the reason of the signal. */
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
      // The outcome is not known. It does no harm to make it once more.
      if (isOver(zk) || !isLost(error)) throw error
      await backoff.pause(signal)
    }
  }
}
