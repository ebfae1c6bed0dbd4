/** A create that can also create its parents. */
import { type Acl, KeeperError, openAcl, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { CallContext } from './call.ts'
import { createOnce } from './create.ts'

type ParentsMode = 'persistent' | 'container'

const empty = new Uint8Array(0)

/**
 * Makes `create` succeed where the parents of `path` are missing. The parents never get the ACL of the znode itself: a narrow ACL
 * would forbid this client and others to create below them.
 * @throws KeeperError NO_NODE where the chroot itself is missing; no path of a user names it.
 */
export async function createBelow<T>(
  context: CallContext,
  path: ZnodePath,
  create: () => Promise<T>,
  options: Pick<CreateOptions, 'parents' | 'parentsAcl'>,
  budget: Budget,
): Promise<T> {
  const mode = options.parents === 'container' ? 'container' : 'persistent'
  const acl = options.parentsAcl ?? openAcl
  for (;;) {
    try {
      return await create()
    } catch (error) {
      if (!KeeperError.is(error, 'NO_NODE')) throw error
      await createParents(context, parentPath(path) as ZnodePath, mode, acl, budget)
      // Between the two steps the server may remove a container, or another client a parent: then we do both again.
      await budget.again(error)
    }
  }
}

/** Goes up to the first parent that exists or can be created, then down again. If a parent is missing again, the caller decides. */
async function createParents(
  context: CallContext,
  parent: ZnodePath,
  mode: ParentsMode,
  acl: readonly Acl[],
  budget: Budget,
): Promise<void> {
  const tryOne = async (path: ZnodePath): Promise<'there' | 'missing'> => {
    try {
      await createOnce(context, path, empty, { ...budget.step(), mode, acl, idempotent: true })
      return 'there'
    } catch (error) {
      if (KeeperError.is(error, 'NODE_EXISTS')) return 'there'
      if (KeeperError.is(error, 'NO_NODE')) return 'missing'
      throw error
    }
  }
  const below: ZnodePath[] = []
  for (let at = parent; ; at = parentPath(at) as ZnodePath) {
    if (at === '/') {
      const message = 'the chroot does not exist: create it with a client without a chroot'
      throw new KeeperError('NO_NODE', { path: '/', operation: 'create', message })
    }
    if ((await tryOne(at)) === 'there') break
    below.push(at)
  }
  for (const path of below.reverse()) if ((await tryOne(path)) === 'missing') return
}
