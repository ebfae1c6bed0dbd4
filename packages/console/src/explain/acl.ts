/** What an ACL means: who may do what, and what a given identity may do. */
import type { AclEntry } from '../api.ts'

/** The permissions, in the order in which ZooKeeper writes them. `read` is of the data and of the list of children. */
export const permissions = [
  { letter: 'c', name: 'create', meaning: 'create children' },
  { letter: 'd', name: 'delete', meaning: 'delete children' },
  { letter: 'r', name: 'read', meaning: 'read' },
  { letter: 'w', name: 'write', meaning: 'write data' },
  { letter: 'a', name: 'admin', meaning: 'change this list' },
] as const

/** One entry, as a sentence. */
export function sentenceOf({ perms, scheme, id }: AclEntry): string {
  const may = permissions.filter(({ letter }) => perms.includes(letter)).map(({ meaning }) => meaning)
  const who = whoIs(scheme, id)
  if (may.length === 0) return `${who} may do nothing.`
  if (may.length === permissions.length) return `${who} may do everything.`
  const last = may.pop()
  return `${who} may ${may.length === 0 ? last : `${may.join(', ')} and ${last}`}.`
}

function whoIs(scheme: string, id: string): string {
  switch (scheme) {
    case 'world':
      return 'Everybody'
    case 'auth':
      return 'Each identity of the client that writes this list'
    case 'digest':
      return `The user ${id.split(':')[0]} with the password of this digest`
    case 'ip':
      return id.includes('/') ? `Every client with an address in ${id}` : `A client at the address ${id}`
    case 'x509':
      return `The holder of the certificate ${id}`
    case 'sasl':
      return `The user ${id}, logged in by SASL`
    default:
      return `${scheme}:${id}`
  }
}

/** What a client with these identities (`scheme:id` each) may do: the union of all entries that concern it. */
export function allowedTo(acl: readonly AclEntry[], identities: readonly string[]): string {
  const own = new Set(identities)
  const letters = new Set<string>()
  for (const { perms, scheme, id } of acl) {
    const concerns =
      scheme === 'world' ||
      own.has(`${scheme}:${id}`) ||
      (scheme === 'digest' && isUser(own, id)) ||
      isFrom(own, scheme, id)
    if (concerns) for (const letter of perms) letters.add(letter)
  }
  return permissions
    .map(({ letter }) => letter)
    .filter((letter) => letters.has(letter))
    .join('')
}

/** A page knows the name of a user, not the digest of its password. */
function isUser(own: ReadonlySet<string>, id: string): boolean {
  return own.has(`digest:${id.split(':')[0]}`)
}

function isFrom(own: ReadonlySet<string>, scheme: string, id: string): boolean {
  if (scheme !== 'ip') return false
  const addresses = [...own].flatMap((each) => (each.startsWith('ip:') ? [each.slice(3)] : []))
  return addresses.some((address) => isInside(address, id))
}

/** Whether an IPv4 address is in `10.0.0.0/8`. */
function isInside(address: string, range: string): boolean {
  const [base = '', bits = '32'] = range.split('/')
  const [a, b] = [numberOf(address), numberOf(base)]
  if (a === undefined || b === undefined) return address === range
  const shift = 32 - Number(bits)
  return shift >= 32 || Math.floor(a / 2 ** shift) === Math.floor(b / 2 ** shift)
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.').map(Number)
  const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)
  return isAddress ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined
}

/** What is easily overlooked, one sentence each. */
export function pitfallsOf(acl: readonly AclEntry[]): string[] {
  const world = acl.filter(({ scheme }) => scheme === 'world').map(({ perms }) => perms)
  const open = world.join('')
  return [
    ...(/[cdwa]/.test(open) ? ['Everybody who can connect may change something here.'] : []),
    ...(open.includes('a') ? ['Everybody may change this list, and so give themselves the rest.'] : []),
    ...(acl.some(({ perms }) => perms.includes('a'))
      ? []
      : ['Nobody may change this list any more, except a super user.']),
    ...(acl.some(({ perms }) => perms.includes('d')) ? [] : ['Nobody may delete children.']),
    'The list counts for this znode alone: its children have lists of their own. Deleting this znode needs the permission delete on its parent.',
  ]
}
