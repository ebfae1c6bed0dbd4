/** Verbs that write one znode, or delete a subtree: `create`, `set`, `delete`, `deleteall`, `setAcl`. */
import type { Client, CreateOptions, ZnodePath } from '@lightkeeper/client'
import { aclEntryText, deleteSubtree, walkSubtree } from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { printable } from '../../output.ts'
import type {
  create as createSpec,
  deleteall as deleteallSpec,
  delete_ as deleteSpec,
  setAcl as setAclSpec,
  set as setSpec,
} from '../../table/shell-write.ts'
import { statText } from '../stat-text.ts'
import type { Verb, VerbCall } from '../verb.ts'
import { dataOf } from './data-argument.ts'
import { Denials } from './denials.ts'

export const create: Verb<typeof createSpec> = async ({ values, args, out, signal, connect }) => {
  const { sequential, parents } = values
  if (args.path.length > 1 && args.path.endsWith('/') && !sequential) {
    throw new UsageError(`PATH "${args.path}" ends with /, which only --sequential makes a name of`)
  }
  const mode = modeOf(values)
  const data = await dataOf({ ...values, data: args.data })
  const zk = await connect()
  const acl = args.acl === undefined ? {} : { acl: args.acl }
  const { path } = await zk.create(args.path, data, { mode, sequential, parents, ...acl, signal })
  out.result({ path }, printable(`Created ${path}`))
  return undefined
}

type CreateValues = VerbCall<typeof createSpec>['values']

function modeOf({ sequential, ephemeral, container, ttl }: CreateValues): NonNullable<CreateOptions['mode']> {
  if (container && (ephemeral || sequential)) {
    throw new UsageError('a container is neither ephemeral nor sequential: --container goes with neither of these')
  }
  if (ttl !== undefined && (ephemeral || container)) {
    throw new UsageError('a time to live is for persistent znodes: --ttl goes with neither --ephemeral nor --container')
  }
  if (ttl !== undefined) return { ttl }
  return container ? 'container' : ephemeral ? 'ephemeral' : 'persistent'
}

export const set: Verb<typeof setSpec> = async ({ values, args, out, signal, connect }) => {
  const { path } = args
  const data = await dataOf({ ...values, data: args.data })
  if (data === undefined) throw new UsageError('wants DATA, or --file FILE')
  const zk = await connect()
  const stat = await zk.set(path, data, { ...versionOf(values), signal })
  done(out, values.stat, { path, stat }, statText(stat))
  return undefined
}

/** −1 means any version, as in ZooKeeper. */
function versionOf({ version }: { readonly version: number | undefined }): { readonly version?: number } {
  return version === undefined || version === -1 ? {} : { version }
}

/** Verbs that only write print nothing, unless they are asked to. */
function done(out: VerbCall<never>['out'], isShown: boolean, facts: object, text: string): void {
  if (isShown || out.isJson) out.result(facts, text)
}

export const delete_: Verb<typeof deleteSpec> = async ({ values, args, out, signal, connect }) => {
  const { path } = args
  if (values.recursive) {
    if (values.version !== undefined) throw new UsageError('--version is for one znode, --recursive for many')
    return deleteBelow({ path, isDry: values['dry-run'], batch: undefined, out, signal, connect })
  }
  if (values['dry-run']) throw new UsageError('--dry-run needs --recursive')
  const zk = await connect()
  await zk.delete(path, { ...versionOf(values), signal })
  done(out, false, { path, deleted: 1 }, '')
  return undefined
}

export const deleteall: Verb<typeof deleteallSpec> = async ({ values, args, out, signal, connect }) => {
  const { batch, 'dry-run': isDry } = values
  return deleteBelow({ path: args.path, isDry, batch, out, signal, connect })
}

interface DeleteBelow extends Pick<VerbCall<never>, 'out' | 'signal' | 'connect'> {
  readonly path: ZnodePath
  readonly isDry: boolean
  readonly batch: number | undefined
}

async function deleteBelow({ path, isDry, batch, out, signal, connect }: DeleteBelow): Promise<number | undefined> {
  if (path === '/') throw new UsageError('the root cannot be deleted; name a znode below it')
  const zk = await connect()
  if (isDry) return wouldDelete(zk, { path, out, signal })
  const deleted = await deleteSubtree(zk, path, {
    signal,
    ...(batch !== undefined && { atOnce: batch }),
  })
  done(out, false, { path, deleted }, '')
  return undefined
}

async function wouldDelete(
  zk: Client,
  { path, out, signal }: Pick<DeleteBelow, 'path' | 'out' | 'signal'>,
): Promise<number | undefined> {
  const denials = new Denials()
  let count = 0
  for await (const { path: each, stat } of denials.readable(walkSubtree(zk, path, { signal }))) {
    count++
    const owner = stat.kind === 'ephemeral' ? ` (ephemeral of session 0x${stat.ephemeralOwner.toString(16)})` : ''
    out.result({ path: each, stat }, printable(`would delete ${each}${owner}`))
  }
  out.note(`${count} znodes would be deleted; nothing was`)
  return denials.report(out)
}

export const setAcl: Verb<typeof setAclSpec> = async ({ values, args, out, signal, connect }) => {
  const { path, acl } = args
  const { recursive, 'dry-run': isDry } = values
  const zk = await connect()
  const text = acl.map(aclEntryText).join(',')
  if (!recursive) {
    if (isDry) {
      const { acl: before } = await zk.getAcl(path, { signal })
      out.result(
        { path, before, acl },
        printable(`${path}: would be ${text}, is ${before.map(aclEntryText).join(',')}`),
      )
      return undefined
    }
    const stat = await zk.setAcl(path, acl, { ...versionOf(values), signal })
    done(out, values.stat, { path, stat }, statText(stat))
    return undefined
  }
  if (values.version !== undefined) throw new UsageError('--version is for one znode, --recursive for many')
  const denials = new Denials()
  let count = 0
  // What is below is read before the ACL may forbid it.
  for await (const { path: each } of denials.readable(walkSubtree(zk, path, { signal }))) {
    if (!isDry) await changeAcl(zk, each, acl, { signal, count })
    count++
    if (isDry || out.isJson) out.result({ path: each, acl }, printable(`${each}: would be ${text}`))
  }
  return denials.report(out)
}

async function changeAcl(
  zk: Client,
  path: ZnodePath,
  acl: Parameters<Client['setAcl']>[1],
  { signal, count }: { readonly signal: AbortSignal; readonly count: number },
): Promise<void> {
  try {
    await zk.setAcl(path, acl, { signal })
  } catch (error) {
    const message = `${path}: ${(error as Error).message}; the ACLs of ${count} znodes are set and stay`
    throw new Error(message, { cause: error })
  }
}
