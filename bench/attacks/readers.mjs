// @ts-check
/** Clients that do not read, and clients that watch very much. */
import { addWatchMode, opCode, writeAddWatchRequest, writeSetWatches } from '@lightkeeper/protocol'
import { dial } from '../support/wire.mjs'
import { at, atMost, createAll, pause, set } from './kit.mjs'

/** @type {readonly import('./kit.mjs').Attack[]} */
export const readers = [
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
    boundMiB: [64, 121],
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
    name: 'T31 200,000 watches set again after a reconnect',
    boundMiB: [177, 177],
    async setUp(port) {
      const paths = Array.from({ length: 200_000 }, (_, i) => `/services/a-name-of-some-length-${i}`)
      return async () => {
        for (let round = 0; round < 3; round++) {
          const attacker = await dial(port)
          const calls = []
          for (let i = 0; i < paths.length; i += 2_000) {
            const existWatches = paths.slice(i, i + 2_000)
            const body = { relativeZxid: 0n, dataWatches: [], existWatches, childWatches: [] }
            calls.push(attacker.call(opCode.setWatches, (writer) => writeSetWatches(writer, body)))
          }
          await atMost(Promise.all(calls))
          attacker.destroy()
          await pause(300)
        }
      }
    },
  },
]
