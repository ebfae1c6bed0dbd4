/** The pictures of docs/guide/pictures.md are what the recipes make: each scene is played, and its tree is compared. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect, json, text } from '@lightkeeper/client'
import {
  barrier,
  configuration,
  counter,
  discovery,
  doubleBarrier,
  election,
  group,
  lock,
  masterElection,
  partitioner,
  persistentNode,
  queue,
  readWriteLock,
  semaphore,
  sharedValue,
} from '@lightkeeper/recipes'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { kindOf, PastDirectory, treeAt } from '@lightkeeper/tools'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const page = readFileSync(fileURLToPath(new URL('../../docs/guide/pictures.md', import.meta.url)), 'utf8')

/** The pictures by the heading above them, without remarks. */
const pictures = new Map<string, string[][]>()
for (const [, heading = '', rest = ''] of page.matchAll(/^## ([^\n]*)\n(.*?)(?=^## |(?![^]))/gms)) {
  const blocks = [...rest.matchAll(/^```text\n(.*?)^```$/gms)].map(([, block = '']) => block.trimEnd().split('\n'))
  pictures.set(
    heading,
    blocks.map((lines) => lines.map((line) => line.replace(/ *←.*/, '').replaceAll(/ {2,}(?=[a-z]+$)/g, '  '))),
  )
}

const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-pictures-'))
let server: RunningServer
let a: Client
let b: Client
let c: Client

beforeAll(async () => {
  server = await startServer({ port: 0, dataDir, forceSync: false, preAllocSize: 64 })
  ;[a, b, c] = await Promise.all([connect(server), connect(server), connect(server)])
})
afterAll(async () => {
  await Promise.all([a, b, c].map((each) => each.close()))
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
})

/** A picture of the tree at and below `path`: what is random has the same name in all of them. */
async function drawn(path: string): Promise<string[]> {
  const past = await PastDirectory.open(nodeRuntime().disk, dataDir)
  const { nodes } = await treeAt(past, path)
  const paths = [...nodes.keys()]
  const named = (name: string): string =>
    name.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID').replaceAll(/[0-9a-f]{32}/g, 'HEX')
  const byNumber = (x: string, y: string): number => (named(x) < named(y) ? -1 : 1)
  const below = (parent: string, margin: string): string[] => {
    const children = paths.filter((each) => each.slice(0, each.lastIndexOf('/')) === parent).sort(byNumber)
    return children.flatMap((each, i) => {
      const isLast = i === children.length - 1
      return [
        `${margin}${isLast ? '└── ' : '├── '}${line(each, each.slice(parent.length + 1))}`,
        ...below(each, `${margin}${isLast ? '    ' : '│   '}`),
      ]
    })
  }
  const line = (each: string, name: string): string => {
    const node = nodes.get(each)
    return `${named(name)}  ${node === undefined ? 'missing' : kindOf(node.ephemeralOwner)}`
  }
  return [line(path, path), ...below(path, '')]
}

/** What a scene leaves open. */
type End = () => unknown
const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

const scenes: Readonly<Record<string, () => Promise<End>>> = {
  async Lock() {
    const held = await lock(a, '/locks/report').acquire()
    const waiting = lock(b, '/locks/report').acquire()
    return async () => {
      await held.release()
      await (await waiting).release()
    }
  },
  async 'Read-write lock'() {
    const first = await readWriteLock(a, '/locks/catalog').read.acquire()
    const second = await readWriteLock(b, '/locks/catalog').read.acquire()
    const writer = readWriteLock(c, '/locks/catalog').write.acquire()
    return async () => {
      await Promise.all([first.release(), second.release()])
      await (await writer).release()
    }
  },
  async Semaphore() {
    const first = await semaphore(a, '/licences', { leases: 2 }).acquire()
    const second = await semaphore(b, '/licences', { leases: 2 }).acquire()
    const third = semaphore(c, '/licences', { leases: 2 }).acquire()
    return async () => {
      await Promise.all([first.release(), second.release()])
      await (await third).release()
    }
  },
  async Election() {
    const leading = election(a, '/leaders/scheduler', { id: 'a' }).terms()
    await leading.next()
    const stop = new AbortController()
    const waiting = election(b, '/leaders/scheduler', { id: 'b' }).terms({ signal: stop.signal })
    const next = waiting.next()
    return async () => {
      stop.abort()
      await next
      await leading.return()
    }
  },
  async 'Classic election'() {
    const terms = masterElection(a, '/masters/job', { id: 'a' }).terms()
    await terms.next()
    return () => terms.return()
  },
  async 'Service discovery'() {
    const services = discovery(a)
    const own = [
      await services.register({ name: 'users', address: '10.0.0.7', port: 8080 }),
      await services.register({ name: 'users', address: '10.0.0.8', port: 8080 }),
      await services.register({ name: 'mail', address: '10.0.0.9', port: 25 }),
    ]
    return () => Promise.all(own.map((each) => each.close()))
  },
  async Group() {
    const own = [await group(a, '/cluster').join('node-7'), await group(b, '/cluster').join('node-8')]
    return () => Promise.all(own.map((each) => each.close()))
  },
  async Counter() {
    const visits = counter(a, '/visits')
    await visits.increment()
    // Goes on counting, since the mark goes a second after the last change.
    let isOver = false
    const counting = (async () => {
      while (!isOver) await visits.increment()
    })()
    return () => {
      isOver = true
      return counting
    }
  },
  async Queue() {
    const jobs = queue(a, '/jobs', { codec: text })
    for (const each of ['x', 'y', 'z']) await jobs.put(each)
    const items = jobs.items()
    const { value: item } = await items.next()
    return async () => {
      await item?.done()
      await items.return()
    }
  },
  async Barrier() {
    await barrier(a, '/maintenance').set()
    return () => barrier(a, '/maintenance').remove()
  },
  async 'Double barrier'() {
    const stop = new AbortController()
    const inside = [a, b].map((each) => doubleBarrier(each, '/phase', { count: 3 }).enter({ signal: stop.signal }))
    return async () => {
      stop.abort()
      await Promise.allSettled(inside)
    }
  },
  async Partitioner() {
    const options = { items: ['a', 'b', 'c', 'd'], work: (_item: string, signal: AbortSignal) => until(signal) }
    const own = [
      await partitioner(a, '/shards', { ...options, identifier: 'first' }),
      await partitioner(b, '/shards', { ...options, identifier: 'second' }),
    ]
    return () => Promise.all(own.map((each) => each.close()))
  },
  async 'One znode each'() {
    await a.ensure('/small')
    const limit = await sharedValue(a, '/small/limit', json<number>(), { seed: 100 })
    const online = await persistentNode(a, '/small/online', '')
    await a.create('/small/pool', '{}')
    const pool = await configuration(a, '/small/pool', json())
    return () => Promise.all([limit.close(), online.close(), pool.close()])
  },
}

test('every picture has its scene, and every scene its picture', () => {
  expect([...pictures.keys()]).toEqual(Object.keys(scenes))
  for (const blocks of pictures.values()) expect(blocks.length).toBeGreaterThan(0)
})

test.each([...pictures])('%s: the znodes are those of the picture', async (heading, blocks) => {
  const end = await scenes[heading]?.()
  for (const block of blocks) {
    const path = block[0]?.split(' ')[0] ?? ''
    await vi.waitFor(async () => expect(await drawn(path)).toEqual(block), { timeout: 10_000, interval: 20 })
  }
  await end?.()
})
