/**
 * Counters, queues and barriers beside Curator 5.4 and kazoo 2.8 on one server, both ways. PEER_ROUNDS changes how often each party of the
 * counting race counts (default 150); with 20000 it is a lane of minutes.
 */
import { fileURLToPath } from 'node:url'
import { type Client, type Codec, connect, text } from '@lightkeeper/client'
import {
  barrier,
  cache,
  counter,
  delayQueue,
  doubleBarrier,
  group,
  priorityQueue,
  type QueueItem,
  queue,
  sharedValue,
} from '@lightkeeper/recipes'
import { compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetName, type TargetServer } from '../../../support/target.ts'
import { until } from '../../../support/wait.ts'
import { Peer } from '../../peer.ts'
import { missingKazoo, python } from '../../python.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(here('../../../../.cache/interop/java'))
const times = Number(process.env['PEER_ROUNDS'] ?? 150)

const missingCurator = (): string | undefined =>
  javaMissing(['zookeeper', 'curator-recipes']) ??
  compileJava(classPath, [here('CuratorPeer.java'), here('../../Commands.java')])

const int32: Codec<number> = {
  encode(value) {
    const data = new Uint8Array(4)
    new DataView(data.buffer).setInt32(0, value)
    return data
  },
  decode: (data) => new DataView(data.buffer, data.byteOffset).getInt32(0),
}

/** Takes `count` items, one after the other, and is done with each. */
async function take(
  from: { take(options?: { timeout?: number }): Promise<QueueItem<string>> },
  count: number,
): Promise<string[]> {
  const values: string[] = []
  while (values.length < count) {
    const item = await from.take({ timeout: 20_000 })
    values.push(item.value)
    await item.done()
  }
  return values
}

