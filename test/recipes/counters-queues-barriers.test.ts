/** Counters, values, barriers, queues, caches, partitioners and configuration over sockets, on any server. */
import {
  type Client,
  connect,
  json,
  KeeperError,
  op,
  openAcl,
  permission,
  readOnlyAcl,
  type StandardSchema,
  text,
  type ZnodePath,
} from '@lightkeeper/client'
import {
  barrier,
  type CacheChange,
  cache,
  configuration,
  counter,
  delayQueue,
  doubleBarrier,
  partitioner,
  priorityQueue,
  queue,
  sharedValue,
} from '@lightkeeper/recipes'
import { proxy } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { twoClients } from '../support/clients.ts'
import { missingTarget, type TargetServer, targetName } from '../support/target.ts'

const missing = missingTarget()
if (missing !== undefined) console.log(`counters, queues and barriers on ${targetName}: skipped, because ${missing}`)

/** The client, where `hook` runs before each call of a method. */
function before(zk: Client, method: keyof Client, hook: () => Promise<void>): Client {
  return new Proxy(zk, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (key !== method) return value.bind(target) as unknown
      return async (...args: unknown[]): Promise<unknown> => {
        await hook()
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}

const refused = (error: unknown, code: string): boolean => KeeperError.is(error) && error.code === code

describe.skipIf(missing !== undefined)(`counters, queues and barriers on ${targetName}`, () => {
  let server: TargetServer
  let zk: Client
  let other: Client
  let root: ZnodePath
  twoClients('/counting', (given) => void ({ server, a: zk, b: other, path: root } = given))

  describe('a counter', () => {
    test('adds what many ask for at once in few writes, and gives each its own sum', async () => {
      const n = counter(zk, `${root}/n`)
      const sums = await Promise.all(Array.from({ length: 500 }, () => n.increment()))
      expect(sums.map(({ after }) => after)).toEqual(sums.map((_, i) => BigInt(i + 1)))
      expect((await zk.get(`${root}/n`)).stat.version).toBeLessThan(50)
      expect(await counter(other, `${root}/n`).get({ atLeast: zk.lastZxid })).toBe(500n)
    })

    test('counts to the end though its connection is cut again and again', async () => {
      await using wire = await proxy(server.port)
      await using cut = await connect(wire.connectString, { sessionTimeout: 10_000 })
      const n = counter(cut, `${root}/n`)
      const calls: Promise<unknown>[] = []
      for (let i = 0; i < 60; i++) {
        const call = n.increment()
        calls.push(call)
        if (i % 10 === 5) wire.cut()
        if (i % 3 === 0) await call
      }
      await Promise.all(calls)
      expect(await n.get()).toBe(60n)
    })

    test('is set, compared, and starts with what is asked for', async () => {
      const n = counter(zk, `${root}/n`, { format: 'int32', initial: 10 })
      expect(await n.get()).toBe(10)
      expect(await n.compareAndSet(11, 12)).toBe(false)
      expect(await n.compareAndSet(10, 12)).toBe(true)
      expect(await n.set(2 ** 31 - 1)).toEqual({ before: 12, after: 2 ** 31 - 1 })
      await expect(n.increment()).rejects.toThrow(RangeError)
      expect(await n.decrement()).toEqual({ before: 2 ** 31 - 1, after: 2 ** 31 - 2 })
      expect(await n.update((value) => value % 10)).toMatchObject({ after: 6 })
    })

    test('refuses data that is no number, and goes on when its znode was deleted', async () => {
      await zk.create(`${root}/n`, 'text', { parents: true })
      const n = counter(zk, `${root}/n`)
      await expect(n.get()).rejects.toMatchObject({ code: 'INVALID_DATA' })
      await expect(n.increment()).rejects.toMatchObject({ code: 'INVALID_DATA' })
      await zk.delete(`${root}/n`)
      expect((await n.add(5n)).after).toBe(5n)
      await zk.delete(`${root}/n`, { recursive: true })
      expect((await n.add(7n)).after).toBe(7n)
    })

    test('gives up on a change that is not sent yet, and counts nothing for it', async () => {
      const n = counter(zk, `${root}/n`)
      const first = n.increment()
      const stop = new AbortController()
      await Promise.resolve()
      const second = n.increment({ signal: stop.signal })
      stop.abort(new Error('enough'))
      await expect(second).rejects.toThrow('enough')
      await first
      await expect(n.increment({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
      expect(await n.get()).toBe(1n)
    })
  })

  test('a shared value is seeded once, followed, and not written over unseen', async () => {
    await using first = await sharedValue(zk, `${root}/v`, text, { seed: 'one' })
    await using second = await sharedValue(other, `${root}/v`, text, { seed: 'two' })
    expect([first.current?.value, second.current?.value]).toEqual(['one', 'one'])
    const changes = second.changes()
    expect(await first.trySet('new')).toBeDefined()
    for await (const change of changes) if (change.kind === 'changed') break
    expect(second.current?.value).toBe('new')
    await zk.set(`${root}/v`, 'behind its back')
    expect(await second.update((value) => `${value}!`)).toBe('behind its back!')
    expect((await zk.get(`${root}/v`, { atLeast: other.lastZxid })).stat.version).toBe(3)
    await zk.delete(`${root}/v`)
    expect((await first.set('again')).version).toBe(0)
  })

  test('a barrier gives up in time, and leaves no watch behind', async () => {
    const gate = barrier(zk, `${root}/gate`)
    await gate.set()
    await gate.set()
    await expect(gate.wait({ timeout: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    const { persistent } = zk.stats().watches
    expect(persistent).toBe(0)
    const waiting = Array.from({ length: 5 }, (_, i) => barrier(i % 2 === 0 ? zk : other, `${root}/gate`).wait())
    await gate.remove()
    await Promise.all(waiting)
    await gate.remove()
  })

  describe('a double barrier', () => {
    test('goes on without a member that gave up, although znodes of a crashed group are left', async () => {
      const path = `${root}/b` as const
      // `ready` of a group that is gone.
      await zk.create(`${path}/ready`, '', { parents: true })
      const ours = doubleBarrier(zk, path, { count: 2 })
      await expect(ours.enter({ timeout: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      const [a, b] = await Promise.all([ours.enter(), doubleBarrier(other, path, { count: 2 }).enter()])
      expect(a.signal.aborted).toBe(false)
      const leaving = a.leave()
      // The other goes without waiting.
      await b[Symbol.asyncDispose]()
      await leaving
      expect((await zk.children(path)).children.filter((name) => name !== 'ready')).toEqual([])
    })

    test('is not opened when one of those who make it full goes away at the last moment', async () => {
      const path = `${root}/b` as const
      await other.create(`${path}/hasty`, '', { mode: 'ephemeral', parents: true })
      let opened = 0
      const client = before(zk, 'transactionOf', async () => {
        if (opened++ === 0) await other.delete(`${path}/hasty`)
      })
      const entering = doubleBarrier(client, path, { count: 2 }).enter({ timeout: 500 })
      await expect(entering).rejects.toMatchObject({ code: 'TIMEOUT' })
      expect(opened).toBe(1)
      expect(await zk.exists(`${path}/ready`)).toBeUndefined()
    })

    test('does not count what is no member: a znode that stays, a container with a barrier of its own', async () => {
      const path = `${root}/b` as const
      await zk.create(`${path}/note`, '', { parents: true })
      const inner = await doubleBarrier(other, `${path}/inner`, { count: 1 }).enter()
      const two = doubleBarrier(zk, path, { count: 2 })
      await expect(two.enter({ timeout: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      await inner.leave()
    })

    test('of one is always full', async () => {
      const alone = doubleBarrier(zk, `${root}/b`, { count: 1 })
      for (let i = 0; i < 3; i++) await (await alone.enter({ timeout: 5_000 })).leave()
      expect(() => doubleBarrier(zk, `${root}/b`, { count: 0 })).toThrow(RangeError)
    })
  })

  describe('a queue', () => {
    test('gives what was put, in order, and waits when it is empty', async () => {
      const q = queue(zk, `${root}/q`, { codec: text })
      const waiting = queue(other, `${root}/q`, { codec: text }).take()
      await q.put('first')
      const item = await waiting
      expect(item.value).toBe('first')
      await item.done()
      await Promise.all(Array.from({ length: 300 }, (_, i) => q.put(`${i}`)))
      expect(await q.length()).toBe(300)
      const stop = new AbortController()
      const seen: string[] = []
      for await (const each of q.items({ signal: stop.signal })) {
        seen.push(each.value)
        void each.done()
        if (seen.length === 300) stop.abort()
      }
      expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`))
      await expect.poll(() => q.length(), { timeout: 10_000 }).toBe(0)
    })

    test('gives an item to another when it is given back, and to its end when it is put there', async () => {
      const q = queue(zk, `${root}/q`, { codec: text })
      for (const value of ['a', 'b', 'c']) await q.put(value)
      const a = await q.take()
      const b = await q.take()
      await a.requeue()
      await b.release()
      await b.done()
      const order: string[] = []
      for (let i = 0; i < 3; i++) {
        const item = await queue(other, `${root}/q`, { codec: text }).take({ timeout: 10_000 })
        order.push(item.value)
        await item.done()
      }
      expect(order).toEqual(['b', 'c', 'a'])
      await expect(q.take({ timeout: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    })

    test('keeps the claim where a server refuses the end of an item, so that it can be ended in another way', async () => {
      const path: ZnodePath = `${root}/q`
      const q = queue(zk, path, { codec: text })
      for (const value of ['a', 'b']) await q.put(value)
      const [a, b] = [await q.take(), await q.take()]
      const closed = readOnlyAcl.map((each) => ({ ...each, perms: permission.read | permission.admin }))
      await zk.setAcl(path, closed)
      await expect(a.done()).rejects.toMatchObject({ code: 'NO_AUTH' })
      await expect(a.requeue()).rejects.toMatchObject({ code: 'NO_AUTH' })
      const ended = b.done()
      const disposed = b[Symbol.asyncDispose]()
      await expect(ended).rejects.toMatchObject({ code: 'NO_AUTH' })
      await disposed
      await zk.setAcl(path, openAcl)
      const again = await queue(other, path, { codec: text }).take({ timeout: 10_000 })
      expect(again.value).toBe('b')
      await again.done()
      expect(a.signal.aborted).toBe(false)
      await a.done()
      expect(await q.length()).toBe(0)
    })

    test('gives the items of a consumer that died to another', async () => {
      const dying = await connect(server.connectString)
      const q = queue(zk, `${root}/q`, { codec: text })
      await q.put('job')
      const item = await queue(dying, `${root}/q`, { codec: text }).take()
      const again = q.take({ timeout: 20_000 })
      await dying.close()
      expect(item.signal.aborted).toBe(true)
      expect((await again).value).toBe('job')
      await (await again).done()
      expect(await q.length()).toBe(0)
    })

    test('holds back who puts when it is full', async () => {
      const q = queue(zk, `${root}/q`, { codec: text, itemsMax: 2 })
      await q.put('a')
      await q.put('b')
      await expect(q.put('c', { timeout: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      const waiting = q.put('c')
      await (await q.take()).done()
      await waiting
      expect(await q.length()).toBe(2)
    })

    test('skips what it cannot read, or drops it if the option says so', async () => {
      const numbers = json<number>()
      const q = queue(zk, `${root}/q`, { codec: numbers })
      await zk.create(`${root}/q/queue-`, 'no frame', { sequential: true, parents: true })
      await zk.create(`${root}/q/foreign`)
      await q.put(1)
      const item = await q.take({ timeout: 10_000 })
      expect(item.value).toBe(1)
      await item.done()
      await expect(q.take({ timeout: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      expect(await q.length()).toBe(2)
      const seen: unknown[] = []
      const strict = queue(zk, `${root}/q`, {
        codec: numbers,
        onUnreadable(error) {
          seen.push(error)
          return 'drop'
        },
      })
      await expect(strict.take({ timeout: 500 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      expect(seen).toHaveLength(1)
      expect((await zk.children(`${root}/q`)).children).toEqual(['foreign'])
    })

    test('takes what is urgent first, and what is delayed when it is due', async () => {
      const urgent = priorityQueue(zk, `${root}/p`, { codec: text })
      for (const [value, priority] of [
        ['low', 9],
        ['high', -3],
        ['mid', 0],
      ] as const)
        await urgent.put(value, priority)
      const order: string[] = []
      for (let i = 0; i < 3; i++) {
        const item = await urgent.take()
        order.push(item.value)
        if (i === 0) await urgent.put('higher than what is left', -1)
        await item.done()
      }
      expect(order).toEqual(['high', 'higher than what is left', 'mid'])
      await expect(urgent.put('x', 0.5)).rejects.toThrow(RangeError)
      const delayed = delayQueue(zk, `${root}/d`, { codec: text })
      const due = zk.clock.wall() + 400
      await delayed.put('later', { at: new Date(due) })
      const item = await delayed.take({ timeout: 20_000 })
      expect(zk.clock.wall()).toBeGreaterThanOrEqual(due)
      await item.done()
    })

    test('leaves nothing behind but what is empty', async () => {
      const q = queue(zk, `${root}/q`, { codec: text })
      await q.put('a')
      await (await q.take()).done()
      await expect(q.take({ timeout: 50 })).rejects.toSatisfy((error) => refused(error, 'TIMEOUT'))
      const leftover = async (): Promise<string[]> =>
        [...(await zk.tree(root)).nodes.keys()].map((path) => path.slice(root.length)).sort()
      const containers = ['', '/q', '/q-claims', '/q-claims/line', '/q-claims/marks']
      await expect.poll(leftover, { timeout: 10_000 }).toEqual(containers)
    })
  })

  describe('a cache', () => {
    test('shows a subtree, reports its changes, and contains a transaction when it says so', async () => {
      await zk.create(`${root}/a/x`, '1', { parents: true })
      await using routes = await cache(other, root, { codec: text, recursive: true })
      expect(routes.freshness.kind).toBe('live')
      expect([...routes].map(({ path }) => path).sort()).toEqual([root, `${root}/a`, `${root}/a/x`])
      const changes: CacheChange<string>[] = []
      const stop = new AbortController()
      const following = (async () => {
        for await (const change of routes.changes({ signal: stop.signal })) changes.push(change)
      })()
      for (let i = 0; i < 20; i++) {
        const { mzxid } = await zk.set(`${root}/a/x`, `${i}`)
        await routes.atLeast(mzxid)
        expect(routes.get(`${root}/a/x`)?.value).toBe(`${i}`)
      }
      await zk.transaction(op.delete(`${root}/a/x`), op.create(`${root}/b`, 'new'))
      await routes.atLeast(zk.lastZxid)
      expect(routes.children(root)).toEqual(['a', 'b'])
      // Nothing in it changes, and it is at the transaction all the same.
      const { stat } = await zk.create(`${root}-elsewhere`)
      await routes.atLeast(stat.czxid, { timeout: 10_000 })
      await expect(routes.atLeast(stat.czxid + (1n << 40n), { timeout: 10_000 })).rejects.toMatchObject({
        code: 'DATA_INCONSISTENCY',
      })
      stop.abort()
      await following
      expect(changes.some((change) => change.kind === 'deleted' && change.path === `${root}/a/x`)).toBe(true)
      expect(routes.size).toBe(3)
    })

    test('waits for a znode that is not there yet, and says when it cannot know', async () => {
      await using wire = await proxy(server.port)
      await using cut = await connect(wire.connectString, { sessionTimeout: 10_000 })
      await using one = await cache(cut, `${root}/later`, { codec: text })
      expect(one.get(`${root}/later`)).toBeUndefined()
      const changes = one.changes()
      await zk.create(`${root}/later`, 'here', { parents: true })
      expect((await changes.next()).value).toMatchObject({ kind: 'created', value: 'here' })
      wire.cut()
      const kinds: string[] = []
      for await (const change of changes) {
        kinds.push(change.kind)
        if (change.kind === 'live') break
      }
      expect(kinds.at(-1)).toBe('live')
      await one.close()
      await expect(one.atLeast(1n)).rejects.toMatchObject({ code: 'CLOSED' })
    })
  })

  describe('a configuration', () => {
    interface Db {
      readonly pool: number
    }
    const schema: StandardSchema<Db> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          typeof value === 'object' && value !== null && 'pool' in value && typeof value.pool === 'number'
            ? { value: { pool: value.pool } }
            : { issues: [{ message: 'must be a number', path: ['pool'] }] },
      },
    }
    const codec = json(schema)

    test('keeps the last valid value, and reports one that it refuses', async () => {
      const saved: string[] = []
      const store = {
        load: async () => undefined,
        save: async (data: Uint8Array) => void saved.push(text.decode(data) as string),
      }
      await zk.create(`${root}/db`, '{"pool":1}', { parents: true })
      await using db = await configuration(zk, `${root}/db`, codec, { store })
      expect([db.current, db.source]).toEqual([{ pool: 1 }, 'server'])
      const changes = db.changes()
      await other.set(`${root}/db`, '{"pool":"many"}')
      const told = async (kind: string) => {
        for (;;) {
          const { value } = await changes.next()
          if (value !== undefined && value.kind === kind) return value
        }
      }
      expect(await told('invalid')).toMatchObject({ error: { name: 'SchemaError' } })
      expect(db.current).toEqual({ pool: 1 })
      await db.set({ pool: 2 })
      expect(await told('changed')).toMatchObject({ value: { pool: 2 }, previous: { pool: 1 } })
      expect(await db.update((value) => ({ pool: (value?.pool ?? 0) + 1 }))).toEqual({ pool: 3 })
      await expect(db.set({ pool: 'x' } as unknown as Db)).rejects.toMatchObject({ name: 'SchemaError' })
      await told('changed')
      await zk.delete(`${root}/db`)
      await told('deleted')
      expect(db.current).toEqual({ pool: 3 })
      await expect.poll(() => saved.at(-1)).toBe('{"pool":3}')
    })

    test('starts from its store, else from its fallback, else says what is wrong', async () => {
      const path = `${root}/db` as const
      const store = { load: async () => text.encode('{"pool":7}'), save: async () => {} }
      await using kept = await configuration(zk, path, codec, { store, fallback: { pool: 0 } })
      expect([kept.current, kept.source, kept.stat]).toEqual([{ pool: 7 }, 'store', undefined])
      await using without = await configuration(zk, path, codec, { fallback: { pool: 0 } })
      expect([without.current, without.source]).toEqual([{ pool: 0 }, 'fallback'])
      await expect(configuration(zk, path, codec)).rejects.toMatchObject({ code: 'NO_NODE' })
      await zk.create(path, 'nonsense', { parents: true })
      await expect(configuration(zk, path, codec)).rejects.toMatchObject({ code: 'INVALID_DATA' })
    })
  })

  test('a partitioner writes over an assignment that no member wrote', async () => {
    const items = ['a', 'b', 'c']
    const work = (_: string, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await using first = await partitioner(zk, `${root}/p`, { items, work })
    await using second = await partitioner(other, `${root}/p`, { items, work })
    const isWhole = (): boolean =>
      first.held.size + second.held.size === 3 && [first.held.size, second.held.size].includes(2)
    await expect.poll(isWhole, { timeout: 10_000 }).toBe(true)
    const path: ZnodePath = `${root}/p/assignment`
    const members = [first.member, second.member]
    const foreign = [
      ...['{}', 'null', '[]', '7', '', '{"members":1,"assigned":{}}', '{"members":[],"assigned":{"m":"a"}}'],
      JSON.stringify({ members, assigned: { nobody: items } }),
    ]
    for (const data of foreign) {
      await zk.set(path, data)
      await expect.poll(async () => text.decode((await zk.get(path)).data), { timeout: 10_000 }).not.toBe(data)
      await expect.poll(isWhole, { timeout: 10_000 }).toBe(true)
    }
  })

  test('a partitioner divides its items anew when members come and go', async () => {
    const items = Array.from({ length: 9 }, (_, i) => `queue/${i}`)
    const working = new Map<string, string>()
    const join = (client: Client, identifier: string) =>
      partitioner(client, `${root}/p`, {
        items,
        identifier,
        async work(item, signal) {
          expect(working.has(item)).toBe(false)
          working.set(item, identifier)
          await new Promise<void>((resolve) => {
            if (signal.aborted) resolve()
            else signal.addEventListener('abort', () => resolve(), { once: true })
          })
          working.delete(item)
        },
      })
    const first = await join(zk, 'first')
    await expect.poll(() => first.held.size, { timeout: 10_000 }).toBe(9)
    const before = new Set(first.held)
    const second = await join(other, 'second')
    await expect.poll(() => [first.held.size, second.held.size].sort(), { timeout: 10_000 }).toEqual([4, 5])
    for (const item of first.held) expect(before.has(item)).toBe(true)
    const third = await join(zk, 'third')
    await expect.poll(() => [first, second, third].map(({ held }) => held.size), { timeout: 10_000 }).toEqual([3, 3, 3])
    await first.close()
    await expect.poll(() => second.held.size + third.held.size, { timeout: 10_000 }).toBe(9)
    expect(working.size).toBe(9)
    await second.close()
    await third.close()
    expect(working.size).toBe(0)
  })
})
