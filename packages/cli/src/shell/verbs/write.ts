/** Verbs that write one znode, or delete a subtree: `create`, `set`, `delete`, `deleteall`, `setAcl`. */
import type { Acl, Client, CreateOptions, ZnodePath } from '@lightkeeper/client'
import { aclEntryText, deleteSubtree, type WriteStep, walkSubtree } from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { hexOf, printable } from '../../output.ts'
import { progress } from '../../progress.ts'
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
import { foreseen } from './foreseen.ts'

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
  if (data === undefined) throw new UsageError('DATA is missing: name it, or --file FILE')
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

export const delete_: Verb<typeof deleteSpec> = async (call) => {
  const { values, args, out, signal, connect } = call
  const { path } = args
  if (values.recursive) {
    if (values.version !== undefined) throw new UsageError('--version is for one znode, --recursive for many')
    return deleteBelow('delete', path, values, call)
  }
  if (values['dry-run']) throw new UsageError('--dry-run needs --recursive')
  const zk = await connect()
  await zk.delete(path, { ...versionOf(values), signal })
  done(out, false, { path, deleted: 1 }, '')
  return undefined
}

export const deleteall: Verb<typeof deleteallSpec> = (call) =>
  deleteBelow('deleteall', call.args.path, call.values, call)

interface DeleteValues {
  readonly 'dry-run': boolean
  readonly batch?: number
}

type Asking = Pick<VerbCall<never>, 'out' | 'signal' | 'connect' | 'connectionTo'>

async function deleteBelow(
  verb: string,
  path: ZnodePath,
  { 'dry-run': isDry, batch }: DeleteValues,
  call: Asking,
): Promise<number | undefined> {
  if (path === '/') throw new UsageError('the root cannot be deleted; name a znode below it')
  const { out, signal, connect } = call
  const zk = await connect()
  if (isDry) return wouldDelete(verb, zk, path, call)
  using bar = progress(verb, 'znodes deleted')
  const deleted = await deleteSubtree(zk, path, {
    signal,
    onProgress: (count, total) => bar.update(count, total),
    ...(batch !== undefined && { atOnce: batch }),
  })
  done(out, false, { path, deleted }, '')
  return undefined
}

async function wouldDelete(verb: string, zk: Client, path: ZnodePath, call: Asking): Promise<number | undefined> {
  const { out, signal, connectionTo } = call
  const denials = new Denials()
  const steps: WriteStep[] = []
  for await (const { path: each, stat } of denials.readable(walkSubtree(zk, path, { signal }))) {
    steps.push({ kind: 'delete', path: each, version: -1 })
    const owner = stat.kind === 'ephemeral' ? ` (ephemeral of session ${hexOf(stat.ephemeralOwner)})` : ''
    out.result({ path: each, stat }, printable(`would delete ${each}${owner}`))
  }
  // Children before their parents, as it is done.
  const code = await foreseen(verb, [{ zk, connection: await connectionTo(), steps: steps.reverse() }], call)
  return denials.report(out) ?? code
}

export const setAcl: Verb<typeof setAclSpec> = async (call) => {
  const { values, args, out, signal, connect } = call
  const { path, acl } = args
  const { recursive, 'dry-run': isDry } = values
  if (recursive && values.version !== undefined) {
    throw new UsageError('--version is for one znode, --recursive for many')
  }
  const zk = await connect()
  if (isDry) return wouldSetAcl(zk, path, acl, values, call)
  if (!recursive) {
    const stat = await zk.setAcl(path, acl, { ...versionOf(values), signal })
    done(out, values.stat, { path, stat }, statText(stat))
    return undefined
  }
  const denials = new Denials()
  using bar = progress('setAcl', 'ACLs set')
  let count = 0
  // What is below is read before the ACL may forbid it.
  for await (const { path: each } of denials.readable(walkSubtree(zk, path, { signal }))) {
    await changeAcl(zk, each, acl, { signal, count })
    bar.update(++count)
    if (out.isJson) out.result({ path: each, acl }, '')
  }
  return denials.report(out)
}

async function wouldSetAcl(
  zk: Client,
  path: ZnodePath,
  acl: readonly Acl[],
  { recursive, version = -1 }: { readonly recursive: boolean; readonly version: number | undefined },
  call: Asking,
): Promise<number | undefined> {
  const { out, signal, connectionTo } = call
  const text = acl.map(aclEntryText).join(',')
  const denials = new Denials()
  const steps: WriteStep[] = []
  const found = recursive
    ? denials.readable(walkSubtree(zk, path, { signal, withAcl: true }))
    : [{ path, acl: (await zk.getAcl(path, { signal })).acl }]
  for await (const { path: each, acl: before } of found) {
    steps.push({ kind: 'set acl', path: each, acl, aversion: version })
    const is = before.map(aclEntryText).join(',')
    out.result({ path: each, before, acl }, printable(`${each}: would be ${text}, is ${is}`))
  }
  const code = await foreseen('setAcl', [{ zk, connection: await connectionTo(), steps }], call)
  return denials.report(out) ?? code
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
