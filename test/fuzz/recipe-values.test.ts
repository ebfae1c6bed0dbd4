/**
 * Values from users at every function of the recipes and every method of what they give: whatever comes, a call gives a value, or
 * throws or rejects with TypeError, RangeError, KeeperError or what the user's own code threw; and nobody else feels it.
 */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import * as recipes from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostile, Mine } from '../support/hostile.ts'
import { fuzzParameters } from './parameters.ts'

let server: RunningServer
let zk: Client
let other: Client

interface Call {
  readonly name: string
  readonly call: (...args: never[]) => unknown
  /** Arguments with which it does something; one of them, or a part of it, is replaced. */
  readonly args: readonly unknown[]
}

const calls: Call[] = []
const add = (name: string, target: object | undefined, args: readonly unknown[]): void => {
  const method = name.slice(name.lastIndexOf('.') + 1) as keyof typeof target
  const call = target === undefined ? (recipes as Record<string, unknown>)[name] : target[method]
  if (typeof call !== 'function') throw new Error(`${name} is no function`)
  calls.push({ name, call: (call as (...own: never[]) => unknown).bind(target), args })
}

const soon = { timeout: 50 }
/** What recipes make, and programs only look at. */
const notCalled = new Set(['EndedError'])

async function prepare(): Promise<void> {
  const base = '/values'
  await zk.create(base, '', { parents: true })
  const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
  add('lock', undefined, [zk, `${base}/lock`, { names: 'curator', data: 'a', acl }])
  add('readWriteLock', undefined, [zk, `${base}/rw`, { names: 'kazoo', data: 'a', acl }])
  add('semaphore', undefined, [zk, `${base}/semaphore`, { leases: 3, names: 'curator', data: 'a', acl }])
  add('multiLock', undefined, [zk, [`${base}/m1`, `${base}/m2`]])
  const lockables = {
    lock: recipes.lock(zk, `${base}/lock`),
    'readWriteLock.read': recipes.readWriteLock(zk, `${base}/rw`).read,
    semaphore: recipes.semaphore(zk, `${base}/semaphore`, { leases: 100_000 }),
  }
  for (const [name, each] of Object.entries(lockables)) {
    add(`${name}.acquire`, each, [soon])
    add(`${name}.tryAcquire`, each, [soon])
    add(`${name}.holders`, each, [soon])
    add(`${name}.waiting`, each, [soon])
    add(`${name}.revoke`, each, [soon])
  }
  const multi = recipes.multiLock(zk, [`${base}/m1`, `${base}/m2`])
  add('multiLock.acquire', multi, [soon])
  add('multiLock.tryAcquire', multi, [soon])
  const held = await recipes.lock(zk, `${base}/held`).acquire()
  add('held.release', held, [soon])

  add('election', undefined, [zk, `${base}/election`, { id: 'a', priority: 3, names: 'curator', acl }])
  add('masterElection', undefined, [zk, `${base}/master`, { id: 'a', acl }])
  for (const [name, each] of [
    ['election', recipes.election(zk, `${base}/election`)],
    ['masterElection', recipes.masterElection(zk, `${base}/master`)],
  ] as const) {
    add(`${name}.terms`, each, [{}])
    add(`${name}.leader`, each, [soon])
    add(`${name}.watchLeader`, each, [{}])
    add(`${name}.candidates`, each, [soon])
  }

  add('group', undefined, [zk, `${base}/group`, { layout: 'curator' }])
  const group = recipes.group(zk, `${base}/group`)
  add('group.join', group, ['me', { data: 'a', acl, ...soon }])
  add('group.members', group, [soon])
  add('group.follow', group, [{}])
  add('persistentNode', undefined, [zk, `${base}/node`, 'v', { mode: 'ephemeral', parents: 'container', acl, ...soon }])
  const node = await recipes.persistentNode(zk, `${base}/kept`, 'v')
  add('persistentNode.set', node, ['w', soon])
  add('persistentNode.settled', node, [soon])
  add('persistentNode.onState', node, [() => {}])

  add('discovery', undefined, [zk, `${base}/services`, { format: 'curator' }])
  for (const format of ['curator', 'dubbo'] as const) {
    const services = recipes.discovery(zk, `${base}/services-${format}`, { format })
    const instance = {
      name: 'web',
      id: 'a',
      address: '10.0.0.1',
      port: 1,
      weight: 2,
      zone: 'z',
      metadata: { a: 'b' },
      enabled: true,
    }
    add('discovery.register', services, [instance, { acl, ...soon }])
    add('discovery.names', services, [soon])
    add('discovery.instances', services, ['web', soon])
    const strategies = {
      strategy: recipes.random,
      zone: 'z',
      outliers: { failures: 2, within: 3, out: 4, shareMax: 0.5 },
    }
    add('discovery.resolve', services, ['web', strategies])
    const registration = await services.register({ name: 'api', address: '10.0.0.1', port: 1 })
    add('registration.update', registration, [{ weight: 3, metadata: { a: 'b' }, zone: 'y', enabled: true }, soon])
    add('registration.drain', registration, [soon])
    const resolver = await services.resolve('api')
    add('resolver.pick', resolver, ['key'])
    add('resolver.acquire', resolver, ['key'])
    add('resolver.down', resolver, [registration.instance])
    add('resolver.up', resolver, [registration.instance])
    add('resolver.changes', resolver, [{}])
  }
  add('zoneFirst', undefined, ['z', recipes.weighted])
  add('assign', undefined, [['a'], ['m'], new Map([['a', 'm']])])

  add('barrier', undefined, [zk, `${base}/barrier`])
  const barrier = recipes.barrier(zk, `${base}/barrier`)
  add('barrier.set', recipes.barrier(zk, `${base}/barrier-up`), [soon])
  add('barrier.remove', recipes.barrier(zk, `${base}/barrier-down`), [soon])
  add('barrier.wait', barrier, [soon])
  add('doubleBarrier', undefined, [zk, `${base}/double`, { count: 1, identifier: 'a' }])
  add('doubleBarrier.enter', recipes.doubleBarrier(zk, `${base}/double`, { count: 1 }), [soon])

  add('counter', undefined, [zk, `${base}/counter`, { format: 'int64', initial: 3n }])
  for (const [format, one] of [
    ['int32', 1],
    ['int64', 1n],
    ['decimal', 1],
  ] as const) {
    const count = recipes.counter(zk, `${base}/counter-${format}`, { format })
    add('counter.get', count, [soon])
    add('counter.add', count, [one, soon])
    add('counter.increment', count, [soon])
    add('counter.decrement', count, [soon])
    add('counter.set', count, [one, soon])
    add('counter.compareAndSet', count, [one, one, soon])
    add('counter.update', count, [(value: unknown) => value, soon])
  }

  const queueOptions = { claims: `${base}/claims`, identifier: 'a', itemsMax: 10_000_000, onUnreadable: () => 'drop' }
  for (const name of ['queue', 'priorityQueue', 'delayQueue'] as const)
    add(name, undefined, [zk, `${base}/${name}`, queueOptions])
  const value = new Uint8Array(2)
  const queue = recipes.queue(zk, `${base}/queue`)
  add('queue.put', queue, [value, soon])
  add('queue.take', queue, [soon])
  add('queue.items', queue, [{}])
  add('queue.length', queue, [soon])
  add('priorityQueue.put', recipes.priorityQueue(zk, `${base}/priority`), [value, 3, soon])
  add('delayQueue.put', recipes.delayQueue(zk, `${base}/delay`), [value, { delay: 1 }, soon])
  await queue.put(value)
  const item = await queue.take()
  add('queue item.done', item, [soon])
  add('queue item.requeue', item, [soon])
  add('queue item.release', item, [soon])

  const work = { items: ['a'], work: async () => {}, identifier: 'a', onError: () => {}, ...soon }
  add('partitioner', undefined, [zk, `${base}/partitioner`, work])

  add('cache', undefined, [zk, base, { recursive: false, auditInterval: 1000, ...soon }])
  const cache = await recipes.cache(zk, `${base}/kept`)
  add('cache.get', cache, [`${base}/kept`])
  add('cache.children', cache, [`${base}/kept`])
  add('cache.changes', cache, [{}])
  add('cache.atLeast', cache, [1n, soon])
  add('cache.set', cache, [`${base}/absent`, value, { version: 1, idempotent: true, ...soon }])
  const bytes = { encode: (own: Uint8Array) => own, decode: (own: Uint8Array) => own }
  add('sharedValue', undefined, [zk, `${base}/shared`, bytes, { seed: value, ...soon }])
  const shared = await recipes.sharedValue(zk, `${base}/shared`)
  add('sharedValue.set', shared, [value, soon])
  add('sharedValue.trySet', shared, [value, soon])
  add('sharedValue.update', shared, [() => value, soon])
  add('sharedValue.changes', shared, [{}])
  add('configuration', undefined, [zk, `${base}/configuration`, bytes, { fallback: value, ...soon }])
  const configuration = await recipes.configuration(zk, `${base}/configuration`, bytes, { fallback: value })
  add('configuration.set', configuration, [value, soon])
  add('configuration.update', configuration, [() => value, soon])
  add('configuration.changes', configuration, [{}])
}

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  ;[zk, other] = await Promise.all([connect(server.connectString), connect(server.connectString)])
  await prepare()
})
afterAll(async () => {
  await Promise.all([zk.close(), other.close()])
  await server.close()
})

