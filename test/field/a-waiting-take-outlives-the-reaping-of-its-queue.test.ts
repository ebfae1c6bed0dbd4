/**
 * F10, a control: the server deletes the empty containers of a queue while a consumer waits; an item that is put later reaches
 * it.
 */
import { type Client, connect, text, type ZnodePath } from '@lightkeeper/client'
import { queue } from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: RunningServer
let a: Client
let b: Client
let other: Client

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1', znodeContainerCheckIntervalMs: 100 })
  const each = (): Promise<Client> => connect(server.connectString)
  ;[a, b, other] = await Promise.all([each(), each(), each()])
})
afterAll(async () => {
  await Promise.all([a, b, other].map((zk) => zk.close()))
  await server.close()
})

const jobs = (zk: Client, path: ZnodePath) => queue(zk, path, { codec: text })
const reaped = async (path: ZnodePath): Promise<void> => {
  while ((await other.find(path)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('one consumer', async () => {
  const path: ZnodePath = '/reaped/one'
  await jobs(other, path).put('first')
  await (await jobs(a, path).take()).done()
  const waiting = jobs(a, path).take()
  await reaped(path)
  await jobs(other, path).put('second')
  const item = await waiting
  expect(item.value).toBe('second')
  await item.done()
})

test('exactly one of two', async () => {
  const path: ZnodePath = '/reaped/two'
  await jobs(other, path).put('first')
  await (await jobs(a, path).take()).done()
  const taken: string[] = []
  const stop = new AbortController()
  const consumers = [a, b].map(async (zk) => {
    try {
      const item = await jobs(zk, path).take({ signal: stop.signal })
      taken.push(item.value)
      await item.done()
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
  })
  await reaped(path)
  await jobs(other, path).put('second')
  while (taken.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  // Whatever the other one does about it, it does before this is answered to it.
  await Promise.all([a.sync(), b.sync()])
  stop.abort()
  await Promise.all(consumers)
  expect(taken).toEqual(['second'])
})
