/**
 * A program has one signal for its end and passes it to every call. Node warns of a leak (MaxListenersExceededWarning) where more than
 * ten listeners are at one signal: `zk.delete('/a', { recursive: true, signal })` was enough. And no listener may stay behind.
 */
import { getEventListeners } from 'node:events'
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { cache, lock, queue } from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: RunningServer
let zk: Client
const warnings: Error[] = []
const warned = (warning: Error): void => void warnings.push(warning)
beforeAll(async () => {
  process.on('warning', warned)
  server = await startServer({ port: 0 })
  zk = await connect(server)
})
afterAll(async () => {
  process.off('warning', warned)
  await zk.close()
  await server.close()
})

const many = Array.from({ length: 100 }, (_, i) => i)
const abort = new AbortController()
const { signal } = abort
const each = <T>(call: (i: number) => Promise<T>): Promise<unknown> => Promise.all(many.map(call))

const calls: readonly (readonly [what: string, call: () => Promise<unknown>])[] = [
  ['creates', () => each((i) => zk.create(`/a/n-${i}`, 'x', { parents: true, signal }))],
  ['reads', () => each((i) => zk.get(`/a/n-${i}`, { signal }))],
  ['a tree', () => zk.tree('/a', { signal })],
  ['a copy', () => zk.copy('/a', '/b', { signal })],
  ['a move', () => zk.move('/b', '/c', { signal })],
  ['a recursive delete', () => zk.delete('/a', { recursive: true, signal })],
  ['updates', () => each((i) => zk.node(`/c/n-${i}`).update((data) => data, { signal }))],
  [
    'first sessions',
    () =>
      each(async () => {
        await using other = await connect(server, { signal })
        return other.state
      }),
  ],
  ['locks', () => each(async (i) => (await lock(zk, `/locks/${i}`).acquire({ signal })).release())],
  ['items of queues', () => each((i) => queue(zk, `/queues/${i % 3}`).put(new Uint8Array(1), { signal }))],
]

test.each(calls)('%s', async (_what, call) => {
  await call()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('streams, all at once, end when it aborts', async () => {
  const caches = await Promise.all(many.slice(0, 20).map((i) => cache(zk, `/c/n-${i}`, { signal })))
  const streams: AsyncIterable<unknown>[] = [
    ...many.map((i) => zk.watch(`/c/n-${i}` as ZnodePath, { signal })),
    ...many.map(() => zk.states({ signal })),
    ...caches.map((each_) => each_.changes({ signal })),
  ]
  const ended = streams.map(async (stream) => {
    for await (const _ of stream);
  })
  abort.abort()
  await Promise.all(ended)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await Promise.all(caches.map((each_) => each_.close()))
})

test('Node has warned of nothing', async () => {
  // A warning is reported in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
})
