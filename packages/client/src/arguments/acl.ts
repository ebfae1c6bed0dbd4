/** Access control lists as users give them. */
import { type Acl, creatorAcl, openAcl, permission, readOnlyAcl } from '@lightkeeper/protocol'
import { type Check, list, looking, outOfRange, wellFormed, wrongType } from './checks.ts'

/** Frozen, and checked once: it needs no other check. */
const wellKnown = new Set<unknown>([openAcl, creatorAcl, readOnlyAcl])

const expected = '{ perms, id: { scheme, id } }, as in openAcl or from digestAcl()'

const entry: Check<Acl> = (value, name, operation) => {
  if (typeof value !== 'object' || value === null) throw wrongType(operation, name, expected, value)
  const { perms, id: identity } = value as { perms?: unknown; id?: unknown }
  if (typeof perms !== 'number' || typeof identity !== 'object' || identity === null)
    throw wrongType(operation, name, expected, value)
  const { scheme, id } = identity as { scheme?: unknown; id?: unknown }
  if (typeof scheme !== 'string' || typeof id !== 'string')
    throw wrongType(operation, `${name}.id`, '{ scheme, id }', identity)
  if (!Number.isInteger(perms) || perms < 0 || perms > permission.all) {
    throw outOfRange(operation, `${name}.perms`, `a sum of permission bits, 0 to ${permission.all}`, perms)
  }
  return {
    perms,
    id: { scheme: wellFormed(scheme, `${name}.id.scheme`, operation), id: wellFormed(id, `${name}.id.id`, operation) },
  }
}

const entries = list(entry, `a list of ${expected}`)

export const acl: Check<readonly Acl[]> = (value, name, operation) =>
  wellKnown.has(value) ? (value as readonly Acl[]) : looking(name, operation, () => entries(value, name, operation))
