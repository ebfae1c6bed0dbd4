/** ACLs as zkCli writes them: `scheme:id:permissions`, separated by commas. */
import { type Acl, permission } from '@lightkeeper/protocol'

/** In the order in which Apache prints them. */
const letters = [
  ['c', permission.create],
  ['d', permission.delete],
  ['r', permission.read],
  ['w', permission.write],
  ['a', permission.admin],
] as const

/** `31` is `cdrwa`. */
export function permissionsText(perms: number): string {
  return letters.map(([letter, bit]) => ((perms & bit) === 0 ? '' : letter)).join('')
}

export function aclEntryText({ perms, id }: Acl): string {
  return `${id.scheme}:${id.id}:${permissionsText(perms)}`
}

/**
 * The ACL that a text means. An id may contain colons and commas, as the names in certificates do: an entry ends at a comma that
 * stands behind permissions.
 * @throws RangeError that names the wrong entry and the expected form.
 */
export function parseAclText(text: string): Acl[] {
  const entries: Acl[] = []
  let pending: string | undefined
  for (const piece of text.split(',')) {
    pending = pending === undefined ? piece : `${pending},${piece}`
    const entry = entryOf(pending)
    if (entry === undefined) continue
    entries.push(entry)
    pending = undefined
  }
  if (pending === undefined) return entries
  throw new RangeError(
    `"${pending}" is no entry of an ACL; expected scheme:id:permissions with permissions of the letters cdrwa, like world:anyone:r or digest:joe:HASH:cdrwa`,
  )
}

function entryOf(text: string): Acl | undefined {
  const match = /^([^:]+):(.*):([cdrwa]+)$/s.exec(text)
  if (match === null) return undefined
  const [, scheme = '', id = '', perms = ''] = match
  const bits = letters.reduce((sum, [letter, bit]) => (perms.includes(letter) ? sum | bit : sum), 0)
  return { perms: bits, id: { scheme, id } }
}
