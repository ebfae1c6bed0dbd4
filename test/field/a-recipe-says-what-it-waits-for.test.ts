/**
 * N11, N6 and similar cases: an error of a recipe says what prevented the call, the reason of a signal has a code, and all of it
 * can be logged.
 */
import { type Client, connect, KeeperError, text, type ZnodePath } from '@lightkeeper/client'
import {
  barrier,
  cache,
  counter,
  discovery,
  doubleBarrier,
  type EndCode,
  EndedError,
  election,
  group,
  lock,
  multiLock,
  persistentNode,
  queue,
  semaphore,
  sharedValue,
} from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { twoClients } from '../support/clients.ts'
import type { TargetServer } from '../support/target.ts'

let server: TargetServer
let zk: Client
let other: Client
let path: ZnodePath
twoClients('/words', (given) => void ({ server, a: zk, b: other, path } = given))

const soon = { timeout: 60 }

async function timeoutOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  )
  expect(KeeperError.is(error, 'TIMEOUT'), String(error)).toBe(true)
  return (error as Error).message
}

describe('TIMEOUT', () => {
  test('of a lock says who holds it, and the place in line', async () => {
    await using held = await lock(other, path, { data: 'worker-7' }).acquire()
    const second = lock(other, path).acquire({ timeout: 10_000 })
    while ((await lock(zk, path).waiting()).length < 1) await new Promise((resolve) => setTimeout(resolve, 5))
    const message = await timeoutOf(lock(zk, path).acquire(soon))
    expect(message).toContain('not done within 60 ms')
    expect(message).toContain(`held by "worker-7" ${held.path} since `)
    expect(message).toContain('number 3 of 3 in line')
    await held.release()
    await (await second).release()
  })

  test('of a semaphore says who has the leases', async () => {
    await using _held = await semaphore(other, path, { leases: 1, data: 'worker-7' }).acquire()
    const message = await timeoutOf(semaphore(zk, path, { leases: 1 }).acquire(soon))
    expect(message).toContain('held by "worker-7"')
    expect(message).toContain('number 1 of 1 in line')
  })

  test('of an empty queue says that it is empty, and of another what became of the items', async () => {
    const jobs = queue(zk, path, { codec: text })
    expect(await timeoutOf(jobs.take(soon))).toContain('the queue is empty')
    await jobs.put('a')
    await using _taken = await queue(other, path, { codec: text }).take()
    expect(await timeoutOf(queue(zk, path, { codec: text }).take(soon))).toContain('of 1 items 1 are claimed')
  })

  test('of a full queue says that it is full', async () => {
    const jobs = queue(zk, path, { codec: text, itemsMax: 1 })
    await jobs.put('a')
    expect(await timeoutOf(jobs.put('b', soon))).toContain('the queue is full')
  })

  test('of barriers says what is missing', async () => {
    await barrier(zk, path).set()
    expect(await timeoutOf(barrier(zk, path).wait(soon))).toContain('the barrier is up')
    const both = doubleBarrier(zk, `${path}-2`, { count: 2 })
    expect(await timeoutOf(both.enter(soon))).toContain('1 members are there, 2 are to be')
    const entering = doubleBarrier(other, `${path}-2`, { count: 2 }).enter()
    const [one] = await Promise.all([both.enter(), entering])
    expect(await timeoutOf(one.leave(soon))).toContain('1 others have not left')
  })

  test('of a name that is taken says whose it is', async () => {
    await using taken = await group(other, path).join('a')
    expect(taken.state.kind).toBe('present')
    const session = `session 0x${other.sessionId.toString(16)} has the name`
    expect(await timeoutOf(group(zk, path).join('a', soon))).toContain(session)
    const web = { name: 'web', id: 'a', port: 1 }
    await using _one = await discovery(other, path).register({ ...web, address: '10.0.0.1' })
    expect(await timeoutOf(discovery(zk, path).register({ ...web, address: '10.0.0.2' }, soon))).toContain(session)
  })
})

describe('the reason of a signal has a code', () => {
  const reasonOf = async (signal: AbortSignal): Promise<EndCode> => {
    while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(signal.reason).toBeInstanceOf(EndedError)
    return (signal.reason as EndedError).code
  }

  test('of locks and terms', async () => {
    const released = await lock(zk, path).acquire()
    await released.release()
    expect(await reasonOf(released.signal)).toBe('RELEASED')
    const deleted = await lock(zk, path).acquire()
    await other.delete(deleted.path)
    expect(await reasonOf(deleted.signal)).toBe('DELETED')
    const revoked = await lock(zk, path).acquire()
    while (!revoked.revoked.aborted) {
      await lock(other, path).revoke()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await reasonOf(revoked.revoked)).toBe('REVOKED')
    const own = await connect(server.connectString)
    const lost = await lock(own, `${path}-lost`).acquire()
    await own.close()
    expect(await reasonOf(lost.signal)).toBe('SESSION_LOST')
    const terms = election(zk, `${path}-election`).terms()
    const term = (await terms.next()).value
    await terms.return()
    expect(term && (await reasonOf(term.signal))).toBe('RELEASED')
  })
})

test('everything a recipe gives can be written as JSON', async () => {
  const held = await lock(zk, path, { data: 'me' }).acquire()
  const all = await multiLock(zk, [`${path}-a`, `${path}-b`]).acquire()
  const one = election(zk, `${path}-election`, { id: 'me' })
  const terms = one.terms()
  const term = (await terms.next()).value
  const node = await persistentNode(zk, `${path}-node`, '')
  const cached = await cache(zk, `${path}-node`)
  const shared = await sharedValue(zk, `${path}-shared`, text, { seed: 'a' })
  const registration = await discovery(zk, `${path}-services`).register({ name: 'web', address: 'a', port: 1 })
  const resolver = await discovery(zk, `${path}-services`).resolve('web')
  const taken = await group(other, `${path}-group`).join('a')
  const waiting = group(zk, `${path}-group`).join('a', soon)
  const given = {
    held,
    all,
    term,
    leader: await one.leader(),
    candidates: await one.candidates(),
    holders: await lock(zk, path).holders(),
    node,
    state: node.state,
    freshness: cached.freshness,
    entry: cached.get(`${path}-node`),
    shared,
    sharedFreshness: shared.freshness,
    registration,
    instance: registration.instance,
    resolver,
    counted: await counter(zk, `${path}-counter`).add(3n),
    error: await waiting.catch((error: unknown) => error),
    reason: await held.release().then(() => held.signal.reason as unknown),
  }
  for (const [name, value] of Object.entries(given)) expect(() => JSON.stringify(value), name).not.toThrow()
  const written = JSON.parse(JSON.stringify(given)) as Record<keyof typeof given, Record<string, unknown>>
  expect(written.held).toMatchObject({ path: held.path, fencingToken: `${held.fencingToken}`, isHeld: false })
  expect(written.freshness).toMatchObject({ kind: 'live' })
  expect(written.freshness['zxid']).toMatch(/^0x[0-9a-f]+$/)
  expect(written.counted).toEqual({ before: '0', after: '3' })
  expect(written.leader).toMatchObject({ id: 'me', epoch: `${term?.epoch}` })
  await Promise.all([all.release(), terms.return(), node.close(), taken.close(), registration.close()])
  await Promise.all([cached.close(), shared.close(), resolver.close()])
})
