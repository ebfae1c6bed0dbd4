/**
 * F07 and its kind: whatever refuses a recipe (a chroot nobody made, an ACL, a quota, anything that looks like a lost race), each call
 * rejects with that, after few requests.
 */
import { type Client, connect, KeeperError, text, type ZnodePath } from '@lightkeeper/client'
import {
  barrier,
  configuration,
  counter,
  delayQueue,
  discovery,
  doubleBarrier,
  election,
  group,
  lock,
  masterElection,
  multiLock,
  partitioner,
  persistentNode,
  priorityQueue,
  queue,
  readWriteLock,
  semaphore,
  sharedValue,
} from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RefusingProxy, refusingProxy } from '../support/refusing.ts'

/** In all, those of the clean-up behind a call included. */
const requestsMax = 50
const codes = ['NO_NODE', 'NO_AUTH', 'NODE_EXISTS', 'NOT_EMPTY', 'BAD_VERSION', 'QUOTA_EXCEEDED'] as const

type Row = readonly [string, (zk: Client, path: ZnodePath) => Promise<unknown>]

/** Calls that write first of all, by recipe. */
const rows: readonly Row[] = [
  ['lock.acquire', (zk, path) => lock(zk, path).acquire()],
  ['lock.tryAcquire', (zk, path) => lock(zk, path).tryAcquire()],
  ['lock.acquire, kazoo', (zk, path) => lock(zk, path, { names: 'kazoo' }).acquire()],
  ['readWriteLock.read.acquire', (zk, path) => readWriteLock(zk, path).read.acquire()],
  ['readWriteLock.write.tryAcquire', (zk, path) => readWriteLock(zk, path).write.tryAcquire()],
  ['semaphore.acquire', (zk, path) => semaphore(zk, path, { leases: 2 }).acquire()],
  ['semaphore.tryAcquire', (zk, path) => semaphore(zk, path, { leases: 2 }).tryAcquire()],
  ['semaphore.acquire, kazoo', (zk, path) => semaphore(zk, path, { leases: 2, names: 'kazoo' }).acquire()],
  ['multiLock.acquire', (zk, path) => multiLock(zk, [path, `${path}-two`]).acquire()],
  ['election.terms', (zk, path) => election(zk, path).terms().next()],
  ['masterElection.terms', (zk, path) => masterElection(zk, path).terms().next()],
  ['group.join', (zk, path) => group(zk, path).join('a')],
  ['group.join, kazooParty', (zk, path) => group(zk, path, { layout: 'kazooParty' }).join('a')],
  ['persistentNode', (zk, path) => persistentNode(zk, `${path}/x/y`, 'v')],
  ['persistentNode, persistent', (zk, path) => persistentNode(zk, `${path}/x/y`, 'v', { mode: 'persistent' })],
  ['discovery.register', (zk, path) => discovery(zk, path).register({ name: 'web', address: '10.0.0.1', port: 1 })],
  [
    'discovery.register, dubbo',
    (zk, path) => discovery(zk, path, { format: 'dubbo' }).register({ name: 'web', address: '10.0.0.1', port: 1 }),
  ],
  ['barrier.set', (zk, path) => barrier(zk, path).set()],
  ['doubleBarrier.enter', (zk, path) => doubleBarrier(zk, path, { count: 1 }).enter()],
  ['counter.increment', (zk, path) => counter(zk, path).increment()],
  ['counter.set', (zk, path) => counter(zk, path, { format: 'int32' }).set(7)],
  ['counter.compareAndSet', (zk, path) => counter(zk, path).compareAndSet(0n, 1n)],
  ['queue.put', (zk, path) => queue(zk, path, { codec: text }).put('a')],
  ['queue.take', (zk, path) => queue(zk, path).take()],
  ['priorityQueue.put', (zk, path) => priorityQueue(zk, path, { codec: text }).put('a', 3)],
  ['delayQueue.put', (zk, path) => delayQueue(zk, path, { codec: text }).put('a', { delay: 1 })],
  ['partitioner', (zk, path) => partitioner(zk, path, { items: ['a'], work: async () => {} })],
  ['sharedValue, seed', (zk, path) => sharedValue(zk, path, text, { seed: 'a' })],
  [
    'sharedValue.set',
    async (zk, path) => {
      await using value = await sharedValue(zk, path, text)
      return await value.set('a')
    },
  ],
  [
    'sharedValue.update',
    async (zk, path) => {
      await using value = await sharedValue(zk, path, text)
      return await value.update(() => 'a', { timeout: 3_000 })
    },
  ],
  [
    'configuration.update',
    async (zk, path) => {
      await using current = await configuration(zk, path, text, { fallback: 'none' })
      return await current.update(() => 'a', { timeout: 3_000 })
    },
  ],
  [
    'configuration.set',
    async (zk, path) => {
      await using current = await configuration(zk, path, text, { fallback: 'none' })
      return await current.set('a')
    },
  ],
]

