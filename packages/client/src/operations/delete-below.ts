/**
 * Deletes a subtree of any width and depth: the deepest znodes first, a bounded number of requests at a time. Checks permissions
 * and version before it deletes anything.
 */
import { joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { DeleteOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { CallContext } from './call.ts'
import { deleteOnce, tryDelete } from './delete.ts'
import { childrenRead, readZnode } from './reads.ts'

/** The most requests under way at one time. */
const atOnce = 64

/** Not atomic: znodes that others create meanwhile are deleted too, or make it start again. */
export async function deleteBelow(context: CallContext, path: ZnodePath, options: DeleteOptions): Promise<void> {
  const { version = -1, idempotent = false } = options
  const budget = context.budget('delete', path, options)
  for (;;) {
    const levels = await levelsBelow(context, path, version, budget)
    if (levels.length > 0) await checkPermissions(context, path, levels, budget)
    for (const level of levels.reverse()) {
      await inBatches(level, async (each) => {
        try {
          await deleteOnce(context, each, -1, budget.step(), true)
        } catch (error) {
          // A znode that is gone needs no delete. A znode that got a child is found again in the next round.
          if (!KeeperError.is(error, 'NO_NODE') && !KeeperError.is(error, 'NOT_EMPTY')) throw error
        }
      })
    }
    try {
      return await deleteOnce(context, path, version, budget.step(), idempotent)
    } catch (error) {
      // Another client created a child meanwhile: the next list shows it.
      if (!KeeperError.is(error, 'NOT_EMPTY')) throw error
      await budget.again(error)
    }
  }
}

/** The znodes below `path`, level by level, the deepest last. */
async function levelsBelow(
  context: CallContext,
  path: ZnodePath,
  version: number,
  budget: Budget,
): Promise<ZnodePath[][]> {
  const levels: ZnodePath[][] = []
  for (let level: ZnodePath[] = [path]; level.length > 0; ) {
    const below: ZnodePath[] = []
    await inBatches(level, async (parent) => {
      const names = await namesBelow(context, parent, parent === path ? version : undefined, budget)
      for (const name of names) below.push(joinPath(parent, name))
    })
    if (below.length > 0) levels.push(below)
    level = below
  }
  return levels
}

/** `version` is the required version of the root, undefined for every other znode. */
async function namesBelow(
  context: CallContext,
  path: ZnodePath,
  version: number | undefined,
  budget: Budget,
): Promise<readonly string[]> {
  try {
    const { children, stat } = await readZnode(context, childrenRead, path, budget.step())
    if (version !== undefined && version !== -1 && stat.version !== version) {
      throw new KeeperError('BAD_VERSION', { path, operation: 'delete', outcome: 'rejected' })
    }
    return children
  } catch (error) {
    if (version === undefined && KeeperError.is(error, 'NO_NODE')) return []
    throw error
  }
}

/** The permission to delete belongs to the parent, so one child of each parent is enough for the check. */
async function checkPermissions(
  context: CallContext,
  root: ZnodePath,
  levels: readonly (readonly ZnodePath[])[],
  budget: Budget,
): Promise<void> {
  const oneOfEach = new Map<string, ZnodePath>([['', root]])
  for (const level of levels) {
    for (const path of level) oneOfEach.set(path.slice(0, path.lastIndexOf('/') + 1), path)
  }
  await inBatches([...oneOfEach.values()], (path) => tryDelete(context, path, budget.step()))
}

async function inBatches<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(task))
}
