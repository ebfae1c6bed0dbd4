/** Which member of a group gets which items: as even as possible, with the fewest moves. Values in, values out. */
import { list, looking, wrongType } from '@lightkeeper/client/arguments'
import { text } from '../arguments/values.ts'

/** Member by item. */
export type Assignment = ReadonlyMap<string, string>

/**
 * Divides `items` among `members`. Shares differ by at most one, and of all such assignments this is one that moves the fewest
 * items away from their member in `before`. Members that have more keep more. Names decide the rest, so every member computes the
 * same assignment.
 * @throws TypeError.
 */
export function assign(items: readonly string[], members: readonly string[], before: Assignment): Assignment {
  const texts = list(text, 'a list of strings')
  looking('items', 'assign', () => texts(items, 'items', 'assign'))
  looking('members', 'assign', () => texts(members, 'members', 'assign'))
  if (!(before instanceof Map)) throw wrongType('assign', 'before', 'a Map of members by item', before)
  const after = new Map<string, string>()
  const order = [...new Set(members)].sort()
  if (order.length === 0) return after
  const all = [...new Set(items)].sort()
  const kept = new Map<string, string[]>(order.map((member) => [member, []]))
  const free: string[] = []
  for (const item of all) {
    const own = kept.get(before.get(item) ?? '')
    if (own === undefined) free.push(item)
    else own.push(item)
  }
  const share = Math.floor(all.length / order.length)
  let larger = all.length % order.length
  // Members with the most items get the larger shares: otherwise each of them would have to give one more away.
  const byKept = [...order].sort((a, b) => count(kept, b) - count(kept, a))
  const shares = new Map(byKept.map((member) => [member, larger-- > 0 ? share + 1 : share]))
  for (const member of order) free.push(...(kept.get(member) ?? []).splice(shares.get(member) ?? 0))
  free.sort()
  for (const member of order) {
    const own = kept.get(member) ?? []
    const missing = (shares.get(member) ?? 0) - own.length
    for (const item of [...own, ...free.splice(0, Math.max(0, missing))]) after.set(item, member)
  }
  return after
}

function count(kept: ReadonlyMap<string, readonly string[]>, member: string): number {
  return kept.get(member)?.length ?? 0
}
