/** How much is below each znode of a subtree: the sums of `du`. */
import type { ZnodePath } from '@lightkeeper/client'
import type { WalkedZnode } from './walk.ts'

export interface SubtreeUsage {
  /** The root of the subtree. */
  readonly path: ZnodePath
  /** How far it is below the root of the walk, which has 0. */
  readonly depth: number
  /** Itself included. */
  readonly znodes: number
  /** The sum of the data, its own included. */
  readonly bytes: number
}

interface Sum {
  readonly path: ZnodePath
  readonly depth: number
  znodes: number
  bytes: number
}

/**
 * The sums of znodes that are at most `depthMax` below the root of the walk, each behind all of what it contains. The znodes come
 * parents first, as `walkSubtree` gives them.
 */
export async function* usageOf(
  znodes: AsyncIterable<WalkedZnode>,
  depthMax = Number.POSITIVE_INFINITY,
): AsyncGenerator<SubtreeUsage, void, void> {
  // The znodes from the root of the walk down to the last one that came.
  const open: Sum[] = []
  const close = function* (depth: number): Generator<SubtreeUsage, void, void> {
    while (open.length > depth) {
      const done = open.pop() as Sum
      const parent = open.at(-1)
      if (parent !== undefined) {
        parent.znodes += done.znodes
        parent.bytes += done.bytes
      }
      if (done.depth <= depthMax) yield done
    }
  }
  for await (const { path, depth, stat } of znodes) {
    yield* close(depth)
    open.push({ path, depth, znodes: 1, bytes: stat.dataLength })
  }
  yield* close(0)
}
