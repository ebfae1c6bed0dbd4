/** ACLs as zkCli writes them: `scheme:id:permissions`, separated by commas. */
import { type Acl, permission } from '@lightkeeper/protocol'
import { isIpv4, isIpv6 } from '@lightkeeper/runtime'

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
 * The ACL that a text means. An id may contain colons and commas, as the names in certificates do: an entry ends at a comma between
 * permissions and a scheme. Ids of the schemes that every server has are checked.
 * @throws RangeError that names the wrong entry, and what is wrong with it.
 */
export function parseAclText(text: string): Acl[] {
  return text.split(/(?<=:[cdrwa]+),(?=[\w-]+:)/).map(entryOf)
}

function entryOf(text: string): Acl {
  const first = text.indexOf(':')
  const last = text.lastIndexOf(':')
  if (first < 1 || last === first) throw new RangeError(`"${text}" is not SCHEME:ID:PERMS`)
  const [scheme, id] = [text.slice(0, first), text.slice(first + 1, last)]
  const perms = permissionsOf(text.slice(last + 1))
  if (perms === 0) throw new RangeError(`"${text}" has no permissions: c, d, r, w and a are`)
  const problem = idProblem(scheme, id)
  if (problem !== undefined) throw new RangeError(`"${text}": ${problem}`)
  return { perms, id: { scheme, id } }
}

function permissionsOf(text: string): number {
  let perms = 0
  for (const each of text) {
    const [, bit] = letters.find(([letter]) => letter === each) ?? []
    if (bit === undefined)
      throw new RangeError(`"${each}" in "${text}" is not a permission; permissions are c, d, r, w and a`)
    perms |= bit
  }
  return perms
}

/** What a server would refuse, in words. */
function idProblem(scheme: string, id: string): string | undefined {
  if (scheme === 'world' && id !== 'anyone') return 'the only id of world is anyone'
  if (scheme === 'digest' && !/^[^:]+:[A-Za-z0-9+/]{20,}=*$/.test(id)) {
    return 'the id of digest is USER:HASH, with the hash of USER:PASSWORD as base64'
  }
  return scheme === 'ip' && !isNetwork(id) ? 'the id of ip is an address, or ADDRESS/BITS' : undefined
}

function isNetwork(id: string): boolean {
  const [address = '', bits, ...more] = id.split('/')
  const most = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1
  return more.length === 0 && most >= 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
}
