/**
 * N4 and its kind: a program that is asked to stop must not hang on a ZooKeeper that does not answer. Every way out of
 * a recipe settles within a bound, takes a timeout and a signal, and says what may be left until the session ends.
 */
import { type Client, connect, KeeperError, text, type ZnodePath } from '@lightkeeper/client'
import {
  cache,
  configuration,
  counter,
  discovery,
  doubleBarrier,
  election,
  group,
  type LeaveOptions,
  type LeftBehind,
  lock,
  masterElection,
  multiLock,
  partitioner,
  persistentNode,
  queue,
  readWriteLock,
  semaphore,
  sharedValue,
  type Term,
} from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { type Proxy, proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let server: RunningServer
const clients: Client[] = []
let count = 0

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await Promise.all(clients.map((zk) => zk.close()))
  await server.close()
})

/** What it comes to, or a word if that takes too long. */
async function fate(work: PromiseLike<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('it hangs'), 20_000)
  })
  try {
    return await Promise.race([
      Promise.resolve(work).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

type Way = (options?: LeaveOptions) => Promise<unknown>
type Made = AsyncDisposable & { readonly path?: ZnodePath }
type Row = readonly [string, (zk: Client, path: ZnodePath) => Promise<readonly [Way, Made]>]

const held = async (acquired: Promise<Made & { release(options?: LeaveOptions): Promise<LeftBehind | undefined> }>) => {
  const one = await acquired
  return [(options?: LeaveOptions) => one.release(options), one] as const
}
const closed = async (opened: Promise<Made & { close(options?: LeaveOptions): Promise<unknown> }>) => {
  const one = await opened
  return [(options?: LeaveOptions) => one.close(options), one] as const
}
const term = async (terms: AsyncGenerator<Term, void, void>) => {
  const one = (await terms.next()).value as Term
  return [(options?: LeaveOptions) => one.resign(options), one] as const
}

/** Those that have something on the server, which may be left. */
const leaving: readonly Row[] = [
  ['lock', (zk, path) => held(lock(zk, path).acquire())],
  ['readWriteLock', (zk, path) => held(readWriteLock(zk, path).read.acquire())],
  ['semaphore', (zk, path) => held(semaphore(zk, path, { leases: 1 }).acquire())],
  ['multiLock', (zk, path) => held(multiLock(zk, [path, `${path}-2`]).acquire())],
  ['election', (zk, path) => term(election(zk, path).terms())],
  ['masterElection', (zk, path) => term(masterElection(zk, path).terms())],
  ['group', (zk, path) => closed(group(zk, path).join('a'))],
  ['persistentNode', (zk, path) => closed(persistentNode(zk, path, 'v'))],
  ['registration', (zk, path) => closed(discovery(zk, path).register({ name: 'web', address: '10.0.0.1', port: 1 }))],
  ['partitioner', (zk, path) => closed(partitioner(zk, path, { items: [], work: async () => {} }))],
  [
    'queue item',
    async (zk, path) => {
      const jobs = queue(zk, path, { codec: text })
      await jobs.put('a')
      return held(jobs.take())
    },
  ],
  [
    'doubleBarrier.withdraw',
    async (zk, path) => {
      const inside = await doubleBarrier(zk, path, { count: 1 }).enter()
      return [(options?: LeaveOptions) => inside.withdraw(options), inside]
    },
  ],
]

/** Those that only look on. */
const looking: readonly Row[] = [
  ['cache', (zk, path) => closed(cache(zk, path))],
  ['sharedValue', (zk, path) => closed(sharedValue(zk, path, text, { seed: 'a' }))],
  ['configuration', (zk, path) => closed(configuration(zk, path, text, { fallback: 'a' }))],
  ['resolver', (zk, path) => closed(discovery(zk, path).resolve('web'))],
]

/** Runs `story` on what `make` gives, without an answer until the wire is whole again. */
async function away<T>(
  make: (zk: Client, path: ZnodePath) => Promise<T>,
  story: (made: T, wire: Proxy) => Promise<void>,
): Promise<void> {
  const wire = await proxy(server.port)
  try {
    const zk = await connect(wire.connectString, { sessionTimeout: 40_000 })
    clients.push(zk)
    const made = await make(zk, `/stopping/${++count}`)
    wire.down()
    await story(made, wire)
  } finally {
    await wire.close()
  }
}

describe.concurrent.each(leaving)('%s', (_, make) => {
  test('resolves to what is left, by its timeout, its signal, or in the end by itself', () =>
    away(make, async ([way, one]) => {
      const { value: left } = (await fate(way({ timeout: 20 }))) as { value: LeftBehind }
      expect(KeeperError.is(left, 'TIMEOUT')).toBe(true)
      expect(left.message).toMatch(/may be there|until/)
      expect(left.path).toMatch(/^\/stopping\//)
      const stop = new AbortController()
      const stopped = fate(way({ signal: stop.signal, timeout: Number.POSITIVE_INFINITY }))
      stop.abort(new Error('enough'))
      const { value: given } = (await stopped) as { value: LeftBehind }
      expect(given.message).toContain('the wait was ended')
      const [unbound, disposed] = await Promise.all([fate(way()), fate(one[Symbol.asyncDispose]())])
      expect(unbound).toMatchObject({ value: { code: 'TIMEOUT' } })
      expect(disposed).toEqual({ value: undefined })
    }))

  test('is deleted in the end, once a server answers again', () =>
    away(make, async ([way], wire) => {
      const { value: left } = (await fate(way({ timeout: 20 }))) as { value: LeftBehind }
      wire.heal()
      await using zk = await connect(server.connectString)
      const isLeft = async (): Promise<boolean> => {
        const [found] = await zk.readMany([{ get: left.path as ZnodePath }])
        return found !== undefined && !('error' in found)
      }
      while (await isLeft()) await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await fate(way())).toEqual({ value: undefined })
    }))
})

describe.concurrent.each(looking)('%s', (_, make) => {
  test('ends at once', () =>
    away(make, async ([way, one]) => {
      expect(await fate(way({ timeout: 20 }))).toEqual({ value: undefined })
      expect(await fate(way())).toEqual({ value: undefined })
      expect(await fate(one[Symbol.asyncDispose]())).toEqual({ value: undefined })
    }))
})

describe.concurrent('what changes something rejects with TIMEOUT', () => {
  test.each<readonly [string, (zk: Client, path: ZnodePath) => Promise<Way>]>([
    [
      'registration.update',
      async (zk, path) => {
        const one = await discovery(zk, path).register({ name: 'web', address: '10.0.0.1', port: 1 })
        return (options) => one.update({ weight: 3 }, options)
      },
    ],
    [
      'registration.drain',
      async (zk, path) => {
        const one = await discovery(zk, path).register({ name: 'web', address: '10.0.0.1', port: 1 })
        return (options) => one.drain(options)
      },
    ],
    [
      'registration.update, dubbo',
      async (zk, path) => {
        const base = discovery(zk, path, { format: 'dubbo' })
        const one = await base.register({ name: 'web', address: '10.0.0.1', port: 1 })
        return (options) => one.update({ weight: 3 }, options)
      },
    ],
    [
      'persistentNode.set',
      async (zk, path) => {
        const one = await persistentNode(zk, path, 'v')
        return (options) => one.set('w', options)
      },
    ],
    [
      'queue item.done',
      async (zk, path) => {
        const jobs = queue(zk, path, { codec: text })
        await jobs.put('a')
        const one = await jobs.take()
        return (options) => one.done(options)
      },
    ],
    [
      'queue item.requeue',
      async (zk, path) => {
        const jobs = queue(zk, path, { codec: text })
        await jobs.put('a')
        const one = await jobs.take()
        return (options) => one.requeue(options)
      },
    ],
    [
      'doubleBarrier.leave',
      async (zk, path) => {
        const inside = await doubleBarrier(zk, path, { count: 1 }).enter()
        let first: Promise<unknown> | undefined
        // One leaves once.
        return (options) => (first ??= inside.leave(options))
      },
    ],
  ])('%s', (_, make) =>
    away(make, async (way) => {
      expect(await fate(way({ timeout: 20 }))).toMatchObject({ error: { code: 'TIMEOUT', outcome: 'unknown' } })
      expect(await fate(way())).toMatchObject({ error: { code: 'TIMEOUT' } })
    }),
  )

  test('and the change is made as soon as a server answers', () =>
    away(
      (zk, path) => discovery(zk, path).register({ name: 'web', address: '10.0.0.1', port: 1 }),
      async (one, wire) => {
        expect(await fate(one.drain({ timeout: 20 }))).toMatchObject({ error: { code: 'TIMEOUT' } })
        wire.heal()
        await using zk = await connect(server.connectString)
        const data = async (): Promise<string> => text.decode((await zk.get(one.path)).data) as string
        while (!(await data()).includes('"enabled":false')) await new Promise((resolve) => setTimeout(resolve, 10))
        await one.close()
      },
    ))

  test('doubleBarrier.leave without a time of its own', () =>
    away(
      (zk, path) => doubleBarrier(zk, path, { count: 1 }).enter(),
      async (inside) => {
        expect(await fate(inside.leave())).toMatchObject({ error: { code: 'TIMEOUT' } })
      },
    ))

  test('counter.increment with a time of its own', () =>
    away(
      async (zk, path) => counter(zk, path),
      async (one) => {
        expect(await fate(one.increment({ timeout: 20 }))).toMatchObject({ error: { code: 'TIMEOUT' } })
      },
    ))

  test('partitioner.close names the items whose work does not end', () =>
    away(
      async (zk, path) => {
        const one = await partitioner(zk, path, { items: ['a'], work: () => new Promise(() => {}) })
        while (one.held.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        return one
      },
      async (one) => {
        const { value: left } = (await fate(one.close({ timeout: 20 }))) as { value: LeftBehind }
        expect(left.message).toContain('work has not ended on a')
      },
    ))
})

test('leaving a loop over terms ends in time', () =>
  away(
    async (zk, path) => {
      const terms = election(zk, path).terms()
      await terms.next()
      return terms
    },
    async (terms) => {
      expect(await fate(terms.return())).toMatchObject({ value: { done: true } })
    },
  ))
