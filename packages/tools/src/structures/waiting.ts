/** Who waits for whom over all structures, and circles of waiting sessions. */
import type { Party, Structure, StructureKind, Waiter } from './structure.ts'

/** A session waits at a structure for another session that holds it. */
export interface Edge {
  /** The party that waits. */
  readonly waiter: Waiter
  /** The party that it waits for. */
  readonly holder: Party
  /** Where they meet. */
  readonly structure: Structure
}

/** Waits in a circle: each is for the session of the next, and the last is for the first. */
export type Cycle = readonly Edge[]

/** Structures at which a program stops while it waits; a candidate of an election, or a consumer of a queue, continues. */
const blocking: ReadonlySet<StructureKind> = new Set(['lock', 'read-write lock', 'semaphore'])

/** From each waiter for a lock or a lease to each holder in another session. */
export function edgesOf(structures: readonly Structure[]): Edge[] {
  return structures.flatMap((structure) => {
    if (!blocking.has(structure.kind)) return []
    const holders = structure.holders.filter(({ session }) => session !== 0n)
    return structure.waiters.flatMap((waiter) =>
      holders
        .filter(({ session }) => waiter.session !== 0n && session !== waiter.session)
        .map((holder) => ({ waiter, holder, structure })),
    )
  })
}

/**
 * Circles of sessions that wait for each other at two or more structures: one circle for each group of sessions that none can
 * leave. ZooKeeper knows only sessions; a program whose tasks hold and wait independently of each other may still continue.
 */
export function cyclesOf(structures: readonly Structure[]): Cycle[] {
  const stuck = stuckSessions(structures)
  const edges = edgesOf(structures).filter(
    ({ waiter, holder }) => stuck.has(waiter.session) && stuck.has(holder.session),
  )
  const next = grouped(edges, ({ waiter }) => waiter.session)
  const previous = grouped(edges, ({ holder }) => holder.session)
  const cycles: Cycle[] = []
  const done = new Set<bigint>()
  for (const session of stuck) {
    if (done.has(session)) continue
    const cycle = shortestCycle(session, next)
    if (cycle === undefined) continue
    // All sessions that wait for each other are one group.
    const before = reached(session, previous, ({ waiter }) => waiter.session)
    for (const each of reached(session, next, ({ holder }) => holder.session)) if (before.has(each)) done.add(each)
    if (new Set(cycle.map(({ structure }) => structure)).size > 1) cycles.push(cycle)
  }
  return cycles
}

function grouped(edges: readonly Edge[], keyOf: (edge: Edge) => bigint): ReadonlyMap<bigint, readonly Edge[]> {
  const groups = new Map<bigint, Edge[]>()
  for (const edge of edges) {
    const known = groups.get(keyOf(edge))
    if (known === undefined) groups.set(keyOf(edge), [edge])
    else known.push(edge)
  }
  return groups
}

function reached(
  start: bigint,
  edges: ReadonlyMap<bigint, readonly Edge[]>,
  otherEnd: (edge: Edge) => bigint,
): Set<bigint> {
  const seen = new Set([start])
  // A set that grows during the loop is walked to its end.
  for (const session of seen) for (const edge of edges.get(session) ?? []) seen.add(otherEnd(edge))
  return seen
}

/** The condition of one waiter: all, or any, of these sessions can continue. */
interface Need {
  readonly session: bigint
  readonly of: readonly bigint[]
  readonly needs: 'all' | 'any'
}

/** The sessions that can never continue: the others are removed, one after the other. */
function stuckSessions(structures: readonly Structure[]): Set<bigint> {
  let needs = structures.flatMap(({ waiters, holders, kind }): Need[] => {
    const of = holders.map(({ session }) => session)
    // A waiter at a semaphore needs only one of the leases.
    const mode = kind === 'semaphore' ? 'any' : 'all'
    return of.length === 0 || !blocking.has(kind) ? [] : waiters.map(({ session }) => ({ session, of, needs: mode }))
  })
  for (;;) {
    const stuck = new Set(needs.map(({ session }) => session))
    const left = needs.filter(({ session, of, needs: mode }) => {
      const isFree = (other: bigint): boolean => other === session || !stuck.has(other)
      return !(mode === 'all' ? of.every(isFree) : of.some(isFree))
    })
    if (left.length === needs.length) return stuck
    needs = left
  }
}

/** Breadth first from `start` back to it. */
function shortestCycle(start: bigint, next: ReadonlyMap<bigint, readonly Edge[]>): Edge[] | undefined {
  const cameBy = new Map<bigint, Edge>()
  let front = [start]
  while (front.length > 0) {
    const further: bigint[] = []
    for (const session of front) {
      for (const edge of next.get(session) ?? []) {
        const to = edge.holder.session
        if (to === start) return [...pathTo(session, start, cameBy), edge]
        if (cameBy.has(to)) continue
        cameBy.set(to, edge)
        further.push(to)
      }
    }
    front = further
  }
  return undefined
}

function pathTo(session: bigint, start: bigint, cameBy: ReadonlyMap<bigint, Edge>): Edge[] {
  const path: Edge[] = []
  for (let at = session; at !== start; ) {
    const edge = cameBy.get(at) as Edge
    path.push(edge)
    at = edge.waiter.session
  }
  return path.reverse()
}