test('every function of the package is among the calls', () => {
  const named = new Set(calls.map(({ name }) => name.split('.')[0]))
  const strategies = ['random', 'weighted', 'roundRobin', 'sticky', 'leastOutstanding', 'consistentHash']
  const missing = Object.entries(recipes)
    .filter(([name, value]) => typeof value === 'function' && !strategies.includes(name) && !notCalled.has(name))
    .filter(([name]) => !named.has(name))
  expect(missing).toEqual([])
})

/** Replaces one argument, or one property of it. */
function spoil(args: readonly unknown[], where: number, part: number, value: unknown): unknown[] {
  const spoilt = [...args]
  const at = where % args.length
  const given = args[at]
  const isPlain = typeof given === 'object' && given !== null && Object.getPrototypeOf(given) === Object.prototype
  if (!isPlain || part % 3 === 0) spoilt[at] = value
  else {
    const keys = [...Object.keys(given), 'unknown', 'timeOut']
    spoilt[at] = { ...given, [keys[part % keys.length] as string]: value }
  }
  return spoilt
}

function isDocumented(error: unknown): boolean {
  if (error instanceof Mine) return true
  // What a user's function throws, or a signal has for a reason, is the user's: it need be no error.
  return error instanceof TypeError || error instanceof RangeError || KeeperError.is(error)
}

