// @ts-check
/** Requests that are much work: for their replies, for the tree, for the length of their paths. */
import {
  addWatchMode,
  opCode,
  openAcl,
  writeAddWatchRequest,
  writeMultiRequest,
  writePathRequest,
} from '@lightkeeper/protocol'
import { dial } from '../support/wire.mjs'
import { at, atMost, createAll, createDeep, during, pause, set } from './kit.mjs'

/** Multis that fail in their last operation. @param {number} port @param {number} count */
async function rolledBack(port, count) {
  const creates = Array.from({ length: count - 1 }, (_, i) => ({
    type: opCode.create,
    path: `/m${i}`,
    data: null,
    acl: openAcl,
    flags: 0,
  }))
  const operations = [...creates, { type: opCode.check, path: '/', version: 7 }]
  return async () => {
    const attacker = await dial(port)
    await during(3_000, () => {
      const multi = attacker.call(opCode.multi, (writer) => writeMultiRequest(writer, operations))
      return atMost(multi, 3_000)
    })
    attacker.destroy()
  }
}

/** @type {readonly import('./kit.mjs').Attack[]} */
export const requests = [
  {
    name: '1 multiRead of 4,500 × 1 MB, and of 3,000',
    async setUp(port) {
      const client = await dial(port)
      await client.create('/b', new Uint8Array(1_000_000))
      return async () => {
        for (const count of [4_500, 3_000, 4_500, 3_000]) {
          const reads = Array.from({ length: count }, () => ({ type: opCode.getData, path: '/b', watch: false }))
          const attacker = await dial(port)
          await atMost(
            attacker.call(opCode.multiRead, (writer) => writeMultiRequest(writer, reads)),
            3_000,
          )
          attacker.destroy()
        }
      }
    },
  },
  {
    name: '2 count below a path of 8,000 levels',
    async setUp(port) {
      const client = await dial(port)
      await createDeep(client, 8_000)
      return async () => {
        for (let i = 0; i < 20; i++) {
          const count = client.call(opCode.getAllChildrenNumber, (writer) => writePathRequest(writer, { path: '/d' }))
          await atMost(count, 3_000)
        }
      }
    },
  },
  {
    name: '3 180 counts of 200,000 znodes in 3 KB',
    async setUp(port) {
      const client = await dial(port)
      const paths = Array.from({ length: 200_000 }, (_, i) => `/c/n${i}`)
      await createAll(client, ['/c', ...paths])
      return async () => {
        for (const path of ['/', '/c']) {
          const all = Array.from({ length: 180 }, () =>
            client.call(opCode.getAllChildrenNumber, (writer) => writePathRequest(writer, { path })),
          )
          await atMost(Promise.all(all), 20_000)
        }
      }
    },
  },
  {
    name: '3 the same behind a write, then cut',
    async setUp(port) {
      const client = await dial(port)
      const paths = Array.from({ length: 200_000 }, (_, i) => `/c/n${i}`)
      await createAll(client, ['/c', ...paths])
      return async () => {
        for (let round = 0; round < 5; round++) {
          const attacker = await dial(port)
          attacker.send(opCode.setData, set('/c'))
          for (let i = 0; i < 180; i++) attacker.send(opCode.getChildren2, at('/c'))
          await pause(200)
          attacker.destroy()
        }
        await pause(1_000)
      }
    },
  },
  {
    name: '9 sets at 8,000 levels under a recursive watch',
    async setUp(port) {
      const client = await dial(port)
      const deepest = await createDeep(client, 8_000)
      await client.call(opCode.addWatch, (writer) =>
        writeAddWatchRequest(writer, { path: '/', mode: addWatchMode.persistentRecursive }),
      )
      return async () => {
        const sets = Array.from({ length: 200 }, () => client.call(opCode.setData, set(deepest)))
        await atMost(Promise.all(sets), 30_000)
      }
    },
  },
  {
    name: '14 multi of 52,000 checks',
    async setUp(port) {
      const checks = Array.from({ length: 52_000 }, () => ({ type: opCode.check, path: '/', version: -1 }))
      return async () => {
        for (let i = 0; i < 10; i++) {
          const attacker = await dial(port)
          await atMost(
            attacker.call(opCode.multi, (writer) => writeMultiRequest(writer, checks)),
            3_000,
          )
          attacker.destroy()
        }
      }
    },
  },
  {
    name: '14 multi of 16,000 creates, rolled back',
    setUp: (port) => rolledBack(port, 16_000),
  },
  {
    name: '14 the same of 3,000, which ours allows',
    setUp: (port) => rolledBack(port, 3_000),
  },
  {
    name: 'H10 paths of a megabyte, and paths that are none',
    boundMiB: [113, 113],
    async setUp(port) {
      const long = `/${'x'.repeat(1_000_000)}`
      const deep = '/x'.repeat(500_000)
      const odd = ['//', '/a/', '/a/../b', '/a\u0000b', '/\ud800', '/\ufffe', 'a', '']
      return async () => {
        const attacker = await dial(port)
        await during(3_000, async () => {
          const calls = [long, deep].flatMap((path) => [
            attacker.create(path),
            attacker.call(opCode.exists, at(path, true)),
            attacker.call(opCode.setData, set(path)),
            attacker.call(opCode.addWatch, (writer) =>
              writeAddWatchRequest(writer, { path, mode: addWatchMode.persistentRecursive }),
            ),
          ])
          for (const path of odd) calls.push(attacker.create(path), attacker.call(opCode.getData, at(path, true)))
          await atMost(Promise.all(calls))
        })
        attacker.destroy()
        await pause(500)
      }
    },
  },
  {
    name: 'H11 lists of 200,000 children that change in between',
    async setUp(port) {
      const client = await dial(port)
      await createAll(client, ['/c', ...Array.from({ length: 200_000 }, (_, i) => `/c/n${i}`)])
      return async () => {
        const readers = await Promise.all(Array.from({ length: 4 }, () => dial(port)))
        await during(4_000, async (round) => {
          const lists = readers.map((reader) => reader.call(opCode.getChildren, at('/c')))
          await Promise.all([client.create(`/c/more${round}`), atMost(Promise.all(lists))])
        })
        for (const reader of readers) reader.destroy()
      }
    },
  },
]
