/** The transaction that undoes another one: its operations, or why it is impossible. */
import { formatHex } from '@lightkeeper/protocol'
import type { WriteStep } from '../write-step.ts'
import type { PastDirectory } from './past-directory.ts'
import { type Change, kindOf, ttlMsOf } from './past-tree.ts'
import { pathsOf } from './questions.ts'
import { oneOf, type Scope, within } from './scope.ts'

export interface Undo {
  /** The transaction to undo. */
  readonly zxid: bigint
  /** When it was executed, milliseconds since 1970, by the server's clock. */
  readonly time: number
  /** The session that asked for it. */
  readonly session: bigint
  /** What the transaction did. */
  readonly changes: readonly Change[]
  /** The operations, in order. Their versions make them fail where a znode was written since. */
  readonly steps: readonly WriteStep[]
  /** The reasons why it is impossible, one sentence each; empty where it is possible. */
  readonly obstacles: readonly string[]
}

/** @throws Error where the logs have no such transaction, or the state before it is not known. */
export async function undoOf(directory: PastDirectory, zxid: bigint): Promise<Undo> {
  const found: { readonly time: number; readonly session: bigint; readonly scope: Scope }[] = []
  await directory.visit(zxid, {
    transaction(view) {
      const { txn } = view.decode()
      // Before 3.6 the end of a session did not list what it deleted.
      const isOpen = 'paths2Delete' in txn && txn.paths2Delete === null
      const scope = isOpen ? within('/') : oneOf(new Set(pathsOf(txn)))
      if (view.zxid === zxid) found.push({ time: view.time, session: view.session, scope })
      return false
    },
  })
  const [transaction] = found
  if (transaction === undefined) throw new Error(`there is no transaction ${formatHex(zxid)} in the logs`)
  const { time, session, scope } = transaction
  const changes: Change[] = []
  const later = new Map<string, Change>()
  await directory.walk(scope, {
    exactAt: zxid - 1n,
    onChange(change) {
      if (change.zxid === zxid) changes.push(change)
      else if (change.zxid > zxid && !later.has(change.path)) later.set(change.path, change)
    },
  })
  const own = new Set(changes.map(({ path }) => path))
  const obstacles: string[] = []
  if (changes.length === 0) obstacles.push('it changed nothing')
  for (const { path, kind, zxid: at } of later.values()) {
    if (!own.has(path)) continue
    obstacles.push(`${path} was ${kind} again by ${formatHex(at)}: undo that first`)
  }
  const steps: WriteStep[] = []
  for (const change of changes.toReversed()) {
    const step = inverse(change)
    if (typeof step === 'string') obstacles.push(step)
    else steps.push(step)
  }
  return { zxid, time, session, changes, steps: steps.map(withLastVersions(changes)), obstacles }
}

/** The operation that undoes one change, or the reason why there is none. */
function inverse({ kind, path, before, after }: Change): WriteStep | string {
  if (kind === 'created') return { kind: 'delete', path, version: after?.version ?? 0 }
  if (before?.data === undefined) return `what ${path} was before is not known`
  const { data, acl, ephemeralOwner } = before
  if (kind === 'changed') return { kind: 'set', path, data, version: after?.version ?? -1 }
  if (kind === 'acl changed') return { kind: 'set acl', path, acl, aversion: after?.aversion ?? -1 }
  const type = kindOf(ephemeralOwner)
  if (type === 'ephemeral') return `${path} was an ephemeral, which only its own session can have`
  return { kind: 'create', path, data, acl, mode: type === 'ttl' ? { ttl: ttlMsOf(ephemeralOwner) } : type }
}

/**
 * Where one transaction changed a znode twice, the first operation expects the last version, and each later one a version that is
 * higher by 1; or 0, where an earlier operation has created the znode again.
 */
function withLastVersions(changes: readonly Change[]): (step: WriteStep) => WriteStep {
  const versions = new Map<string, number>()
  for (const { path, after } of changes) if (after !== undefined) versions.set(path, after.version)
  return (step) => {
    if (step.kind === 'create') versions.set(step.path, 0)
    const version = versions.get(step.path)
    if (version === undefined || (step.kind !== 'set' && step.kind !== 'delete')) return step
    versions.set(step.path, version + 1)
    return { ...step, version }
  }
}
