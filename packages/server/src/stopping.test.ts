/** How a server stops: what it still answers, and that it takes no longer than it may. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { opCode, writePathWatchRequest } from '@lightkeeper/protocol'
import type { Disk, Log } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RawClient } from '../../../test/support/raw-client.ts'
import { type RunningServer, startServer } from './server.ts'
import { within } from './stopping.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lightkeeper-stopping-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The host's disk, whose synced writes wait from `hold` on until `release`. */
function holdableDisk(): { readonly disk: Disk; hold(): void; release(): void; readonly held: number } {
  const { disk } = nodeRuntime()
  let isHeld = false
  let waiting: (() => void)[] = []
  return {
    disk: {
      ...disk,
      async open(path, options) {
        const file = await disk.open(path, options)
        const { writeDurably } = file
        return Object.assign(file, {
          async writeDurably(position: number, chunk: Uint8Array) {
            if (isHeld) await new Promise<void>((resolve) => waiting.push(resolve))
            await writeDurably.call(file, position, chunk)
          },
        })
      },
    },
    hold() {
      isHeld = true
    },
    release() {
      isHeld = false
      for (const resolve of waiting) resolve()
      waiting = []
    },
    get held() {
      return waiting.length
    },
  }
}

async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Requests that the server has read so far, `srvr` aside. */
function receivedBy(server: RunningServer): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = createConnection(server.port, '127.0.0.1', () => socket.end('srvr'))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(Number(/^Received: (\d+)$/m.exec(answer)?.[1])))
  })
}

function refuses(server: RunningServer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(server.port, '127.0.0.1', () => socket.end())
    socket.on('error', () => resolve(true))
    socket.on('close', (hadError) => resolve(hadError))
  })
}

test('a server that stops answers the writes that it has read, accepts nobody, and keeps what it acknowledged', async () => {
  const { disk, hold, release } = holdableDisk()
  const server = await startServer({ port: 0, dataDir: folder }, { disk })
  const client = await RawClient.open(server.port)
  await client.create('/before')
  hold()
  const writes = ['/a', '/b', '/c'].map((path) => client.create(path))
  const read = client.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/c', watch: false }))
  // They are in one chunk or more; each is on its way to the disk once the server has seen it.
  await until(async () => (await receivedBy(server)) >= 5)
  const stopped = server.close()
  expect(await refuses(server)).toBe(true)
  release()
  expect((await Promise.all(writes)).map(({ err }) => err)).toEqual([0, 0, 0])
  expect((await read).err).toBe(0)
  await stopped
  await using again = await startServer({ port: 0, dataDir: folder })
  const later = await RawClient.open(again.port)
  for (const path of ['/before', '/a', '/b', '/c']) {
    const found = await later.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path, watch: false }))
    expect(found.err).toBe(0)
  }
})

test('a disk that does not answer holds a stop up for a bounded time, and the error says so', async () => {
  const held = holdableDisk()
  const lines: string[] = []
  const log: Log = (_level, message) => void lines.push(message)
  const server = await startServer({ port: 0, dataDir: folder, stopTimeout: 200 }, { disk: held.disk, log })
  const client = await RawClient.open(server.port)
  held.hold()
  client.create('/never').catch(() => {})
  await until(() => held.held > 0)
  await expect(server.close()).rejects.toThrow('the disk did not finish within 200 ms; what was acknowledged is safe')
  expect(lines).toContainEqual(expect.stringMatching(/^the server stops although some clients have not read/))
  held.release()
  await until(() => client.isClosed)
})

test('a client that does not read holds a stop up for a bounded time', async () => {
  await using server = await startServer({ port: 0, stopTimeout: 200 })
  const writer = await RawClient.open(server.port)
  await writer.create('/big', 0, new Uint8Array(1_000_000))
  const reader = await RawClient.open(server.port)
  reader.socket.pause()
  for (let i = 0; i < 100; i++) {
    reader.send(opCode.getData, (body) => writePathWatchRequest(body, { path: '/big', watch: false }))
  }
  await until(async () => (await receivedBy(server)) >= 5)
  await server.close()
  reader.socket.resume()
  await until(() => reader.isClosed)
})

test('a second close waits for the first', async () => {
  const server = await startServer({ port: 0 })
  await RawClient.open(server.port)
  let isStopped = false
  const first = server.close().then(() => {
    isStopped = true
  })
  await server.close()
  await first
  expect(isStopped).toBe(true)
})

test('waiting ends with the work, with its error, or when the time is over', async () => {
  const { clock } = nodeRuntime()
  expect(await within(clock, 60_000, Promise.resolve())).toBe(true)
  expect(await within(clock, 1, new Promise(() => {}))).toBe(false)
  await expect(within(clock, 60_000, Promise.reject(new Error('broken')))).rejects.toThrow('broken')
})
