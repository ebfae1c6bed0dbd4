/** Functions of users in recipes: what they throw goes to the caller it belongs to, or is reported once; no loop ends over it. */
import { type Client, connect, text, type ZnodePath } from '@lightkeeper/client'
import {
  configuration,
  counter,
  discovery,
  type PersistentNodeState,
  partitioner,
  persistentNode,
  queue,
  sharedValue,
} from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

let server: RunningServer
let zk: Client
let path: ZnodePath
let count = 0
let warnings: string[] = []
const onWarning = (warning: Error): void => void warnings.push(warning.message)

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  zk = await connect(server.connectString)
})
afterAll(async () => {
  await zk.close()
  await server.close()
})
beforeEach(() => {
  path = `/callbacks/${++count}`
  warnings = []
  process.on('warning', onWarning)
})
afterEach(() => void process.off('warning', onWarning))

const boom = (): never => {
  throw new Error('boom')
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a listener of a persistent node', async () => {
  const node = await persistentNode(zk, path, 'v')
  const told: PersistentNodeState['kind'][] = []
  node.onState(boom)
  node.onState(({ kind }) => void told.push(kind))
  await zk.delete(path)
  await until(() => told.includes('present'))
  await node.set('w')
  expect((await zk.get(path)).data).toEqual(new TextEncoder().encode('w'))
  await until(() => warnings.some((each) => each.includes('boom')))
  await node.close()
})

test('isLeftover', async () => {
  await using other = await connect(server.connectString)
  await other.create(path, 'theirs', { mode: 'ephemeral', parents: true })
  await expect(persistentNode(zk, path, 'v', { isLeftover: boom })).rejects.toThrow('boom')
})

test('a change of a counter, which is no part of the changes of others', async () => {
  const one = counter(zk, path)
  const all = await Promise.allSettled([one.increment(), one.update(boom), one.increment()])
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await one.get()).toBe(2n)
  const wrong = one.update((async (value: bigint) => value) as unknown as (value: bigint) => bigint)
  await expect(wrong).rejects.toThrow('what change gives must be a bigint')
  // Nor does the rejection of such a promise reach the process.
  const late = one.update((async () => boom()) as unknown as (value: bigint) => bigint)
  await expect(late).rejects.toThrow('what change gives must be a bigint')
})

test('changes of shared values and configurations', async () => {
  await using value = await sharedValue(zk, path, text, { seed: 'a' })
  await expect(value.update(boom)).rejects.toThrow('boom')
  expect(await value.update((now) => `${now}b`)).toBe('ab')
  await using current = await configuration(zk, `${path}-c`, text, { fallback: 'a' })
  await expect(current.update(boom)).rejects.toThrow('boom')
  expect(await current.update(() => 'b')).toBe('b')
})

test('a strategy, at every pick, and none after it is well again', async () => {
  const services = discovery(zk, path)
  await using _instance = await services.register({ name: 'web', address: 'a', port: 1 })
  await expect(services.resolve('web', { strategy: boom })).rejects.toThrow('boom')
  let isIll = true
  let known = 0
  const strategy = () => ({
    update: (all: readonly unknown[]) => (isIll ? boom() : void (known = all.length)),
    pick: () => undefined,
  })
  await using resolver = await services.resolve('web', { strategy })
  expect(() => resolver.pick()).toThrow('boom')
  expect(() => resolver.pick()).toThrow('boom')
  isIll = false
  resolver.pick()
  expect(known).toBe(1)
})

test('a codec and onUnreadable of a queue', async () => {
  const broken = queue<string>(zk, path, { codec: { encode: boom, decode: boom } })
  await expect(broken.put('a')).rejects.toThrow('boom')
  await queue(zk, path, { codec: text }).put('a')
  const reading = queue<string>(zk, path, { codec: { encode: text.encode, decode: boom }, onUnreadable: boom })
  await expect(reading.take({ timeout: 5_000 })).rejects.toThrow('boom')
  // It was given back.
  const item = await queue(zk, path, { codec: text }).take()
  expect(item.value).toBe('a')
  await item.done()
})

test('work of a partitioner is tried again, and is reported to the log where there is no listener', async () => {
  let calls = 0
  const work = async (): Promise<void> => {
    if (++calls === 1) boom()
  }
  const member = await partitioner(zk, path, { items: ['a'], work })
  await until(() => calls === 2)
  expect(warnings.filter((each) => each.includes('boom'))).toHaveLength(1)
  await member.close()
})

test('onError of a partitioner', async () => {
  let calls = 0
  const work = async (): Promise<void> => {
    if (++calls === 1) throw new Error('first')
  }
  const member = await partitioner(zk, path, { items: ['a'], work, onError: boom })
  await until(() => calls === 2)
  expect(warnings.some((each) => each.includes('boom'))).toBe(true)
  await member.close()
})

test('a store that cannot save, nor load', async () => {
  const store = { load: async () => boom(), save: async () => boom() }
  await using current = await configuration(zk, path, text, { store, fallback: 'a' })
  const changes = current.changes()
  await current.set('b')
  const kinds = new Set<string>()
  for await (const change of changes) {
    kinds.add(change.kind)
    if (kinds.has('notSaved')) break
  }
  expect(current.current).toBe('b')
})

test('names of services, where one child stands for none', async () => {
  const services = discovery(zk, path, { format: 'dubbo' })
  await using _instance = await services.register({ name: 'com.a.B', address: 'a', port: 1 })
  await zk.create(`${path}/%zz`)
  expect(await services.names()).toEqual(['com.a.B'])
})
