/** Empties a subtree: what is deepest first, a bounded number of requests at a time, however wide or deep it is. */
import { joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Client } from '../client.ts'
import type { CallOptions } from '../options.ts'
import type { Budget } from '../request/budget.ts'

/** Requests on their way at once. */
const atOnce = 64

/** Deletes everything below `path`. Not atomic: what others create meanwhile may stay. */
export async function deleteBelow(
  client: Pick<Client, 'children' | 'delete'>,
  path: ZnodePath,
  budget: Budget,
): Promise<void> {
  /** Level by level, the deepest last. */
  const levels: ZnodePath[][] = []
  for (let level: ZnodePath[] = [path]; level.length > 0; ) {
    const below: ZnodePath[] = []
    await inBatches(level, async (parent) => {
      const names = await childrenOf(client, parent, budget.step(), parent === path)
      for (const name of names) below.push(joinPath(parent, name))
    })
    if (below.length > 0) levels.push(below)
    level = below
  }
  for (const level of levels.reverse()) {
    await inBatches(level, async (each) => {
      try {
        await client.delete(each, { ...budget.step(), idempotent: true })
      } catch (error) {
        // Gone is what was wanted; what got a child meanwhile is found again by whoever calls this again.
        if (!KeeperError.is(error, 'NO_NODE') && !KeeperError.is(error, 'NOT_EMPTY')) throw error
      }
    })
  }
}

async function childrenOf(
  client: Pick<Client, 'children'>,
  path: ZnodePath,
  options: CallOptions,
  mustExist: boolean,
): Promise<readonly string[]> {
  try {
    return (await client.children(path, options)).children
  } catch (error) {
    if (!mustExist && KeeperError.is(error, 'NO_NODE')) return []
    throw error
  }
}

async function inBatches<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(task))
}
