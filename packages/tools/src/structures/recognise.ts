/** Finds what recipes have built in a tree, only by the names and kinds of znodes. */
import type { ZnodePath } from '@lightkeeper/client'
import { isWithin } from '@lightkeeper/protocol'
import { doubleBarrierAt } from './barriers.ts'
import { Directories, type SeenTree } from './directory.ts'
import { groupAt } from './groups.ts'
import { lineAt } from './locks.ts'
import { mastersIn } from './masters.ts'
import { partitionerAt } from './partitioners.ts'
import { queueAt } from './queues.ts'
import { semaphoreAt } from './semaphores.ts'
import { serviceAt } from './services.ts'
import type { Structure } from './structure.ts'
import { timeLeaseAt } from './time-leases.ts'

/** The structure that a recogniser found, and the directories that belong to it and are not examined again. */
export interface Found {
  readonly structure: Structure
  /** Paths whose children belong to it, in addition to its own. */
  readonly parts?: readonly string[]
}

export type Recogniser = (directories: Directories, path: ZnodePath) => Found | undefined

/** A recogniser that needs more znodes is asked earlier. */
const recognisers: readonly Recogniser[] = [
  partitionerAt,
  semaphoreAt,
  queueAt,
  timeLeaseAt,
  lineAt,
  serviceAt,
  doubleBarrierAt,
  groupAt,
]

/**
 * Everything recognised in `tree`, by path. A structure of a single znode (a barrier, a counter, a shared value) looks like any
 * other znode, so it is not found; nor is a free lock, since it has no children. `chroot` is that of the client that read the tree:
 * below one, `/zookeeper` is not the server's own.
 */
export function recognise(tree: SeenTree, chroot: ZnodePath = '/'): Structure[] {
  const directories = new Directories(tree)
  const isOwn = (path: string): boolean => chroot !== '/' || !isWithin(path, '/zookeeper')
  const paths = [...directories.parents].filter(isOwn).sort() as ZnodePath[]
  const found: Structure[] = []
  const taken = new Set<string>()
  // In this order a structure comes before its parts: they are below it, or a sibling with a longer name.
  for (const path of paths) {
    if (taken.has(path)) continue
    found.push(...mastersIn(directories, path))
    // An incomplete read has fewer children than the server.
    if (!tree.has(path)) continue
    for (const recogniser of recognisers) {
      const each = recogniser(directories, path)
      if (each === undefined) continue
      for (const part of each.parts ?? []) taken.add(part)
      found.push(each.structure)
      break
    }
  }
  return found
}
