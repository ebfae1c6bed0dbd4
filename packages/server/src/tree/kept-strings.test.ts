/** What is stored of a text that a client sent must not keep all of the text: a small watch would hold a megabyte. */
import { openAcl, Reader, Writer } from '@lightkeeper/protocol'
import { TextMap } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { expect, test } from 'vitest'
import { WatchTable, watchMode } from '../watch/watch-table.ts'
import { DataTree } from './data-tree.ts'

const megabyte = 1_000_000
const rounds = 30

/** A text of its own, as it comes in a request. */
function sent(text: string): string {
  const writer = new Writer(16)
  writer.ustring(text)
  return new Reader(writer.written().slice()).ustring() as string
}

test.each<[string, () => (round: number) => void, object[]]>([
  [
    'a recursive watch below the path of one that is gone',
    () => {
      const table = new WatchTable()
      const [one, other] = [1, 2].map(() => ({ watchCount: 0, watchBytes: 0 })) as [never, never]
      return (round) => {
        const path = `/a-name-that-is-not-short-${round}`
        const long = sent(`${path}/${'b'.repeat(megabyte)}`)
        table.add(long, one, watchMode.recursive)
        table.add(sent(path), other, watchMode.recursive)
        table.remove(long, one, 0)
      }
    },
    [],
  ],
  [
    'a znode whose first child had a long name',
    () => {
      const tree = new DataTree()
      let zxid = 0n
      const create = (path: string): void => {
        const header = { clientId: 1n, cxid: 1, zxid: ++zxid, time: 0n, type: 1 }
        tree.createNode(header, { path, data: null, acl: openAcl, parentCVersion: Number(zxid) }, 0n)
      }
      return (round) => {
        const path = `/a-name-that-is-not-short-${round}`
        create(sent(path))
        const long = sent(`${path}/${'b'.repeat(megabyte)}`)
        create(long)
        create(sent(`${path}/c`))
        tree.deleteNode(long, ++zxid)
      }
    },
    [],
  ],
  [
    'a long key that begins like one that is gone',
    () => {
      const map = new TextMap<number>()
      return (round) => {
        const beginning = `${round}`.padEnd(8_192, 'p')
        const long = sent(beginning + 'b'.repeat(megabyte))
        map.set(long, 1)
        map.set(sent(`${beginning}y`), 1)
        map.delete(long)
        // The last text that was asked for is kept.
        map.get(sent('z'.repeat(9_000)))
      }
    },
    [],
  ],
])('%s keeps no megabyte', (_what, begin, kept) => {
  const { memory } = nodeRuntime()
  const step = begin()
  kept.push(step)
  memory.collect()
  const before = memory.heap().used
  for (let round = 0; round < rounds; round++) step(round)
  memory.collect()
  expect((memory.heap().used - before) / megabyte).toBeLessThan(rounds / 3)
})
