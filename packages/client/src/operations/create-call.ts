/** The whole `create` call. It puts three things around a create request: missing parents, a mark in the name, idempotence. */
import { type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CreateOptions, EnsureOptions } from '../options.ts'
import type { CallContext } from './call.ts'
import { type CreateResult, createOnce } from './create.ts'
import { createBelow } from './create-parents.ts'
import { createUnlessThere } from './idempotent-create.ts'
import { createProtected } from './protected-create.ts'
import { existsRead, readZnode } from './reads.ts'
import { ignoreExisting } from './recover.ts'

const empty = new Uint8Array(0)

/** @throws TypeError where options contradict each other. */
export async function create(
  context: CallContext,
  path: ZnodePath,
  data: Uint8Array | null,
  options: CreateOptions,
): Promise<CreateResult> {
  if (!options.idempotent) return createZnode(context, path, data, options)
  if (options.sequential || options.protected) {
    throw new TypeError('create: options.idempotent must be false where each create makes a znode of its own name')
  }
  const make = (step: CallOptions): Promise<CreateResult> => createZnode(context, path, data, { ...options, ...step })
  const wanted = { data, mode: options.mode }
  return createUnlessThere(context, path, wanted, make, context.budget('create', path, options))
}

/** Does not look for a znode that exists already. */
export async function createZnode(
  context: CallContext,
  path: ZnodePath,
  data: Uint8Array | null,
  options: CreateOptions,
): Promise<CreateResult> {
  const budget = context.budget('create', path, options)
  const make = (): Promise<CreateResult> =>
    options.protected
      ? createProtected(context, path, data, options, budget)
      : createOnce(context, path, data, { ...options, ...budget.step() })
  return options.parents ? createBelow(context, path, make, options, budget) : make()
}

/** Creates a znode, empty and with its parents, where it does not exist. */
export async function ensure(context: CallContext, path: ZnodePath, options: EnsureOptions): Promise<void> {
  const budget = context.budget('ensure', path, options)
  // The create comes first: a client without the permission to create is refused even where the znode exists.
  if ((await readZnode(context, existsRead, path, budget.step())) !== undefined || path === '/') return
  const { mode, acl, parentsAcl } = options
  const parents = mode === 'container' ? 'container' : true
  const own = { ...(mode && { mode }), ...(acl && { acl }), ...(parentsAcl && { parentsAcl }) }
  const creation: CreateOptions = { ...own, ...budget.step(), parents, idempotent: true }
  await createZnode(context, path, empty, creation).catch(ignoreExisting)
}