/** Each side waits at a barrier that the other has set, and continues when it is removed. `set` is the peer's command for that. */
async function holdEachOther({ zk, peer }: { readonly zk: Client; readonly peer: Peer }, set: string): Promise<void> {
  const ours = barrier(zk, '/gates/a')
  await peer.call(set, '/gates/a')
  await expect(ours.wait({ timeout: 300 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  const waiting = ours.wait()
  await peer.call('barrier-remove', '/gates/a')
  await waiting
  await ours.set()
  const theirs = peer.call('barrier-wait', '/gates/a')
  let isOver = false
  void theirs.then(() => (isOver = true))
  await zk.sync('/')
  expect(isOver).toBe(false)
  await ours.remove()
  expect((await theirs).toLowerCase()).toBe('true')
}

/** A lane for one kind of peer, on Apache 3.8 and on ours. */
function lane(
  name: string,
  missing: string | undefined,
  command: (connectString: string) => readonly [string, ...string[]],
  cases: (parties: () => { zk: Client; peer: Peer }) => void,
): void {
  for (const target of ['apache-3.8', 'ours'] satisfies TargetName[]) {
    const reason = missing ?? missingTarget(target)
    if (reason !== undefined) {
      if (process.env['INTEROP'] === 'require')
        throw new Error(`counters, queues and barriers beside ${name} are required: ${reason}`)
      console.log(`counters, queues and barriers beside ${name} on ${target}: skipped, because ${reason}`)
    }
    describe.skipIf(reason !== undefined)(`counters, queues and barriers beside ${name} on ${target}`, () => {
      let server: TargetServer
      let zk: Client
      let peer: Peer
      beforeAll(async () => {
        server = await startTarget({ tickTime: 500 }, target)
        zk = await connect(server.connectString)
        peer = new Peer(command(server.connectString))
      })
      afterAll(async () => {
        await peer[Symbol.asyncDispose]()
        await zk.close()
        await server.close()
      })
      cases(() => ({ zk, peer }))
    })
  }
}

const java = (connectString: string): readonly [string, ...string[]] => [
  'java',
  '-XX:TieredStopAtLevel=1',
  '-cp',
  classPath,
  'CuratorPeer',
  connectString,
]

lane('Curator', missingCurator(), java, (parties) => {
  test('SharedCount and DistributedAtomicInteger count as our counter of 32 bits does', async () => {
    const { zk, peer } = parties()
    const ours = counter(zk, '/app/int', { format: 'int32' })
    expect((await ours.add(258)).after).toBe(258)
    expect((await zk.get('/app/int')).data).toEqual(new Uint8Array([0, 0, 1, 2]))
    expect(await peer.call('count-get', '/app/int')).toBe('258')
    expect(await peer.call('int-add', '/app/int', -300)).toBe('-42')
    expect((await ours.increment()).after).toBe(-41)
    await peer.call('count-set', '/app/int', 7)
    expect(await ours.get()).toBe(7)
    expect(await ours.compareAndSet(7, 8)).toBe(true)
    expect(await peer.call('int-add', '/app/int', 1)).toBe('9')
  })

  test('DistributedAtomicLong counts as our counter of 64 bits does', async () => {
    const { zk, peer } = parties()
    const ours = counter(zk, '/app/long')
    expect(await peer.call('long-add', '/app/long', 65536)).toBe('65536')
    expect((await ours.add(2n ** 40n)).after).toBe(2n ** 40n + 65536n)
    expect(await peer.call('long-get', '/app/long')).toBe(`${2n ** 40n + 65536n}`)
  })

  test('nothing is lost or counted twice when both count at once', async () => {
    const { zk, peer } = parties()
    const ours = counter(zk, '/app/race')
    const theirs = peer.call('long-many', '/app/race', times)
    for (let i = 0; i < times; i++) await ours.increment()
    const succeeded = BigInt(await theirs)
    expect(succeeded).toBeGreaterThan(0n)
    expect(await ours.get()).toBe(BigInt(times) + succeeded)
  })

  test('a SharedCount is our shared value of four bytes', async () => {
    const { zk, peer } = parties()
    await using ours = await sharedValue(zk, '/app/shared', int32, { seed: 5 })
    expect(await peer.call('count-get', '/app/shared')).toBe('5')
    const changes = ours.changes()
    await peer.call('count-set', '/app/shared', 6)
    for await (const change of changes) if (change.kind === 'changed' && change.value === 6) break
    expect(ours.current?.value).toBe(6)
    expect(await ours.trySet(7)).toBeDefined()
    await expect.poll(() => peer.call('count-get', '/app/shared'), { timeout: 10_000 }).toBe('7')
    await peer.call('value-set', '/app/text', 'theirs')
    expect((await zk.get('/app/text')).data).toEqual(text.encode('theirs'))
  })

  test('each holds the other at a barrier and lets it go', () => holdEachOther(parties(), 'barrier-set'))

  test('both go through one double barrier together, several times', async () => {
    const { zk, peer } = parties()
    for (const round of [1, 2, 3]) {
      const path = `/doubles/${round}` as const
      const ours = doubleBarrier(zk, path, { count: 2 })
      await expect(ours.enter({ timeout: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' })
      const entering = ours.enter({ timeout: 20_000 })
      expect(await peer.call('double-enter', path, 2)).toBe('true')
      const inside = await entering
      const leaving = peer.call('double-leave', path)
      await inside.leave({ timeout: 20_000 })
      expect(await leaving).toBe('true')
      expect((await zk.children(path)).children).toEqual([])
    }
  })

  test('items go through a queue from each to the other, in order', async () => {
    const { zk, peer } = parties()
    const ours = queue(zk, '/queues/plain', { codec: text, claims: '/queues/plain-locks' })
    for (const item of ['a', 'b', 'c']) await ours.put(item)
    expect(await peer.call('take', '/queues/plain', 'plain', '/queues/plain-locks', 3)).toBe('a,b,c')
    for (const item of ['d', 'e', 'f']) await peer.call('put', '/queues/plain', 'plain', item)
    expect(await take(ours, 3)).toEqual(['d', 'e', 'f'])
    expect(await ours.length()).toBe(0)
  })

  test('each item is consumed by one of both, when both consume', async () => {
    const { zk, peer } = parties()
    const ours = queue(zk, '/queues/both', { codec: text, claims: '/queues/both-locks' })
    for (let i = 0; i < 40; i++) await ours.put(`${i}`)
    const theirs = peer.call('take', '/queues/both', 'plain', '/queues/both-locks', 10)
    const taken: string[] = []
    while (taken.length < 30 && (await ours.length()) > 0) {
      const item = await ours.take({ timeout: 1_000 }).catch(() => undefined)
      if (item === undefined) continue
      taken.push(item.value)
      await item.done()
    }
    const all = [...taken, ...(await theirs).split(',')].filter((value) => value !== '')
    expect(all.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
  })

  test('priorities stand in one order, negative ones first', async () => {
    const { zk, peer } = parties()
    const ours = priorityQueue(zk, '/queues/priority', { codec: text, claims: '/queues/priority-locks' })
    for (const [item, priority] of [
      ['five', 5],
      ['minus', -5],
      ['zero', 0],
    ] as const)
      await ours.put(item, priority)
    await peer.call('put', '/queues/priority', 'priority', 'three', 3)
    expect(await peer.call('take', '/queues/priority', 'priority', '/queues/priority-locks', 4)).toBe(
      'minus,zero,three,five',
    )
    for (const priority of [7, -7, 1]) await peer.call('put', '/queues/priority', 'priority', `p${priority}`, priority)
    expect(await take(ours, 3)).toEqual(['p-7', 'p1', 'p7'])
  })

  test('delayed items come when they are due, to each from the other', async () => {
    const { zk, peer } = parties()
    const ours = delayQueue(zk, '/queues/delay', { codec: text, claims: '/queues/delay-locks' })
    await ours.put('later', { delay: 600 })
    await ours.put('sooner', { delay: 100 })
    expect(await peer.call('take', '/queues/delay', 'delay', '/queues/delay-locks', 2)).toBe('sooner,later')
    const now = zk.clock.wall()
    await peer.call('put', '/queues/delay', 'delay', 'later', Math.trunc(now) + 800)
    await peer.call('put', '/queues/delay', 'delay', 'sooner', Math.trunc(now) + 300)
    expect(await take(ours, 2)).toEqual(['sooner', 'later'])
    expect(zk.clock.wall()).toBeGreaterThanOrEqual(Math.trunc(now) + 800)
  })

  test('both caches show what the other side writes', async () => {
    const { zk, peer } = parties()
    await zk.create('/routes/a', 'one', { parents: true })
    expect(await peer.call('cache-start', '/routes')).toBe('true')
    await using ours = await cache(zk, '/routes', { codec: text, recursive: true })
    expect(ours.get('/routes/a')?.value).toBe('one')
    await zk.set('/routes/a', 'two')
    await zk.create('/routes/b', 'new')
    expect(await peer.call('cache-get', '/routes', '/routes/a', 'two')).toBe('two')
    expect(await peer.call('cache-get', '/routes', '/routes/b', 'new')).toBe('new')
    await zk.delete('/routes/b')
    expect(await peer.call('cache-get', '/routes', '/routes/b', 'absent')).toBe('absent')
    await peer.call('count-set', '/routes/n', 3)
    await ours.atLeast((await zk.get('/routes/n')).stat.mzxid)
    expect(ours.children('/routes')).toEqual(['a', 'n'])
  })
})

lane(
  'kazoo',
  missingKazoo,
  (connectString) => [python ?? 'python3', here('kazoo_peer.py'), connectString],
  (parties) => {
    test('a Counter counts as our counter of digits, and of 32 bits', async () => {
      const { zk, peer } = parties()
      const digits = counter(zk, '/app/digits', { format: 'decimal' })
      expect(await peer.call('counter-add', '/app/digits', 3)).toBe('3')
      expect((await digits.add(4)).after).toBe(7)
      expect(await peer.call('counter-get', '/app/digits')).toBe('7')
      const bits = counter(zk, '/app/bits', { format: 'int32' })
      expect((await bits.add(258)).after).toBe(258)
      expect(await peer.call('int32-add', '/app/bits', -8)).toBe('250')
      expect(await bits.get()).toBe(250)
    })

    test.each([
      ['Party', 'kazooParty'],
      ['ShallowParty', 'kazooShallowParty'],
    ] as const)('a %s has our members, and we have its', async (kind, layout) => {
      const { zk, peer } = parties()
      const ours = group(zk, `/${kind}`, { layout })
      const stop = new AbortController()
      let last = ''
      const following = (async () => {
        for await (const members of ours.follow({ signal: stop.signal })) last = members.map(({ id }) => id).join()
      })()
      const untilLast = (expected: string): Promise<void> =>
        until(
          () => last === expected,
          () => last,
        )
      await peer.call('party-join', kind, `/${kind}`, 'theirs')
      const me = await ours.join('ours')
      await untilLast('ours,theirs')
      expect(await peer.call('party-list', kind, `/${kind}`)).toBe('ours,theirs')
      expect((await ours.members()).map(({ id }) => id)).toEqual(['ours', 'theirs'])
      await peer.call('party-leave', `/${kind}`, 'theirs')
      await untilLast('ours')
      await me.close()
      await untilLast('')
      expect(await peer.call('party-list', kind, `/${kind}`)).toBe('')
      await expect(ours.join('a', { data: 'b' })).rejects.toThrow(`members in the layout ${layout} have no data`)
      stop.abort()
      await following
    })

    test('each holds the other at a barrier and lets it go', () => holdEachOther(parties(), 'barrier-create'))

    test('both go through one double barrier together', async () => {
      const { zk, peer } = parties()
      for (const round of [1, 2, 3]) {
        // kazoo takes `ready` away as soon as one leaves: a path for each round.
        const path = `/doubles/${round}` as const
        const entering = doubleBarrier(zk, path, { count: 2 }).enter({ timeout: 20_000 })
        await peer.call('double-enter', path, 2)
        const inside = await entering
        const leaving = peer.call('double-leave', path)
        await inside.leave({ timeout: 20_000 })
        await leaving
        expect((await zk.children(path)).children).toEqual([])
      }
    })

    test('items go through a LockingQueue from each to the other, by priority', async () => {
      const { zk, peer } = parties()
      const ours = priorityQueue(zk, '/queues/locking', { codec: text, layout: 'kazooLocking' })
      await ours.put('last', 200)
      await ours.put('first', 1)
      await peer.call('locking-put', '/queues/locking', 'middle', 100)
      expect(await peer.call('locking-take', '/queues/locking', 3)).toBe('first,middle,last')
      for (const [item, priority] of [
        ['c', 9],
        ['a', 3],
        ['b', 3],
      ] as const) {
        await peer.call('locking-put', '/queues/locking', item, priority)
      }
      expect(await take(ours, 3)).toEqual(['a', 'b', 'c'])
    })

    test('neither takes from a LockingQueue what the other has claimed', async () => {
      const { zk, peer } = parties()
      const ours = queue(zk, '/queues/claimed', { codec: text, layout: 'kazooLocking' })
      await ours.put('mine')
      const item = await ours.take()
      await ours.put('theirs')
      expect(await peer.call('locking-take', '/queues/claimed', 1)).toBe('theirs')
      const theirs = peer.call('locking-take', '/queues/claimed', 1)
      await item.release()
      expect(await theirs).toBe('mine')
    })

    test('items go through a Queue from each to the other', async () => {
      const { zk, peer } = parties()
      const ours = queue(zk, '/queues/plain', { codec: text, layout: 'kazooQueue' })
      for (const item of ['a', 'b']) await ours.put(item)
      expect(await peer.call('queue-take', '/queues/plain', 2)).toBe('a,b')
      for (const item of ['c', 'd']) await peer.call('queue-put', '/queues/plain', item)
      expect(await take(ours, 2)).toEqual(['c', 'd'])
    })
  },
)
