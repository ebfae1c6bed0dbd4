/** N9 and its kind: a value of the wrong type or range is refused before anything is sent, in words that name it. */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import * as recipes from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The caller is shown below the checks.
Error.stackTraceLimit = 50

let server: RunningServer
let zk: Client

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  zk = await connect(server.connectString)
})
afterAll(async () => {
  await zk.close()
  await server.close()
})

type Method = 'register' | 'resolve' | 'instances' | 'join' | 'acquire' | 'add' | 'set' | 'update' | 'put' | 'atLeast'
type Made = { readonly [M in Method]: (...args: unknown[]) => unknown }
/** The package as a program without types sees it. */
type Loose = { readonly [K in keyof typeof recipes]: (...args: unknown[]) => Made }

const rows: readonly (readonly [string, (own: Loose) => unknown, readonly string[]])[] = [
  ['semaphore(zk, p, {})', (r) => r.semaphore(zk, '/p', {}), ['options.leases', 'whole number', 'undefined']],
  ['no leases', (r) => r.semaphore(zk, '/p', { leases: 0 }), ['options.leases', 'from 1', '0']],
  ['leases as text', (r) => r.semaphore(zk, '/p', { leases: '3' }), ['options.leases', 'the string "3"']],
  [
    'a service named a/b',
    (r) => r.discovery(zk).register({ name: 'a/b', address: 'x' }),
    ['name', 'without a slash', 'a/b'],
  ],
  ['looking up a/b', (r) => r.discovery(zk).resolve('a/b'), ['resolve', 'name', 'a/b']],
  ['listing a/b', (r) => r.discovery(zk).instances('a/b'), ['instances', 'name']],
  ['a service without a name', (r) => r.discovery(zk).register({ address: 'x' }), ['instance.name', 'undefined']],
  ['an instance without an address', (r) => r.discovery(zk).register({ name: 'web' }), ['instance.address']],
  [
    'a port out of range',
    (r) => r.discovery(zk).register({ name: 'web', address: 'x', port: 70_000 }),
    ['instance.port', '70000'],
  ],
  [
    'a port as text',
    (r) => r.discovery(zk).register({ name: 'web', address: 'x', port: '80' }),
    ['instance.port', '"80"'],
  ],
  [
    'a negative weight',
    (r) => r.discovery(zk).register({ name: 'web', address: 'x', weight: -1 }),
    ['instance.weight', '-1'],
  ],
  [
    'metadata that is no text',
    (r) => r.discovery(zk).register({ name: 'web', address: 'x', metadata: { a: 1 } }),
    ['metadata.a', '1'],
  ],
  [
    'a payload JSON cannot write',
    (r) => r.discovery(zk).register({ name: 'web', address: 'x', payload: 1n }),
    ['instance.payload', 'JSON'],
  ],
  [
    'a format nobody knows',
    (r) => r.discovery(zk, '/s', { format: 'consul' }),
    ['options.format', "'dubbo'", 'consul'],
  ],
  [
    'a strategy by name',
    (r) => r.discovery(zk).resolve('web', { strategy: 'random' }),
    ['options.strategy', 'a function'],
  ],
  ['an id with a slash', (r) => r.group(zk, '/g').join('a/b'), ['id', 'a slash']],
  ['an id of ..', (r) => r.group(zk, '/g').join('..'), ['id', '".."']],
  ['a layout nobody knows', (r) => r.group(zk, '/g', { layout: 'tooz' }), ['options.layout', 'tooz']],
  ['names nobody knows', (r) => r.lock(zk, '/l', { names: 'zkclient' }), ['options.names', "'kazoo'", 'zkclient']],
  ['an unknown option', (r) => r.lock(zk, '/l', { timeout: 3 }), ['"timeout"', 'names, data, acl']],
  ['data that is no bytes', (r) => r.lock(zk, '/l', { data: { a: 1 } }), ['options.data', '{ a }']],
  ["another client's ACL", (r) => r.lock(zk, '/l', { acl: [{ permission: 31 }] }), ['options.acl[0]', 'perms']],
  ['a timeout of 0', (r) => r.lock(zk, '/l').acquire({ timeout: 0 }), ['options.timeout', 'more than 0', '0']],
  ["a timeout of '5s'", (r) => r.lock(zk, '/l').acquire({ timeout: '5s' }), ['options.timeout', '"5s"']],
  ['a signal that is none', (r) => r.lock(zk, '/l').acquire({ signal: {} }), ['options.signal', 'AbortSignal']],
  ['no locks at all', (r) => r.multiLock(zk, []), ['locks', 'one lock at least']],
  ['one lock without a list', (r) => r.multiLock(zk, '/l'), ['locks', 'a list']],
  ['a priority of 1.5', (r) => r.election(zk, '/e', { priority: 1.5 }), ['options.priority', '1.5']],
  ['a barrier of none', (r) => r.doubleBarrier(zk, '/d', { count: 0 }), ['options.count', '0']],
  ['no options of a double barrier', (r) => r.doubleBarrier(zk, '/d'), ['options.count']],
  ['a number for an int64', (r) => r.counter(zk, '/c').add(1), ['delta', 'bigint', '1']],
  ['a bigint for an int32', (r) => r.counter(zk, '/c', { format: 'int32' }).set(1n), ['value', 'number', '1n']],
  ['more than an int32 holds', (r) => r.counter(zk, '/c', { format: 'int32' }).set(2 ** 31), ['value', '2147483648']],
  ['a change that is no function', (r) => r.counter(zk, '/c').update(1n), ['change', 'a function']],
  [
    'a priority out of range',
    (r) => r.priorityQueue(zk, '/q').put(new Uint8Array(), 2 ** 31),
    ['priority', '2147483648'],
  ],
  ['no time', (r) => r.delayQueue(zk, '/q').put(new Uint8Array(), {}), ['when', 'delay: milliseconds']],
  [
    'a time that is none',
    (r) => r.delayQueue(zk, '/q').put(new Uint8Array(), { at: new Date(Number.NaN) }),
    ['when.at'],
  ],
  ['an item that is no bytes', (r) => r.queue(zk, '/q').put({ a: 1 }), ['Uint8Array', '{ a }']],
  [
    'items that are no list',
    (r) => r.partitioner(zk, '/x', { items: 'a', work: async () => {} }),
    ['options.items', 'a list'],
  ],
  [
    'work that is no function',
    (r) => r.partitioner(zk, '/x', { items: [], work: 'w' }),
    ['options.work', 'a function'],
  ],
  ['a codec without decode', (r) => r.cache(zk, '/c', { codec: { encode() {} } }), ['options.codec', 'decode()']],
  [
    'a cache at a zxid that is a number',
    async (r) => Promise.resolve<Made>(r.cache(zk, '/')).then((own) => own.atLeast(1)),
    ['zxid', 'bigint'],
  ],
  ['no codec', (r) => r.configuration(zk, '/c'), ['codec', 'undefined']],
  [
    'a store without save',
    (r) => r.configuration(zk, '/c', { encode() {}, decode() {} }, { store: { load() {} } }),
    ['options.store', 'save()'],
  ],
  [
    'mode EPHEMERAL',
    (r) => r.persistentNode(zk, '/x', '', { mode: 'EPHEMERAL' }),
    ['options.mode', "'ephemeral'", 'EPHEMERAL'],
  ],
  ['no client', (r) => r.lock('127.0.0.1:2181', '/l'), ['zk', 'a client from connect()']],
  ['a path that is a number', (r) => r.lock(zk, 5), ['path', 'a string', '5']],
]

test.each(rows)('%s', async (_, call, words) => {
  await zk.sync()
  const before = zk.stats().requests.sent
  let error: unknown
  try {
    await call(recipes as unknown as Loose)
  } catch (thrown) {
    error = thrown
  }
  expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true)
  const { message, stack } = error as Error
  for (const word of words) expect(message).toContain(word)
  expect(stack).toContain('a-wrong-value-given-to-a-recipe')
  if (!words.includes('zxid')) expect(zk.stats().requests.sent).toBe(before)
})

test.each(['x', '', '/a/', '//', '/a/../b', '/\u0000'])('the path %j is refused as by the client', async (path) => {
  const own = recipes as unknown as Loose
  const before = zk.stats().requests.sent
  for (const make of [
    own.lock,
    own.election,
    own.group,
    own.barrier,
    own.counter,
    own.queue,
    own.cache,
    own.sharedValue,
  ]) {
    const error: unknown = await (async () => make(zk, path))().catch((thrown: unknown) => thrown)
    expect(KeeperError.is(error, 'BAD_ARGUMENTS'), `${make.name} ${String(error)}`).toBe(true)
  }
  expect(zk.stats().requests.sent).toBe(before)
})
