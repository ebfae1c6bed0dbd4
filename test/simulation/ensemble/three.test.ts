/** Three servers of ours form one database: any one of them may die, and clients lose neither writes nor sessions. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { Writer, writeConnectRequest } from '@lightkeeper/protocol'
import type { Link } from '@lightkeeper/runtime'
import { afterEach, describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { host, type Sid, sids, Three } from './three.ts'

let three: Three
afterEach(() => three.close())

async function started(seed: number, options = {}): Promise<Three> {
  three = new Three(seed, options)
  await three.start()
  return three
}

async function textAt(zk: Client, path: ZnodePath): Promise<string> {
  await three.run(zk.sync(path))
  return new TextDecoder().decode((await three.run(zk.get(path))).data)
}

/** Writes the numbers from `from` to `to` below /n, each again until it is acknowledged. */
async function write(zk: Client, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) {
    for (;;) {
      try {
        await three.run(zk.create(`/n/${i}`, `${i}`))
        break
      } catch (error) {
        if (KeeperError.is(error, 'NODE_EXISTS')) break
        if (!KeeperError.is(error)) throw error
      }
    }
  }
}

async function expectEqual(): Promise<void> {
  const [first, ...others] = await three.states()
  for (const other of others) expect(other).toBe(first)
  expect(three.lines('DIFFERS')).toEqual([])
}

test('a write at any of them is seen at all of them', async () => {
  await started(1)
  const { followers } = await three.settled()
  expect(followers).toHaveLength(2)
  const clients = []
  for (const sid of sids) clients.push(await three.connect([sid]))
  for (const [i, zk] of clients.entries()) await three.run(zk.create(`/by-${i}`, `${i}`))
  for (const zk of clients) for (const i of clients.keys()) expect(await textAt(zk, `/by-${i}`)).toBe(`${i}`)
  for (const zk of clients) await three.run(zk.close())
  await expectEqual()
})

test.each([20, 500])('a leader whose port opens after %i ms is followed without another election', async (listenMs) => {
  three = new Three(5)
  three.listenMs = listenMs
  await three.start()
  const { leader } = await three.settled()
  three.kill(leader)
  await three.settled()
  // One epoch a leader: nobody was elected in vain.
  const epochs = three.lines('this member leads the ensemble').map((line) => / epoch=(\d+)/.exec(line)?.[1])
  expect(epochs).toEqual(['1', '2'])
  expect(three.lines('the leader cannot be reached')).toEqual([])
})

test('a leader whose port opens far too late is left, and one is found when ports open in time', async () => {
  three = new Three(6)
  three.listenMs = 5_000
  await three.start()
  await three.until(async () => three.lines('the leader cannot be reached').length > 0, 'somebody gives up')
  three.listenMs = 0
  await three.settled()
})

describe.each(seeds(2))('with seed %i', (seed) => {
  test.each(['leader', 'follower'] as const)(
    'the %s may die: writes go on, and it comes back with everything',
    async (role) => {
      await started(seed)
      const zk = await three.connect()
      await three.run(zk.create('/n', ''))
      await three.run(zk.create('/held', '', { mode: 'ephemeral' }))
      const session = zk.sessionId
      let next = 1
      for (const kind of ['kill', 'power', 'kill'] as const) {
        const { leader, followers } = await three.settled()
        const victim = role === 'leader' ? leader : (followers[0] as Sid)
        await write(zk, next, next + 9)
        three.kill(victim, kind)
        await write(zk, next + 10, next + 19)
        await three.start(victim)
        await three.settled()
        await write(zk, next + 20, next + 29)
        next += 30
      }
      expect(zk.sessionId).toBe(session)
      expect((await three.run(zk.children('/n'))).children).toHaveLength(next - 1)
      for (const sid of sids) {
        const there = await three.connect([sid])
        await three.run(there.sync('/held'))
        expect((await three.run(there.exists('/held')))?.ephemeralOwner).toBe(session)
        await three.run(there.close())
      }
      await three.run(zk.close())
      await expectEqual()
    },
  )

  test('the leader may die, and clients write again soon after the election', async () => {
    await started(seed)
    const { leader } = await three.settled()
    const clients = await Promise.all(Array.from({ length: 10 }, () => three.connect()))
    await three.run((clients[0] as Client).create('/n', ''))
    const killedAt = three.world.time
    three.kill(leader)
    const wrote = clients.map(async (zk) => {
      while ((await zk.set('/n', 'x').catch((error: unknown) => error)) instanceof Error);
      return three.world.time - killedAt
    })
    const gaps = await three.run(Promise.all(wrote))
    const [line = ''] = three.lines('this member leads the ensemble').slice(-1)
    const electionMs = Number.parseFloat(line) - killedAt
    // A client waits for at most half of what it has waited already, and twice so where the dead leader is the next in turn.
    expect(Math.max(...gaps)).toBeLessThan(electionMs * 2.25 + 50)
  })

  test('all of them may lose power at once', async () => {
    await started(seed)
    const zk = await three.connect()
    await three.run(zk.create('/n', ''))
    await write(zk, 1, 30)
    for (const sid of sids) three.kill(sid, 'power')
    await three.start()
    await three.settled()
    await write(zk, 31, 40)
    expect((await three.run(zk.children('/n'))).children).toHaveLength(40)
    await three.run(zk.close())
    await expectEqual()
  })

  test('a leader that is cut off answers nothing more, and what it could not commit is undone', async () => {
    await started(seed)
    const { leader, followers } = await three.settled()
    const there = await three.connect([leader])
    await three.run(there.create('/n', ''))
    three.cut(leader)
    const lost = there.create('/n/lost', '').then(
      () => 'acknowledged',
      (error: unknown) => (KeeperError.is(error) ? error.outcome : String(error)),
    )
    let isSynced = false
    const syncing = there.sync('/n').then(() => {
      isSynced = true
    })
    const zk = await three.connect(followers)
    await write(zk, 1, 5)
    expect(isSynced).toBe(false)
    three.heal(leader)
    expect(await three.run(lost)).toBe('unknown')
    await three.settled()
    // The client asks again, and another leader answers.
    await three.run(syncing)
    expect((await three.run(zk.children('/n'))).children).not.toContain('lost')
    await three.run(zk.close())
    await three.run(there.close())
    await expectEqual()
  })
})

