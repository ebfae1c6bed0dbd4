/** One line of the audit log: which fields it has, in which order, and how they look (AuditEvent.java). */
import { type Acl, createModes, type Id, permission } from '@lightkeeper/protocol'
import { escapedText, formatFact, type LogFact } from '@lightkeeper/runtime'
import { userOfDigest } from '../auth/digest.ts'

export type AuditOperation =
  | 'serverStart'
  | 'serverStop'
  | 'create'
  | 'delete'
  | 'setData'
  | 'setAcl'
  | 'multiOperation'
  | 'reconfig'
  | 'ephemeralZNodeDeletionOnSessionCloseOrExpire'

/** A field that is undefined is left out. */
export interface AuditEvent {
  readonly session?: bigint | undefined
  /** Names of the client's identities, or the user that the server runs as where it acted by itself. */
  readonly user?: string | undefined
  /** The client's address, without its port. */
  readonly ip?: string | undefined
  readonly operation: AuditOperation
  readonly znode?: string | undefined
  /** Kind of the znode that was to be created: `persistent`, `ephemeral_sequential`. */
  readonly znodeType?: string | undefined
  /** The list that was to be set, as `aclText` writes it. */
  readonly acl?: string | undefined
  readonly result: 'success' | 'failure' | 'invoked'
}

/** The fields by their names in the log, in its order. */
export function fieldsOf(event: AuditEvent): Record<string, LogFact> {
  const { session, user, ip, operation, znode, znodeType, acl, result } = event
  return { session, user, ip, operation, znode, znode_type: znodeType, acl, result }
}

/**
 * `2026-01-31 12:00:00,123 INFO audit: session=0x1…<TAB>user=…`, as Apache's own configuration of Logback writes it, in UTC. It is one
 * line of printable characters, whatever a client sent. `wall` is wall-clock milliseconds.
 */
export function auditLine(event: AuditEvent, wall: number): string {
  const time = new Date(wall).toISOString().replace('T', ' ').replace('.', ',').slice(0, -1)
  let line = `${time} ${event.result === 'failure' ? 'ERROR' : 'INFO'} audit:`
  let separator = ' '
  for (const [name, value] of Object.entries(fieldsOf(event))) {
    if (value === undefined) continue
    const text = typeof value === 'bigint' ? formatFact(value) : escapedText(String(value))
    line += `${separator}${name}=${text}`
    separator = '\t'
  }
  return `${line}\n`
}

/** Names of identities, with a comma between them; undefined where there are none. The super user's mark is no name. */
export function userText(identities: readonly Id[]): string | undefined {
  const names = identities
    .filter(({ scheme }) => scheme !== 'super')
    .map(({ scheme, id }) => (scheme === 'digest' ? userOfDigest(id) : id))
    .filter((name) => name.trim() !== '')
  return names.length === 0 ? undefined : names.join(',')
}

/** `world:anyone:cdrwa`, with a comma between entries. What a digest entry was made of is left out: it can be guessed at. */
export function aclText(acl: readonly Acl[] | null): string | undefined {
  if (acl === null) return undefined
  return acl
    .map(({ perms, id: { scheme, id } }) => {
      const shown = scheme === 'digest' ? `${userOfDigest(id)}:x` : id
      return `${scheme}:${shown}:${permissionText(perms)}`
    })
    .join(',')
}

const letters = [
  ['c', permission.create],
  ['d', permission.delete],
  ['r', permission.read],
  ['w', permission.write],
  ['a', permission.admin],
] as const

function permissionText(perms: number): string {
  return letters.map(([letter, bit]) => ((perms & bit) === 0 ? '' : letter)).join('')
}

const kinds = new Map<number, string>([
  [createModes.persistent.flags, 'persistent'],
  [createModes.ephemeral.flags, 'ephemeral'],
  [createModes.persistentSequential.flags, 'persistent_sequential'],
  [createModes.ephemeralSequential.flags, 'ephemeral_sequential'],
  [createModes.container.flags, 'container'],
  [createModes.persistentTtl.flags, 'persistent_with_ttl'],
  [createModes.persistentSequentialTtl.flags, 'persistent_sequential_with_ttl'],
])

/** The kind of znode that flags of a create ask for; undefined for flags that no mode has. */
export function znodeTypeOf(flags: number): string | undefined {
  return kinds.get(flags)
}
