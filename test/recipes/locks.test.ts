/** Locks on the target: who holds them, who waits, what is left. */
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { lock, multiLock, readWriteLock, semaphore } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { twoClientsEachTest } from '../support/clients.ts'
import { missingTarget, targetName } from '../support/target.ts'
import { text } from '../support/text.ts'
import { until } from '../support/wait.ts'

const missing = missingTarget()
if (missing !== undefined) console.log(`recipes on ${targetName}: skipped, because ${missing}`)

/** What a promise came to; undefined while it is open. */
function fate<T>(promise: Promise<T>): { readonly value?: T; readonly error?: unknown } {
  const seen: { value?: T; error?: unknown } = {}
  promise.then(
    (value) => void (seen.value = value),
    (error: unknown) => void (seen.error = error),
  )
  return seen
}

describe.skipIf(missing !== undefined)(`locks on ${targetName}`, () => {
  let a: Client
  let b: Client
  let path: ZnodePath
  twoClientsEachTest('/locks', (given) => void ({ a, b, path } = given))

  const names = async (): Promise<readonly string[]> => {
    await b.sync(path)
    return (await b.children(path)).children
  }
  /** Until `n` stand in line. */
  const inLine = (n: number): Promise<void> =>
    until(async () => (await lock(b, path).waiting()).length + (await lock(b, path).holders()).length >= n)

  describe('a mutex', () => {
    test('is had by one at a time, in the order of asking', async () => {
      const order: string[] = []
      const one = await lock(a, path).acquire()
      const second = lock(b, path)
        .acquire()
        .then((held) => {
          order.push('second')
          return held
        })
      await inLine(2)
      const third = lock(a, path)
        .acquire()
        .then((held) => {
          order.push('third')
          return held
        })
      await inLine(3)
      expect(order).toEqual([])
      await one.release()
      const two = await second
      expect(order).toEqual(['second'])
      expect(two.fencingToken).toBeGreaterThan(one.fencingToken)
      await two.release()
      const three = await third
      expect(three.fencingToken).toBeGreaterThan(two.fencingToken)
      await three.release()
      expect(await names()).toEqual([])
    })

    test('has names Curator knows, or those of kazoo', async () => {
      await using curator = await lock(a, path).acquire()
      expect(curator.path).toMatch(/\/_c_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-lock-\d{10}$/)
      expect(await lock(b, path, { names: 'kazoo' }).tryAcquire()).toBeUndefined()
      await curator.release()
      await using kazoo = await lock(a, path, { names: 'kazoo' }).acquire()
      expect(kazoo.path).toMatch(/\/[0-9a-f]{32}__lock__\d{10}$/)
      expect(await lock(b, path).tryAcquire()).toBeUndefined()
    })

    test('waits no longer than its timeout, and leaves the line', async () => {
      await using held = await lock(a, path).acquire()
      const late = await lock(b, path)
        .acquire({ timeout: 50 })
        .catch((error: unknown) => error)
      expect(KeeperError.is(late, 'TIMEOUT')).toBe(true)
      expect(String(late)).toContain(path)
      expect(await names()).toEqual([held.path.slice(path.length + 1)])
    })

    test('gives up when its signal aborts, with the reason of the signal', async () => {
      await using held = await lock(a, path).acquire()
      const stop = new AbortController()
      const waiting = fate(lock(b, path).acquire({ signal: stop.signal }))
      await inLine(2)
      const reason = new Error('no longer needed')
      stop.abort(reason)
      await b.sync()
      expect(waiting.error).toBe(reason)
      expect(await names()).toEqual([held.path.slice(path.length + 1)])
      await expect(lock(b, path).acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    test('is lost when its znode is deleted: the signal aborts, guarded writes are refused', async () => {
      const held = await lock(a, path).acquire()
      await a.transaction(held.guard(), op.create(`${path}-written`, '1'))
      expect(held.remaining()).toBeGreaterThan(0)
      await b.delete(held.path)
      if (!held.signal.aborted) await new Promise((resolve) => held.signal.addEventListener('abort', resolve))
      expect(held.remaining()).toBe(0)
      const refused = await a.transaction(held.guard(), op.set(`${path}-written`, '2')).catch((error: unknown) => error)
      expect(KeeperError.is(refused, 'TRANSACTION_FAILED') && refused.failedOp?.code).toBe('NO_NODE')
      await held.release()
    })

    test('whose znode in line is deleted by another client is asked for again, at the end of the line', async () => {
      const held = await lock(a, path).acquire()
      const waiting = lock(b, path).acquire()
      await inLine(2)
      const [before] = await lock(a, path).waiting()
      await a.delete(before?.path as ZnodePath)
      await held.release()
      await using got = await waiting
      expect(got.path).not.toBe(before?.path)
      expect(got.signal.aborted).toBe(false)
    })

    test('is released once, however often that is asked for, and its signal says so', async () => {
      const held = await lock(a, path).acquire()
      const released = held.release()
      expect(held.signal.aborted).toBe(true)
      await Promise.all([released, held.release(), held[Symbol.asyncDispose]()])
      expect(await names()).toEqual([])
    })

    test('is handed on when its owner closes, or leaves its session', async () => {
      await lock(a, path).acquire()
      const waiting = lock(b, path).acquire()
      await inLine(2)
      await a.close()
      const held = await waiting
      await held.release()
    })

    test('can be looked at: who has it, who waits, since when', async () => {
      const started = Date.now()
      await using held = await lock(a, path, { data: 'owner a' }).acquire()
      const stop = new AbortController()
      const waiting = fate(lock(b, path, { data: 'b waits' }).acquire({ signal: stop.signal }))
      await inLine(2)
      const look = lock(b, path)
      const holders = await look.holders()
      expect(
        holders.map(({ data, sessionId, path: at, fencingToken }) => [text(data), sessionId, at, fencingToken]),
      ).toEqual([['owner a', a.sessionId, held.path, held.fencingToken]])
      expect(Math.abs((holders[0]?.since.getTime() ?? 0) - started)).toBeLessThan(60_000)
      expect((await look.waiting()).map(({ data, sessionId }) => [text(data), sessionId])).toEqual([
        ['b waits', b.sessionId],
      ])
      stop.abort()
      await b.sync()
      expect(waiting.error).toBeDefined()
      expect(await lock(b, '/locks/nobody/was/here').holders()).toEqual([])
    })

    test('is asked back by others, and kept until it is released', async () => {
      const held = await lock(a, path).acquire()
      expect(held.revoked.aborted).toBe(false)
      expect(await lock(b, path).revoke()).toBe(1)
      if (!held.revoked.aborted) await new Promise((resolve) => held.revoked.addEventListener('abort', resolve))
      expect(held.signal.aborted).toBe(false)
      await held.release()
      expect(await lock(b, path).revoke()).toBe(0)
    })

    test('leaves the children of others alone', async () => {
      await a.create(`${path}/config`, 'x', { parents: true })
      await a.create(`${path}/latch-`, 'x', { sequential: true })
      await using held = await lock(a, path).acquire()
      await held.release()
      expect([...(await names())].sort()).toEqual(['config', 'latch-0000000001'])
    })
  })

  describe('a read-write lock', () => {
    test('is had by many readers or by one writer, and a waiting writer goes before later readers', async () => {
      const ours = readWriteLock(a, path)
      const theirs = readWriteLock(b, path)
      const first = await ours.read.acquire()
      const second = await theirs.read.acquire()
      const writing = theirs.write.acquire()
      const seen = fate(writing)
      await inLine(3)
      const reading = ours.read.acquire()
      const seenReader = fate(reading)
      await inLine(4)
      expect((await ours.read.holders()).map(({ path: at }) => at)).toEqual([first.path, second.path])
      expect(await ours.read.tryAcquire()).toBeUndefined()
      await first.release()
      await b.sync()
      expect(seen).toEqual({})
      await second.release()
      const writer = await writing
      expect(seenReader).toEqual({})
      expect(await ours.write.tryAcquire()).toBeUndefined()
      await writer.release()
      const reader = await reading
      await reader.release()
      expect(await names()).toEqual([])
    })

    test('has the names of Curator, or of kazoo', async () => {
      const curator = readWriteLock(a, path)
      await using read = await curator.read.acquire()
      expect(read.path).toMatch(/\/_c_[0-9a-f-]{36}-__READ__\d{10}$/)
      await read.release()
      await using write = await curator.write.acquire()
      expect(write.path).toMatch(/\/_c_[0-9a-f-]{36}-__WRIT__\d{10}$/)
      const kazoo = readWriteLock(b, path, { names: 'kazoo' })
      expect(await kazoo.read.tryAcquire()).toBeUndefined()
      await write.release()
      await using kazooRead = await kazoo.read.acquire()
      expect(kazooRead.path).toMatch(/\/[0-9a-f]{32}__rlock__\d{10}$/)
      expect(await curator.write.tryAcquire()).toBeUndefined()
      await kazooRead.release()
      await using kazooWrite = await kazoo.write.acquire()
      expect(kazooWrite.path).toMatch(/\/[0-9a-f]{32}__lock__\d{10}$/)
      expect(await lock(a, path).tryAcquire()).toBeUndefined()
    })
  })

  describe('a semaphore', () => {
    const leases = async (): Promise<number> => (await semaphore(b, path, { leases: 99 }).holders()).length

    test('gives as many leases as there are, and the next when one comes back', async () => {
      const ours = semaphore(a, path, { leases: 2, data: 'a' })
      const theirs = semaphore(b, path, { leases: 2 })
      const one = await ours.acquire()
      const two = await theirs.acquire()
      expect(one.path).toMatch(/\/leases\/_c_[0-9a-f-]{36}-lease-\d{10}$/)
      expect(await ours.tryAcquire()).toBeUndefined()
      const third = theirs.acquire()
      const seen = fate(third)
      while ((await leases()) < 3) await a.sync()
      expect((await ours.holders()).map(({ path: at }) => at)).toEqual([one.path, two.path])
      expect((await ours.waiting()).map(({ sessionId }) => sessionId)).toEqual([b.sessionId])
      expect(seen).toEqual({})
      await one.release()
      const three = await third
      expect(three.fencingToken).toBeGreaterThan(two.fencingToken)
      await Promise.all([two.release(), three.release()])
      await a.sync(path)
      expect([await ours.holders(), await ours.waiting()]).toEqual([[], []])
    })

    test('gives back what it took when it gives up', async () => {
      await using held = await semaphore(a, path, { leases: 1 }).acquire()
      const late = await semaphore(b, path, { leases: 1 })
        .acquire({ timeout: 50 })
        .catch((error: unknown) => error)
      expect(KeeperError.is(late, 'TIMEOUT')).toBe(true)
      expect(await leases()).toBe(1)
      expect(await semaphore(b, path, { leases: 1 }).waiting()).toEqual([])
      await held.release()
    })

    test('whose count is shared gives more when the count grows', async () => {
      const count: ZnodePath = `${path}-count`
      const int32 = (n: number): Uint8Array => new Uint8Array([0, 0, 0, n])
      await a.create(count, int32(1))
      const options = { leases: { from: count } } as const
      await using one = await semaphore(a, path, options).acquire()
      const waiting = semaphore(b, path, options).acquire()
      const seen = fate(waiting)
      while ((await leases()) < 2) await a.sync()
      expect(seen).toEqual({})
      await a.set(count, int32(2))
      await using two = await waiting
      expect(two.path).not.toBe(one.path)
    })

    test('without its shared count, or with one that is none, says so and leaves nothing', async () => {
      const options = { leases: { from: `${path}-nowhere` } } as const
      const missing = await semaphore(a, path, options)
        .acquire()
        .catch((error: unknown) => error)
      expect(KeeperError.is(missing, 'NO_NODE') && missing.path).toBe(`${path}-nowhere`)
      await a.create(`${path}-nowhere`, 'not a count')
      const wrong = await semaphore(a, path, options)
        .acquire()
        .catch((error: unknown) => error)
      expect(KeeperError.is(wrong, 'INVALID_DATA')).toBe(true)
      await a.sync(path)
      expect(await leases()).toBe(0)
      expect(() => semaphore(a, path, { leases: 0 })).toThrow(RangeError)
    })

    test("in kazoo's layout keeps its number, and refuses who knows another", async () => {
      const ours = semaphore(a, path, { leases: 2, names: 'kazoo', data: 'a' })
      const one = await ours.acquire()
      expect(one.path).toMatch(/\/[0-9a-f]{32}$/)
      expect(text((await a.get(path)).data)).toBe('2')
      const two = await semaphore(b, path, { leases: 2, names: 'kazoo' }).acquire()
      expect(await ours.tryAcquire()).toBeUndefined()
      expect((await ours.holders()).map(({ path: at }) => at)).toEqual([one.path, two.path])
      const wrong = await semaphore(b, path, { leases: 3, names: 'kazoo' })
        .acquire()
        .catch((error: unknown) => error)
      expect(KeeperError.is(wrong, 'INVALID_DATA')).toBe(true)
      const third = ours.acquire({ timeout: 20_000 })
      while ((await a.children(path)).children.length < 3) await a.sync()
      await two.release()
      const three = await third
      await Promise.all([one.release(), three.release()])
      await b.sync(path)
      expect([await ours.holders(), await ours.waiting()]).toEqual([[], []])
      const shared = { leases: { from: path }, names: 'kazoo' } as const
      expect(() => semaphore(a, path, shared)).toThrow(TypeError)
    })

    test('asked for by many at once never gives more than it has', async () => {
      let inside = 0
      let most = 0
      const work = async (zk: Client): Promise<void> => {
        await using lease = await semaphore(zk, path, { leases: 3 }).acquire()
        most = Math.max(most, ++inside)
        for (let i = 0; i < 20; i++) await zk.sync()
        await zk.transaction(lease.guard())
        inside--
      }
      await Promise.all(Array.from({ length: 20 }, (_, i) => work(i % 2 ? a : b)))
      expect(most).toBe(3)
    })
  })

  describe('several locks as one', () => {
    test('are acquired all or none, in any order of their names', async () => {
      const [one, two] = [`${path}/1`, `${path}/2`] as const
      const held = await multiLock(a, [two, one]).acquire()
      expect(held.held.map((each) => each.path.slice(0, one.length))).toEqual([one, two])
      await a.transaction(...held.guards())
      expect(await lock(b, two).tryAcquire()).toBeUndefined()
      await held.held[1]?.release()
      expect(held.signal.aborted).toBe(true)
      expect(held.remaining()).toBe(0)
      await held.release()
      await using other = await lock(b, two).acquire()
      expect(await multiLock(a, [one, two]).tryAcquire()).toBeUndefined()
      const late = await multiLock(a, [lock(a, one), two])
        .acquire({ timeout: 50 })
        .catch((error: unknown) => error)
      expect(KeeperError.is(late, 'TIMEOUT')).toBe(true)
      await using free = await lock(b, one).acquire({ timeout: 20_000 })
      await Promise.all([free.release(), other.release()])
      expect(() => multiLock(a, [one, one])).toThrow(one)
    })
  })
})