/** Calls on something that was had before the refusals began: they settle, since a way out never rejects. */
const endings: readonly (readonly [string, (zk: Client, path: ZnodePath) => Promise<() => Promise<unknown>>])[] = [
  ['lock, release', async (zk, path) => bind(await lock(zk, path).acquire(), 'release')],
  ['semaphore, release', async (zk, path) => bind(await semaphore(zk, path, { leases: 1 }).acquire(), 'release')],
  ['election, resign', async (zk, path) => bind((await election(zk, path).terms().next()).value, 'resign')],
  ['masterElection, resign', async (zk, path) => bind((await masterElection(zk, path).terms().next()).value, 'resign')],
  ['group, close', async (zk, path) => bind(await group(zk, path).join('a'), 'close')],
  [
    'registration, close',
    async (zk, path) => bind(await discovery(zk, path).register({ name: 'web', address: 'a', port: 1 }), 'close'),
  ],
  [
    'partitioner, close',
    async (zk, path) => bind(await partitioner(zk, path, { items: [], work: async () => {} }), 'close'),
  ],
  [
    'doubleBarrier, withdraw',
    async (zk, path) => bind(await doubleBarrier(zk, path, { count: 1 }).enter(), 'withdraw'),
  ],
  ['queue item, release', async (zk, path) => bind(await itemOf(zk, path), 'release')],
]
/** Those that reject. */
const changes: typeof endings = [
  ['persistentNode.set', async (zk, path) => bind(await persistentNode(zk, path, 'v'), 'set', 'w')],
  [
    'registration.update',
    async (zk, path) =>
      bind(await discovery(zk, path).register({ name: 'web', address: 'a', port: 1 }), 'update', { weight: 3 }),
  ],
  [
    'doubleBarrier.leave',
    async (zk, path) => bind(await doubleBarrier(zk, path, { count: 1 }).enter(), 'leave', { timeout: 1_000 }),
  ],
  [
    'barrier.remove',
    async (zk, path) => {
      await barrier(zk, path).set()
      return bind(barrier(zk, path), 'remove')
    },
  ],
  [
    'lock.revoke',
    async (zk, path) => {
      await lock(zk, path).acquire()
      return bind(lock(zk, path), 'revoke')
    },
  ],
]

function bind<T extends object>(
  target: T | undefined | void,
  way: keyof T,
  ...args: unknown[]
): () => Promise<unknown> {
  return () => (target as Record<keyof T, (...own: unknown[]) => Promise<unknown>>)[way](...args)
}

async function itemOf(zk: Client, path: ZnodePath) {
  const jobs = queue(zk, path, { codec: text })
  await jobs.put('a')
  return jobs.take()
}

let server: RunningServer
let refusing: RefusingProxy
let zk: Client
let count = 0

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  refusing = await refusingProxy(server.port)
})
afterAll(async () => {
  await refusing[Symbol.asyncDispose]()
  await server.close()
})

async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(new Error('it goes on and on')), 20_000)
  })
  try {
    return await Promise.race([
      work.then(
        (value) => new Error(`it resolved with ${String(value)}`),
        (error: unknown) => error,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

describe.each(codes)('where every write is refused with %s', (code) => {
  beforeEach(async () => {
    refusing.reset(undefined)
    zk = await connect(refusing.connectString, { sessionTimeout: 30_000 })
  })
  afterEach(async () => {
    refusing.reset(undefined)
    await zk.close()
  })

  test.each(rows)('%s rejects with it', async (name, call) => {
    refusing.reset(code)
    const refusal = await refusalOf(call(zk, `/refused/${++count}`))
    // A znode that is there is what these want, or somebody else's, whose end is waited for: they never take it for a failure.
    const isFine = code === 'NODE_EXISTS' && ['barrier.set', 'sharedValue, seed'].includes(name)
    // No server says for long that a znode exists, and that it is not there: an update ends by its time then.
    const expected = code === 'NODE_EXISTS' && name.endsWith('.update') ? 'TIMEOUT' : code
    if (isFine) expect(String(refusal)).toContain('it resolved')
    else expect(String(refusal)).toContain(expected)
    if (!isFine) expect(KeeperError.is(refusal, expected)).toBe(true)
    expect(refusing.requests).toBeLessThan(requestsMax)
  })

  test.each(endings)('%s says that it is left behind, or that it is gone', async (_, make) => {
    const way = await make(zk, `/refused/${++count}`)
    refusing.reset(code)
    const left = await way()
    // What a server says is not there is gone.
    if (code === 'NO_NODE') expect(left).toBeUndefined()
    else if (left !== undefined) expect(KeeperError.is(left, code)).toBe(true)
    expect(refusing.requests).toBeLessThan(requestsMax)
  })

  test.each(changes)('%s rejects with it', async (name, make) => {
    const way = await make(zk, `/refused/${++count}`)
    refusing.reset(code)
    const refusal = await refusalOf(way())
    // What is to be gone, and is not there, is as it should be.
    const isFine = code === 'NO_NODE' && ['doubleBarrier.leave', 'barrier.remove', 'lock.revoke'].includes(name)
    if (!isFine) expect(String(refusal)).toContain(code)
    expect(refusing.requests).toBeLessThan(requestsMax)
  })
})

describe('below a chroot that does not exist', () => {
  test.each(rows)('%s rejects and says so', async (_, call) => {
    refusing.reset(undefined)
    await using below = await connect(`${refusing.connectString}/not-there`)
    refusing.reset(undefined)
    const refusal = await refusalOf(call(below, '/x'))
    expect(String(refusal)).toContain('NO_NODE: the chroot does not exist')
    expect(KeeperError.is(refusal, 'NO_NODE')).toBe(true)
    expect(refusing.requests).toBeLessThan(requestsMax)
  })

  test('and what it does at the root of the chroot rejects as well', async () => {
    await using below = await connect(`${refusing.connectString}/not-there`)
    refusing.reset(undefined)
    for (const work of [group(below, '/').join('a'), persistentNode(below, '/x', ''), lock(below, '/').acquire()])
      expect(String(await refusalOf(work))).toContain('the chroot does not exist')
    expect(refusing.requests).toBeLessThan(requestsMax)
  })
})
