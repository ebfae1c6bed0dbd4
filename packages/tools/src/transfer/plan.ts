/** The writes that make a subtree equal to a file. Equal parts need no write, so after an error a new plan continues. */
import type { Acl } from '@lightkeeper/client'
import { byPath, compareTrees, typeText, type WholeTree, type WholeZnode } from '../compare/compare.ts'
import type { ReadZnode } from '../compare/read-whole.ts'
import type { WriteStep } from '../write-step.ts'

export interface PlanOptions {
  /** Deletes what is not in the file. Default false. */
  readonly delete?: boolean
  /** What to do with ephemerals in the file: an ephemeral of the importing session would end with it. Default `skip`. */
  readonly ephemerals?: 'skip' | 'persistent'
}

export interface ImportPlan {
  /** In order: parents are created before their children and deleted after them. Paths are below the root. */
  readonly steps: readonly WriteStep[]
  /** What the plan does not change, one sentence each. */
  readonly notes: readonly string[]
}

/** Writes `file` over the current state. ZooKeeper's own znodes, below `/zookeeper` of a whole tree, stay unchanged. */
export function planImport(
  file: WholeTree,
  there: WholeTree<ReadZnode>,
  { delete: deletes = false, ephemerals = 'skip' }: PlanOptions = {},
): ImportPlan {
  const notes: string[] = []
  const wanted = new Map<string, WholeZnode>()
  let skipped = 0
  for (const [path, znode] of file) {
    if (znode.type === 'ephemeral' && ephemerals === 'skip') skipped++
    else wanted.set(path, znode.type === 'ephemeral' ? { ...znode, type: 'persistent' } : znode)
  }
  if (skipped > 0) notes.push(`${skipped} ephemerals of the file are left out: they would end with this session`)
  const steps: WriteStep[] = []
  const surplus: string[] = []
  for (const difference of compareTrees(wanted, there)) {
    const { path } = difference
    if (difference.kind === 'only in a') steps.push(createOf(path, difference.znode))
    else if (difference.kind === 'only in b') surplus.push(path)
    else {
      const known = there.get(path) as ReadZnode
      const { data, type, acl } = difference
      if (type !== undefined && known.type === 'ephemeral') {
        notes.push(
          `${path || 'the root'} is left as it is: it is ${typeText(known.type)} here and ${typeText(type[0])} in the file`,
        )
        continue
      }
      const { version, aversion } = known.stat
      const { data: wantedData, acl: wantedAcl } = wanted.get(path) as WholeZnode
      if (data !== undefined) steps.push({ kind: 'set', path, data: wantedData, version })
      if (acl !== undefined) steps.push({ kind: 'set acl', path, acl: wantedAcl, aversion })
    }
  }
  if (!deletes) {
    if (surplus.length > 0) notes.push(`${surplus.length} znodes that are not in the file stay`)
    return { steps, notes }
  }
  const kept = keptBy(surplus, there)
  const left = surplus.filter((path) => kept.has(path)).length
  if (left > 0) notes.push(`${left} znodes that are not in the file stay: they are ephemerals, or have some below them`)
  for (const path of surplus.sort(byPath).reverse()) {
    if (!kept.has(path)) steps.push({ kind: 'delete', path, version: (there.get(path) as ReadZnode).stat.version })
  }
  return { steps, notes }
}

/** Ephemerals belong to their sessions, and prevent the deletion of their parents. */
function keptBy(surplus: readonly string[], there: WholeTree): ReadonlySet<string> {
  const kept = new Set<string>()
  for (const path of surplus) {
    if (there.get(path)?.type !== 'ephemeral') continue
    for (let at = path; at !== '' && !kept.has(at); at = at.slice(0, at.lastIndexOf('/'))) kept.add(at)
  }
  return kept
}

function createOf(
  path: string,
  { data, type, acl }: { data: Uint8Array; type: WholeZnode['type']; acl: readonly Acl[] },
): WriteStep {
  return { kind: 'create', path, data, acl, mode: type === 'ephemeral' ? 'persistent' : type }
}
