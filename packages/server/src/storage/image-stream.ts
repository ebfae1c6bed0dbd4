/**
 * The image of a tree as a leader sends it to a member that lacks too much: a slice of znodes, then a turn for all other work, then the
 * next slice. It includes everything up to a zxid and some later changes; the transactions behind it make it whole.
 */
import { imageEndMark, Writer } from '@lightkeeper/protocol'
import type { DataTree } from '../tree/data-tree.ts'
import { TreeWalk } from '../tree/tree-walk.ts'
import { ImageEncoder } from './image.ts'

const writerBytes = 256 * 1024

/**
 * Begins an image of `tree`, whose last transaction is at least `zxid`. Iterate it from its beginning on, or the tree reports to it for
 * ever. `pause` resolves when other work has had its turn. A piece stays as it is until the next one is asked for, and after that where
 * `isTaken` says no.
 */
export function imageOf(
  tree: DataTree,
  zxid: bigint,
  sliceZnodes: number,
  pause: () => Promise<void>,
  isTaken: () => boolean,
): AsyncIterable<Uint8Array> {
  const writer = new Writer(writerBytes)
  const encoder = new ImageEncoder(writer)
  // The table of lists must include the list of every znode that the walk will show: nothing is applied between the two.
  const walk = new TreeWalk(tree, zxid)
  encoder.begin(tree.sessions, walk.lists)
  return pieces()

  async function* pieces(): AsyncGenerator<Uint8Array, undefined> {
    try {
      const slices = encoder.znodes(walk, sliceZnodes)
      while (!slices.next().done) {
        yield writer.written()
        if (isTaken()) writer.clear()
        else writer.renew(writerBytes)
        await pause()
      }
      encoder.end()
      yield writer.written()
      yield imageEndMark
    } finally {
      walk.end()
    }
  }
}
