/** Access control lists: permission bits and common lists. */
import type { Reader } from './reader.ts'
import { type Acl, readAcl, writeAcl } from './records.gen.ts'
import { Writer } from './writer.ts'

/** Bits of an ACL entry (ZooDefs.java). DELETE and CREATE concern the children of the znode. */
export const permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** Everybody may do everything: the default of every client. */
export const openAcl: readonly Acl[] = constant(permission.all, 'world', 'anyone')

/** Everybody may read, nobody may write. */
export const readOnlyAcl: readonly Acl[] = constant(permission.read, 'world', 'anyone')

/** The identities authenticated on the creating connection may do everything; the server writes them in. */
export const creatorAcl: readonly Acl[] = constant(permission.all, 'auth', '')

/** Frozen, because the whole process shares them. */
function constant(perms: number, scheme: string, id: string): readonly Acl[] {
  return Object.freeze([Object.freeze({ perms, id: Object.freeze({ scheme, id }) })])
}

/** The open list as bytes on the wire. */
const openBytes = ((): Uint8Array => {
  const writer = new Writer()
  writer.vector(openAcl, writeAcl)
  return writer.written()
})()

/** Reads the list of a request. Most requests have the open list, which is always the same object. */
export function readAclList(reader: Reader): readonly Acl[] {
  const { bytes, pos, remaining } = reader
  let same = 0
  if (remaining >= openBytes.length) while (same < openBytes.length && bytes[pos + same] === openBytes[same]) same++
  if (same < openBytes.length) return reader.vector(12, readAcl) ?? []
  reader.pos = pos + same
  return openAcl
}
