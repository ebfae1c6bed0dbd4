/** Partitioners: ours, and kazoo's SetPartitioner. */
import type { ZnodePath } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import { type Directories, isEphemeral, partyOf } from './directory.ts'
import { standings } from './line.ts'
import { lineOf } from './locks.ts'
import type { Party, Structure, Waiter } from './structure.ts'

interface FoundPartitioner {
  readonly structure: Structure
  readonly parts: readonly string[]
}

export function partitionerAt(directories: Directories, path: ZnodePath): FoundPartitioner | undefined {
  const names = new Set(directories.children(path).map(({ name }) => name))
  if (names.has('assignment') && names.has('members')) return oursAt(directories, path)
  if (names.has('party')) return kazooAt(directories, path)
  return undefined
}

function oursAt(directories: Directories, path: ZnodePath): FoundPartitioner | undefined {
  const members = directories.below(path, 'members').filter(isEphemeral)
  const assigned = assignedItems(directories.tree.get(joinPath(path, 'assignment'))?.data)
  if (assigned === undefined) return undefined
  const locks = joinPath(path, 'locks')
  const holders = directories
    .children(locks)
    .filter(isEphemeral)
    .map((child): Party => ({ ...partyOf(child), item: decoded(child.name) }))
  const held = new Set(holders.map(({ item }) => item))
  const free = assigned.filter((item) => !held.has(item)).length
  const notes = [`${members.length} members divide ${assigned.length} items; ${free} of these are held by none now`]
  return {
    structure: { kind: 'partitioner', path, layouts: ['lightkeeper'], holders, waiters: [], notes },
    parts: [joinPath(path, 'members'), locks, joinPath(locks, '%marks')],
  }
}

/** Undefined for data that is no assignment of ours. */
function assignedItems(data: Uint8Array | undefined): string[] | undefined {
  try {
    const { assigned } = JSON.parse(new TextDecoder().decode(data)) as { readonly assigned?: unknown }
    if (typeof assigned !== 'object' || assigned === null) return undefined
    return Object.values(assigned).flatMap((items: unknown) => (Array.isArray(items) ? items.map(String) : []))
  } catch {
    return undefined
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const member = /^[0-9a-f]{32}-(.*)$/s

/** A line of kazoo's locks for each item; `party` holds the members. */
function kazooAt(directories: Directories, path: ZnodePath): FoundPartitioner | undefined {
  const members = directories.below(path, 'party').filter((each) => isEphemeral(each) && member.test(each.name))
  if (members.length === 0) return undefined
  const locks = joinPath(path, 'locks')
  const holders: Party[] = []
  const waiters: Waiter[] = []
  const parts: string[] = [joinPath(path, 'party'), locks]
  for (const { name, path: item } of directories.children(locks)) {
    const line = standings(lineOf(directories, item))
    holders.push(...line.holders.map((each) => ({ ...each, item: name })))
    waiters.push(...line.waiters.map((each) => ({ ...each, item: name })))
    parts.push(item)
  }
  const notes = [`${members.length} members: ${members.map(({ name }) => member.exec(name)?.[1]).join(', ')}`]
  return { structure: { kind: 'partitioner', path, layouts: ['kazoo'], holders, waiters, notes }, parts }
}