test('a member that missed little gets what it missed, also from the disk; one without data gets an image', async () => {
  await started(5, { snapCount: 200 })
  const { followers } = await three.settled()
  const [away] = followers as [Sid, Sid]
  const zk = await three.connect(sids.filter((sid) => sid !== away))
  await three.run(zk.create('/n', ''))
  for (const count of [5, 700]) {
    three.kill(away)
    const before = (await three.run(zk.children('/n'))).children.length
    await three.run(Promise.all(Array.from({ length: count }, (_, i) => zk.create(`/n/${before + i}`, ''))))
    await three.start(away)
    await three.settled()
  }
  expect(three.lines('sending everything')).toEqual([])
  await expectEqual()
  three.kill(away)
  three.wipe(away)
  await three.start(away)
  await three.settled()
  expect(three.lines('sending everything')).toHaveLength(1)
  await expectEqual()
  await three.run(zk.close())
})

test('a leader whose old logs were purged sends everything instead', async () => {
  await started(9, { snapCount: 200 })
  const { leader, followers } = await three.settled()
  const [away] = followers as [Sid, Sid]
  const zk = await three.connect([leader])
  await three.run(zk.create('/n', ''))
  three.kill(away)
  for (let round = 0; round < 4; round++)
    await three.run(Promise.all(Array.from({ length: 300 }, (_, i) => zk.create(`/n/${round}-${i}`, ''))))
  expect(three.loseOldLogs(leader)).toBeGreaterThan(0)
  await three.start(away)
  await three.settled()
  expect(three.lines('sending everything')).toHaveLength(1)
  await three.run(zk.close())
  await expectEqual()
})

test('a session whose client is gone ends on all of them, one that is kept alive through a follower does not', async () => {
  await started(6)
  const { followers } = await three.settled()
  const kept = await three.connect([followers[0] as Sid], { sessionTimeout: 1_000 })
  const gone = await three.connect([followers[1] as Sid], { sessionTimeout: 1_000 })
  await three.run(kept.create('/kept', '', { mode: 'ephemeral' }))
  await three.run(gone.create('/gone', '', { mode: 'ephemeral' }))
  three.world.crash('c2', 'power')
  await three.world.advance(10_000)
  for (const sid of sids) {
    const zk = await three.connect([sid])
    await three.run(zk.sync('/'))
    expect([...(await three.run(zk.children('/'))).children].sort(), `${sid}`).toEqual(['kept', 'zookeeper'])
    await three.run(zk.close())
  }
  await three.run(kept.close())
  await expectEqual()
})

test('a session moves from one server to another, and the old connection cannot write any more', async () => {
  await started(7)
  const { leader, followers } = await three.settled()
  for (const [from, to] of [
    [followers[0], leader],
    [leader, followers[1]],
    [followers[1], followers[0]],
  ] as const) {
    const first = await three.connect([from as Sid])
    await three.run(first.create('/mine', '', { mode: 'ephemeral' }))
    const second = await three.connect([to as Sid], { attach: await three.run(first.detach()) })
    expect(second.sessionId).toBe(first.sessionId)
    expect((await three.run(second.exists('/mine')))?.ephemeralOwner).toBe(first.sessionId)
    await three.run(second.create('/mine-too', '', { mode: 'ephemeral' }))
    await three.run(second.close())
    const zk = await three.connect([from as Sid])
    await three.run(zk.sync('/'))
    expect((await three.run(zk.children('/'))).children).toEqual(['zookeeper'])
    await three.run(zk.close())
  }
})

