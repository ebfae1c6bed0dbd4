/** Locks on the target: who has them, who waits, what is left behind. */
import { type Client, connect, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { lock } from '@lightkeeper/recipes'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../support/target.ts'

const missing = missingTarget()
if (missing !== undefined) console.log(`recipes on ${targetName}: skipped, because ${missing}`)

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

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
  let server: TargetServer
  let a: Client
  let b: Client
  let count = 0
  let path: ZnodePath

  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server?.close())
  beforeEach(async () => {
    path = `/locks/${++count}`
    const each = (): Promise<Client> => connect(server.connectString, { sessionTimeout: 4000 })
    ;[a, b] = await Promise.all([each(), each()])
  })
  afterEach(() => Promise.all([a.close(), b.close()]))

  const names = async (): Promise<readonly string[]> => {
    await b.sync(path)
    return (await b.children(path)).children
  }
  /** Until `n` stand in line. */
  const inLine = async (n: number): Promise<void> => {
    while ((await lock(b, path).waiting()).length + (await lock(b, path).holders()).length < n) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

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

    test('gives up when it is told to, with the reason given', async () => {
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

    test('is lost when its znode is deleted: the signal tells, guarded writes are refused', async () => {
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

    test('whose place in line somebody deletes is asked for again, at the end', async () => {
      const held = await lock(a, path).acquire()
      const waiting = lock(b, path).acquire()
      await inLine(2)
      const [before] = await lock(a, path).waiting()
      await a.delete(before?.path as ZnodePath)
      while ((await lock(a, path).waiting())[0]?.path === undefined) await a.sync()
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
})
