import type { Disk, DiskFile } from '@lightkeeper/runtime'
import { SeededRandom } from '@lightkeeper/testing/sim'
import { expect, test } from 'vitest'
import { DataTree } from '../tree/data-tree.ts'
import type { Txn } from '../tree/txn.ts'
import { writeSnapshot } from './snapshot-writer.ts'

/** Znodes that cannot be packed small. */
function filledTree(): DataTree {
  const tree = new DataTree()
  const random = new SeededRandom(1)
  for (let i = 1; i <= 200; i++) {
    const data = random.bytes(8_000)
    const txn: Txn = { type: 1, path: `/n${i}`, data, acl: null, ephemeral: false, parentCVersion: i }
    tree.apply({ clientId: 1n, cxid: 1, zxid: BigInt(i), time: 1n, type: txn.type }, txn)
  }
  return tree
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

// A descriptor that is closed too early may be that of another file by then.
test.each(['none', 'gz', 'snappy'] as const)(
  'a snapshot that is given up leaves its file when nothing is written to it any more: %s',
  async (compression) => {
    const tree = filledTree()
    for (let givenUpAt = 1; givenUpAt <= 10; givenUpAt++) {
      const events: string[] = []
      const file: Partial<DiskFile> = {
        truncate: async () => {},
        async write() {
          events.push('write')
          await turns(3)
          events.push('written')
        },
        async close() {
          events.push('close')
        },
      }
      const disk: Partial<Disk> = { open: async () => file as DiskFile, remove: async () => {} }
      let pauses = 0
      const snapshot = writeSnapshot(tree, {
        disk: disk as Disk,
        directory: '/data',
        compression,
        withDigest: true,
        sliceZnodes: 2,
        appliedZxid: () => 200n,
        async pause() {
          if (++pauses === givenUpAt) throw new Error('the server stopped')
        },
      })
      await expect(snapshot).rejects.toThrow('the server stopped')
      // What is packed already would come now.
      await turns(50)
      expect(events.at(-1)).toBe('close')
      expect(events.filter((each) => each === 'write').length).toBe(events.filter((each) => each === 'written').length)
    }
  },
)