test('a sync sees every write that was acknowledged before, at whatever server', async () => {
  await started(8)
  await three.settled()
  const clients: Client[] = []
  for (const sid of sids) clients.push(await three.connect([sid]))
  await three.run((clients[0] as Client).create('/x', '0'))
  for (let i = 1; i <= 30; i++) {
    const writer = clients[i % 3] as Client
    const reader = clients[(i + 1) % 3] as Client
    await three.run(writer.set('/x', `${i}`))
    expect(await textAt(reader, '/x')).toBe(`${i}`)
  }
  for (const zk of clients) await three.run(zk.close())
})

test('a sync and a later write of the same client are answered in this order, at whatever server', async () => {
  await started(10)
  await three.settled()
  for (const sid of sids) {
    const zk = await three.connect([sid])
    const path: ZnodePath = `/at-${sid}`
    await three.run(zk.create(path, ''))
    const work: Promise<unknown>[] = []
    for (let i = 0; i < 100; i++) work.push(zk.set(path, `${i}`), zk.sync(path), zk.get(path))
    await three.run(Promise.all(work))
    expect((await three.run(zk.get(path))).stat.version, `${sid}`).toBe(100)
    expect(zk.state.kind, `${sid}`).toBe('connected')
    await three.run(zk.close())
  }
  expect(three.lines('lost')).toEqual([])
})

describe('a client that comes while all of them look for a leader', () => {
  /** It tries once, and then waits for long. */
  const once = { backoff: { baseMs: 20_000, maxMs: 20_000 }, sessionTimeout: 60_000 }

  test('is served when the election is over, with a new session and with an old one', async () => {
    await started(8)
    const { leader, followers } = await three.settled()
    const old = await three.connect(followers, once)
    await three.run(old.create('/held', '', { mode: 'ephemeral' }))
    const token = await three.run(old.detach())
    const killedAt = three.world.time
    three.kill(leader)
    await three.world.advance(20)
    for (const sid of followers) expect(await three.mode(sid)).toBeUndefined()
    const clients = await Promise.all([
      three.connect(followers, { ...once, attach: token }),
      ...Array.from({ length: 10 }, () => three.connect(followers, once)),
    ])
    const [line = ''] = three.lines('this member leads the ensemble').slice(-1)
    const electionMs = Number.parseFloat(line) - killedAt
    expect(three.world.time - killedAt).toBeLessThan(electionMs + 50)
    for (const zk of clients) expect(zk.stats().connections.attempts).toBe(1)
    const held = await three.run((clients[0] as Client).exists('/held'))
    expect(held?.ephemeralOwner).toBe(clients[0]?.sessionId)
    for (const zk of clients) await three.run(zk.close())
  })

  /** A handshake for a new session: what becomes of it. */
  function knock(sid: Sid): { readonly link: Link; readonly seen: string[]; readonly closed: Promise<void> } {
    const writer = new Writer(64)
    const mark = writer.beginFrame()
    const request = { protocolVersion: 0, lastZxidSeen: 0n, timeOut: 60_000, sessionId: 0n, passwd: new Uint8Array(16) }
    writeConnectRequest(writer, { ...request, readOnly: false })
    writer.endFrame(mark)
    const seen: string[] = []
    let over = (): void => {}
    const closed = new Promise<void>((resolve) => {
      over = resolve
    })
    const link = three.world.runtime('raw').network.connect(`${host(sid)}:2181`, {
      opened: () => void link.write(writer.written()),
      data: () => void seen.push('answered'),
      closed() {
        seen.push('closed')
        over()
      },
    })
    return { link, seen, closed }
  }

  test('is sent away where the election takes long, and at once from then on', async () => {
    await started(9)
    const { followers } = await three.settled()
    const alone = followers[0] as Sid
    three.cut(alone)
    await three.until(async () => (await three.mode(alone)) === undefined, 'it looks')
    const patient = knock(alone)
    await three.world.advance(100)
    expect(patient.seen).toEqual([])
    await three.run(patient.closed, 2_000)
    const late = knock(alone)
    await three.run(late.closed, 100)
    expect([...patient.seen, ...late.seen]).toEqual(['closed', 'closed'])
    three.heal(alone)
    await three.settled()
  })

  test('is not let in after it has given up', async () => {
    await started(10)
    const { leader, followers } = await three.settled()
    three.kill(leader)
    await three.world.advance(20)
    const knocks = followers.map(knock)
    await three.world.advance(20)
    for (const { link, seen } of knocks) {
      expect(seen).toEqual([])
      link.destroy()
    }
    await three.settled()
    await three.world.advance(1_000)
    for (const sid of followers) expect(await three.ask(sid, 'cons')).not.toContain('sid=')
  })
})
