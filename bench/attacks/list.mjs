// @ts-check
/** The attacks, one function each: what is set up does not count, what is begun by `attack` does. All of them end by themselves. */
import { createConnection } from 'node:net'
import {
  addWatchMode,
  opCode,
  openAcl,
  writeAddWatchRequest,
  writeCreateRequest,
  writeMultiRequest,
  writePathRequest,
  writePathWatchRequest,
  writeSetDataRequest,
} from '@lightkeeper/protocol'
import { requestFrame } from '../../test/support/frames.mjs'
import { dial } from '../support/wire.mjs'

/** @typedef {Awaited<ReturnType<typeof dial>>} Client */
/** @typedef {{ name: string, setUp(port: number): Promise<() => Promise<void>> }} Attack */

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
/** Waits for a promise, but no longer than some seconds: the server may never answer. @param {Promise<unknown>} promise @param {number} [ms] */
const atMost = (promise, ms = 8_000) => Promise.race([promise.catch(() => {}), pause(ms)])
/** @param {string} path @param {boolean} [watch] @returns {(writer: import('@lightkeeper/protocol').Writer) => void} */
const at =
  (path, watch = false) =>
  (writer) =>
    writePathWatchRequest(writer, { path, watch })
/** @param {string} path @returns {(writer: import('@lightkeeper/protocol').Writer) => void} */
const set = (path) => (writer) => writeSetDataRequest(writer, { path, data: new Uint8Array(10), version: -1 })

/** Creates in multis of a thousand. @param {Client} client @param {readonly string[]} paths */
async function createAll(client, paths) {
  for (let i = 0; i < paths.length; i += 1000) {
    const operations = paths
      .slice(i, i + 1000)
      .map((path) => ({ type: opCode.create, path, data: null, acl: openAcl, flags: 0 }))
    await client.call(opCode.multi, (writer) => writeMultiRequest(writer, operations))
  }
}

/** A path of many levels, made level by level. @param {Client} client @param {number} levels */
async function createDeep(client, levels) {
  for (let from = 1; from <= levels; from += 200) {
    const calls = []
    for (let level = from; level < from + 200 && level <= levels; level++) calls.push(client.create('/d'.repeat(level)))
    await Promise.all(calls)
  }
  return '/d'.repeat(levels)
}

/**
 * Multis that fail in their last operation, for three seconds: the second client needs some hundred requests meanwhile, since the
 * p99 of twenty is the longest of them. @param {number} port @param {number} count */
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
    for (const end = performance.now() + 3_000; performance.now() < end; ) {
      await atMost(
        attacker.call(opCode.multi, (writer) => writeMultiRequest(writer, operations)),
        3_000,
      )
    }
    attacker.destroy()
  }
}

/** @type {readonly Attack[]} */
export const attacks = [
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
    name: '4 60 readers that do not read, behind a write',
    async setUp(port) {
      const client = await dial(port)
      await client.create('/b', new Uint8Array(1_000_000))
      return async () => {
        const readers = []
        for (let i = 0; i < 60; i++) {
          const reader = await dial(port)
          reader.socket.pause()
          reader.send(opCode.setData, set('/'))
          for (let j = 0; j < 60; j++) reader.send(opCode.getData, at('/b'))
          readers.push(reader)
        }
        await pause(5_000)
        for (const reader of readers) reader.destroy()
      }
    },
  },
  {
    name: '5 2,500 watches on paths of 16,384 characters',
    async setUp(port) {
      return async () => {
        const attacker = await dial(port)
        const calls = []
        for (let i = 0; i < 2_500; i++) {
          calls.push(attacker.call(opCode.exists, at(`/${'x'.repeat(16_378)}${String(i).padStart(5, '0')}`, true)))
        }
        await atMost(Promise.all(calls), 60_000)
        attacker.destroy()
        await pause(1_000)
      }
    },
  },
  {
    name: '7 20,000 identities; schemes of a megabyte',
    async setUp(port) {
      return async () => {
        const attacker = await dial(port)
        for (let i = 0; i < 20_000 && !attacker.isClosed; i++) {
          attacker.send(opCode.auth, (writer) => {
            writer.int(0)
            writer.ustring('digest')
            writer.buffer(new TextEncoder().encode(`user${i}:secret`))
          })
          if (i % 500 === 0) await pause(1)
        }
        for (let i = 0; i < 20; i++) {
          const other = await dial(port)
          other.send(opCode.auth, (writer) => {
            writer.int(0)
            writer.ustring('\u001b'.repeat(900_000))
            writer.buffer(new Uint8Array(3))
          })
          await pause(50)
          other.destroy()
        }
        await pause(1_000)
        attacker.destroy()
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
    name: 'H5 10 readers × 2,000 lists of 2,000 children',
    async setUp(port) {
      const client = await dial(port)
      await createAll(client, ['/w', ...Array.from({ length: 2_000 }, (_, i) => `/w/child-with-a-name-${i}`)])
      return async () => {
        const readers = await Promise.all(Array.from({ length: 10 }, () => dial(port)))
        for (const reader of readers) {
          reader.socket.pause()
          for (let i = 0; i < 2_000; i++) reader.send(opCode.getChildren, at('/w'))
        }
        await pause(5_000)
        for (const reader of readers) reader.destroy()
      }
    },
  },
  {
    name: 'H6 500 watchers that do not read, one writer',
    async setUp(port) {
      const client = await dial(port)
      const path = `/${'w'.repeat(1_000)}`
      await client.create(path)
      const watchers = []
      for (let i = 0; i < 500; i++) {
        const watcher = await dial(port)
        await watcher.call(opCode.addWatch, (writer) =>
          writeAddWatchRequest(writer, { path, mode: addWatchMode.persistent }),
        )
        watcher.socket.pause()
        watchers.push(watcher)
      }
      return async () => {
        for (let i = 0; i < 2_000; i++) {
          const one = client.call(opCode.setData, set(path))
          if (i % 50 === 0) await atMost(one)
        }
        await pause(1_000)
        for (const watcher of watchers) watcher.destroy()
      }
    },
  },
  {
    name: 'H3 garbage, truncated frames, wrong lengths',
    async setUp(port) {
      return async () => {
        for (let i = 0; i < 400; i++) {
          const socket = createConnection({ host: '127.0.0.1', port })
          socket.on('error', () => {})
          const bytes = requestFrame(1, 1 + (i % 120), (writer) =>
            writeCreateRequest(writer, { path: '/x', data: null, acl: openAcl, flags: i }),
          )
          for (let at = 4; at < bytes.length; at++) if ((at * 31 + i) % 7 === 0) bytes[at] = (i * at) & 0xff
          socket.write(bytes.subarray(0, 8 + (i % (bytes.length - 8))))
          await pause(5)
          socket.destroy()
        }
      }
    },
  },
]
