/**
 * Deletes a subtree: what is deepest first, a bounded number of requests at a time, however wide or deep it is. What can be known
 * to be refused is refused before anything is deleted.
 */
import { joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { ZnodeStat } from '../stat.ts'

export interface DeleteHost {
  children(
    path: ZnodePath,
    options: CallOptions,
  ): Promise<{ readonly children: readonly string[]; readonly stat: ZnodeStat }>
  deleteOne(path: ZnodePath, version: number, options: CallOptions, idempotent: boolean): Promise<void>
  /** Asks whether `path` might be deleted, and deletes nothing. @throws KeeperError NO_AUTH, and whatever else refuses. */
  tryDelete(path: ZnodePath, options: CallOptions): Promise<void>
}

/** Requests on their way at once. */
const atOnce = 64

/** Not atomic: what others create meanwhile is deleted too, or makes it start over. */
export async function deleteTree(
  host: DeleteHost,
  path: ZnodePath,
  version: number,
  idempotent: boolean,
  budget: Budget,
): Promise<void> {
  for (;;) {
    const levels = await levelsBelow(host, path, version, budget)
    if (levels.length > 0) await checkPermissions(host, path, levels, budget)
    for (const level of levels.reverse()) {
      await inBatches(level, async (each) => {
        try {
          await host.deleteOne(each, -1, budget.step(), true)
        } catch (error) {
          // Gone is what was wanted; what got a child meanwhile is found again below.
          if (!KeeperError.is(error, 'NO_NODE') && !KeeperError.is(error, 'NOT_EMPTY')) throw error
        }
      })
    }
    try {
      return await host.deleteOne(path, version, budget.step(), idempotent)
    } catch (error) {
      // Somebody created a child meanwhile: it is listed next time.
      if (!KeeperError.is(error, 'NOT_EMPTY')) throw error
      await budget.again(error)
    }
  }
}

/** What is below `path`, level by level, the deepest last. */
async function levelsBelow(host: DeleteHost, path: ZnodePath, version: number, budget: Budget): Promise<ZnodePath[][]> {
  const levels: ZnodePath[][] = []
  for (let level: ZnodePath[] = [path]; level.length > 0; ) {
    const below: ZnodePath[] = []
    await inBatches(level, async (parent) => {
      const names = await namesBelow(host, parent, parent === path ? version : undefined, budget)
      for (const name of names) below.push(joinPath(parent, name))
    })
    if (below.length > 0) levels.push(below)
    level = below
  }
  return levels
}

/** `version`, undefined except for the root, is what the root has to have. */
async function namesBelow(
  host: DeleteHost,
  path: ZnodePath,
  version: number | undefined,
  budget: Budget,
): Promise<readonly string[]> {
  try {
    const { children, stat } = await host.children(path, budget.step())
    if (version !== undefined && version !== -1 && stat.version !== version) {
      throw new KeeperError('BAD_VERSION', { path, operation: 'delete', outcome: 'rejected' })
    }
    return children
  } catch (error) {
    if (version === undefined && KeeperError.is(error, 'NO_NODE')) return []
    throw error
  }
}

/** The right to delete is the parent's, so one child of each parent tells for all. */
async function checkPermissions(
  host: DeleteHost,
  root: ZnodePath,
  levels: readonly (readonly ZnodePath[])[],
  budget: Budget,
): Promise<void> {
  const oneOfEach = new Map<string, ZnodePath>([['', root]])
  for (const level of levels) {
    for (const path of level) oneOfEach.set(path.slice(0, path.lastIndexOf('/') + 1), path)
  }
  await inBatches([...oneOfEach.values()], (path) => host.tryDelete(path, budget.step()))
}

async function inBatches<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(task))
}
