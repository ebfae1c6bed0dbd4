/**
 * The image of a tree as a leader sends it to a member that lacks too much: a slice of znodes, then a turn for all other work, then the
 * next slice. It includes everything up to a zxid and some later changes; the transactions behind it make it whole.
 */
import { imageEndMark } from '@lightkeeper/protocol'
import type { DataTree } from '../tree/data-tree.ts'
import { TreeWalk } from '../tree/tree-walk.ts'
import { ImageEncoder } from './image.ts'

/**
 * Begins an image of `tree`, whose last transaction is at least `zxid`. Iterate it from its beginning on, or the tree reports to it for
 * ever. `pause` resolves when other work has had its turn.
 */
export function imageOf(
  tree: DataTree,
  zxid: bigint,
  sliceZnodes: number,
  pause: () => Promise<void>,
): AsyncIterable<Uint8Array> {
  const encoder = new ImageEncoder()
  // The table of lists must include the list of every znode that the walk will show: nothing is applied between the two.
  const walk = new TreeWalk(tree, zxid)
  encoder.begin(tree.sessions, walk.lists)
  return piecesOf(encoder, walk, sliceZnodes, pause)
}

async function* piecesOf(
  encoder: ImageEncoder,
  walk: TreeWalk,
  sliceZnodes: number,
  pause: () => Promise<void>,
): AsyncGenerator<Uint8Array, undefined> {
  try {
    const slices = encoder.znodes(walk, sliceZnodes)
    while (!slices.next().done) {
      yield encoder.take()
      await pause()
    }
    encoder.end()
    yield encoder.take()
    yield imageEndMark
  } finally {
    walk.end()
  }
}