/** Ends what a call has begun, by whatever way out it has. */
function end(result: unknown): void {
  if (typeof result !== 'object' || result === null) return
  for (const way of ['release', 'close', 'withdraw', 'return'] as const) {
    if (!(way in result)) continue
    const ended: unknown = (result as Record<string, () => unknown>)[way]?.()
    if (ended instanceof Promise) ended.catch(() => {})
    return
  }
}

const patienceMs = 100

test('whatever is given to a call, it settles as documented, and other calls go on', {
  timeout: 86_400_000,
}, async () => {
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.nat(10_000), fc.nat(8), fc.nat(50), hostile, async (which, where, part, make) => {
      const { name, call, args } = calls[which % calls.length] as Call
      let result: unknown
      try {
        result = call(...(spoil(args, where, part, make()) as never[]))
      } catch (error) {
        if (!isDocumented(error)) throw new Error(`${name} throws ${String(error)}`, { cause: error })
        return
      }
      if (result instanceof Promise) {
        let timer: NodeJS.Timeout | undefined
        const waits = new Promise((resolve) => {
          timer = setTimeout(() => resolve(undefined), patienceMs)
        })
        const settled = result.then(
          (own) => end(own),
          (error: unknown) => {
            if (!isDocumented(error)) throw new Error(`${name} rejects with ${String(error)}`, { cause: error })
          },
        )
        settled.catch(() => {})
        // What was well-formed after all may wait for somebody; its time is its own.
        await Promise.race([settled, waits])
        clearTimeout(timer)
      } else end(result)
      if (++count % 50 === 0) {
        await zk.set('/values', `${count}`)
        expect((await other.get('/values', { atLeast: zk.lastZxid })).data.length).toBeGreaterThan(0)
      }
    }),
    fuzzParameters(6_000),
  )
})
