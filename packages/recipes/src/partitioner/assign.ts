/** Who of a group gets which items: as even as can be, and nothing moves that need not. Values in, values out. */

import { list, text, wrongType } from '../arguments/checks.ts'

/** Owner by item. */
export type Assignment = ReadonlyMap<string, string>

/**
 * Shares differ by one at most, and of all such assignments it is one that moves the fewest items from where `before` has them.
 * Members with more keep more; where that leaves a choice, names decide, so that everybody comes to the same.
 */
export function assign(items: readonly string[], members: readonly string[], before: Assignment): Assignment {
  const texts = list(text, 'a list of strings')
  texts(items, 'items', 'assign')
  texts(members, 'members', 'assign')
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
  // Those with most keep the larger shares: each of them would have to give away one more otherwise.
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
