import { opCode } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../../../test/support/outcome.ts'
import { connected, type ServerEnd, type Stage, settle, stage } from '../client.harness.ts'
import type { Client } from '../client.ts'
import { connect } from '../connect.ts'
import { HostList } from '../host-list.ts'

describe('identities', () => {
  test('are accepted before the replies to earlier requests, as a server that reads ahead sends them', async () => {
    const { zk, clock, peer } = await connected()
    const writing = outcomeOf(zk.sync('/'))
    const adding = outcomeOf(zk.addAuth('digest', 'joe:pw'))
    await clock.advance(0)
    const write = peer.request()
    const auth = peer.request()
    expect([write.type, auth.type]).toEqual([opCode.sync, opCode.auth])
    peer.reply(auth.xid, 0, undefined, 0n)
    peer.reply(write.xid, 0, (writer) => writer.ustring('/'))
    expect([await adding, await writing, zk.state.kind]).toEqual(['ok', 'ok', 'connected'])
  })

  test('fail with the connection they were sent on', async () => {
    const { zk, clock, peer } = await connected()
    const adding = outcomeOf(zk.addAuth('digest', 'joe:pw'))
    await clock.advance(0)
    peer.lose()
    expect(await adding).toBe('CONNECTION_LOSS unknown')
  })

  test('added while a connection is being prepared are shown on that connection', async () => {
    const made = stage({ auth: [{ scheme: 'digest', credentials: 'first:pw' }] })
    await made.clock.advance(0)
    accept(made.peer)
    await made.clock.advance(0)
    made.peer.reply(made.peer.request().xid, 0, undefined, 0n)
    await made.clock.advance(0)
    const zk = await made.connecting
    made.peer.lose()
    await made.clock.advance(2000)
    accept(made.peer)
    await made.clock.advance(0)
    const adding = outcomeOf(zk.addAuth('digest', 'second:pw'))
    await made.clock.advance(0)
    const [first, second] = [made.peer.request(), made.peer.request()]
    expect([first.type, second.type]).toEqual([opCode.auth, opCode.auth])
    made.peer.reply(first.xid, 0, undefined, 0n)
    made.peer.reply(second.xid, 0, undefined, 0n)
    expect(await adding).toBe('ok')
  })

  test('asked for on a connection that is gone do not take the next one down when they cannot be had', async () => {
    const answers: { reject(error: Error): void; resolve(credentials: string): void }[] = []
    const credentials = (): Promise<string> =>
      new Promise((resolve, reject) => {
        answers.push({ resolve, reject })
      })
    const { clock, connecting, ...made } = withPeers(stage({ auth: [{ scheme: 'digest', credentials }] }))
    await clock.advance(0)
    accept(made.latest())
    await clock.advance(0)
    made.latest().lose()
    await clock.advance(2000)
    accept(made.latest())
    await clock.advance(0)
    answers[1]?.resolve('joe:pw')
    await clock.advance(0)
    answers[0]?.reject(new Error('the vault is sealed'))
    await clock.advance(0)
    const auth = made.latest().request()
    made.latest().reply(auth.xid, 0, undefined, 0n)
    await clock.advance(0)
    expect((await connecting).state.kind).toBe('connected')
  })

  test('that never come do not hold a connection for ever', async () => {
    let isLocked = false
    const credentials = (): string | Promise<string> => (isLocked ? new Promise(() => {}) : 'joe:pw')
    const { clock, connecting, ...made } = withPeers(stage({ auth: [{ scheme: 'digest', credentials }] }))
    await clock.advance(0)
    accept(made.latest())
    await clock.advance(0)
    made.latest().reply(made.latest().request().xid, 0, undefined, 0n)
    await clock.advance(0)
    await connecting
    isLocked = true
    made.latest().lose()
    await clock.advance(2000)
    const stuck = made.latest()
    accept(stuck)
    for (let i = 0; i < 10; i++) {
      await clock.advance(1000)
      while (stuck.waiting > 0) stuck.reply(stuck.request().xid)
    }
    expect(stuck.isClosed).toBe(true)
  })
})

/** Lets the client see a reply with this zxid. */
async function see({ zk, clock, peer }: Awaited<ReturnType<typeof connected>>, zxid: bigint): Promise<void> {
  const seeing = zk.sync('/')
  await clock.advance(0)
  peer.reply(peer.request().xid, 0, (writer) => writer.ustring('/'), zxid)
  await seeing
}

describe('connecting', () => {
  test('shares the time of connect() among the servers: one that never answers leaves time for the next', async () => {
    const made = withPeers(stage({ connectTimeout: 10_000, sessionTimeout: 30_000 }, 'a:1,b:2'))
    await made.clock.advance(6000)
    expect(made.peers.map(({ address }) => address).sort()).toEqual(['a:1', 'b:2'])
    accept(made.latest())
    await made.clock.advance(0)
    expect((await made.connecting).state.kind).toBe('connected')
  })

  test('starts over at zxid 0 for a new session where no server has what the old one saw', async () => {
    const made = await connected({ sessionTimeout: 9000 })
    await see(made, 500n)
    made.peer.lose()
    await made.clock.advance(2000)
    expect(made.peer.open()).toMatchObject({ sessionId: 0x77n, lastZxidSeen: 500n })
    made.peer.accept(0n, 0)
    await made.clock.advance(12_000)
    expect(made.peer.open()).toMatchObject({ sessionId: 0n, lastZxidSeen: 500n })
    made.peer.lose()
    await made.clock.advance(12_000)
    expect(made.peer.open()).toMatchObject({ sessionId: 0n, lastZxidSeen: 0n })
    made.peer.accept(0x78n)
    await made.clock.advance(0)
    expect(made.zk.state).toMatchObject({ kind: 'connected', sessionId: 0x78n })
  })

  test('never goes back behind what a living session has seen', async () => {
    const made = await connected({ sessionTimeout: 9000 })
    await see(made, 500n)
    for (let i = 0; i < 4; i++) {
      made.peer.lose()
      await made.clock.advance(1700)
      expect(made.peer.open()).toMatchObject({ sessionId: 0x77n, lastZxidSeen: 500n })
    }
  })
})

test('a reply that arrived while the process was paused counts before the server is taken for dead', async () => {
  const { zk, clock, peer } = await connected()
  // The pause: time has passed, the timer is due, and the bytes behind it have not been read yet.
  clock.after(0, () => {
    clock.time += 7000
    clock.after(0, () => peer.reply(-2))
  })
  await clock.advance(7000)
  expect([zk.state.kind, peer.isClosed]).toEqual(['connected', false])
})

test('an error shows who made the call', async () => {
  const { zk, clock, peer } = await connected()
  async function theCaller(): Promise<void> {
    await zk.get('/missing')
  }
  const failing = theCaller().catch((error: unknown) => error as Error)
  await clock.advance(0)
  peer.reply(1, -101)
  await settle()
  expect((await failing)?.stack).toContain('theCaller')
})

describe('a server without a quorum', () => {
  test('is left as soon as another can be written to; its session was its own', async () => {
    const made = withPeers(stage({ readOnly: true }, 'a:1,b:2'))
    await made.clock.advance(0)
    const first = made.latest()
    expect(first.open()).toMatchObject({ readOnly: true })
    first.accept(0x55n, 9000, true)
    await made.clock.advance(0)
    const zk = await made.connecting
    expect(zk.state).toMatchObject({ kind: 'connected', readOnly: true, sessionId: 0x55n })
    await made.clock.advance(100)
    for (const answer of ['ro', 'null', 'rw']) {
      const asked = made.latest()
      asked.events.opened?.()
      expect(asked.word).toBe('isro')
      asked.answer(answer)
      await made.clock.advance(1000)
      while (first.waiting > 0) first.reply(first.request().xid)
    }
    expect(first.isClosed).toBe(true)
    const next = made.latest()
    expect(next.open()).toMatchObject({ sessionId: 0n })
    next.accept(0x66n)
    await made.clock.advance(0)
    expect(zk.state).toMatchObject({ kind: 'connected', readOnly: false, isNew: true, sessionId: 0x66n })
    const { length } = made.peers
    await made.clock.advance(2000)
    expect(made.peers).toHaveLength(length)
  })

  test('that opens no session is left for the next one, with a reason that says so', async () => {
    const lines: unknown[] = []
    const log = (_level: string, message: string, facts?: object): void => void lines.push([message, facts])
    const made = withPeers(stage({ readOnly: true, log }, 'a:1,b:2'))
    await made.clock.advance(0)
    const first = made.latest()
    expect(first.open()).toMatchObject({ readOnly: true })
    // What Apache 3.9 sends: the header of a reply to xid 0, with NOT_READ_ONLY.
    first.reply(0, -119)
    expect(first.isClosed).toBe(true)
    await made.clock.advance(1_000)
    const second = made.latest()
    expect(second.address).not.toBe(first.address)
    second.open()
    second.accept()
    await made.clock.advance(0)
    expect((await made.connecting).state).toMatchObject({ kind: 'connected' })
    const reason = `${first.address}: the server opens no session: it has no quorum`
    expect(lines).toContainEqual(['an attempt to connect failed', { reason }])
  })

  test('keeps the session that began on one with a quorum', async () => {
    const made = await connected({ readOnly: true })
    made.peer.lose()
    await made.clock.advance(2000)
    expect(made.peer.open()).toMatchObject({ sessionId: 0x77n })
    made.peer.accept(0x77n, 9000, true)
    await made.clock.advance(0)
    expect(made.zk.state).toMatchObject({ kind: 'connected', readOnly: true, isNew: false })
  })
})

test('an expired session says what went with it', async () => {
  const made = await connected({ sessionTimeout: 9000 })
  const { zk, clock } = made
  const states: unknown[] = []
  void (async () => {
    for await (const state of zk.states()) if (state.kind === 'expired') states.push(state.lost)
  })()
  const all = Promise.all([
    zk.create('/mine', '', { mode: 'ephemeral' }),
    zk.create('/deleted', '', { mode: 'ephemeral' }),
    zk.delete('/deleted'),
    zk.create('/kept'),
  ])
  await clock.advance(0)
  for (let i = 0; i < 4; i++) {
    const { xid, type, body } = made.peer.request()
    const path = body.ustring()
    made.peer.reply(xid, 0, (writer) => {
      if (type === opCode.delete) return
      writer.ustring(path)
      for (let j = 0; j < 17; j++) writer.int(0)
    })
  }
  await all
  made.peer.lose()
  await clock.advance(12_000)
  expect(states).toEqual([{ ephemerals: ['/mine'], oneShotWatches: 0 }])
})

describe('a request that a server does not know', () => {
  test('is not sent to it again, and is to the next one', async () => {
    const made = await connected()
    const { zk, clock } = made
    const first = outcomeOf(zk.whoAmI())
    await clock.advance(0)
    made.peer.reply(made.peer.request().xid, -6)
    expect(await first).toBe('UNIMPLEMENTED rejected')
    expect(await outcomeOf(zk.whoAmI())).toBe('UNIMPLEMENTED rejected')
    await clock.advance(0)
    expect(made.peer.waiting).toBe(0)
  })

  test('leaves a stream on one-shot watches, over the connection that Apache closes then', async () => {
    const made = withPeers(await connected())
    const { zk, clock } = made
    const next = zk.watch('/t').next()
    await clock.advance(0)
    const arm = made.latest().request()
    expect(arm.type).toBe(opCode.addWatch)
    made.latest().reply(arm.xid, -6)
    made.latest().lose()
    await clock.advance(2000)
    accept(made.latest())
    await clock.advance(100)
    const { type, xid, body } = made.latest().request()
    expect([type, body.ustring(), body.boolean()]).toEqual([opCode.getData, '/t', true])
    made.latest().reply(xid, 0, (writer) => {
      writer.buffer(new Uint8Array(1))
      for (let j = 0; j < 17; j++) writer.int(0)
    })
    expect(await next).toMatchObject({ value: { kind: 'created', path: '/t' } })
  })
})

describe('a lease', () => {
  test('counts from the sending of what was answered, pings included, and ends before the session may', async () => {
    const made = await connected({ sessionTimeout: 12_000 })
    made.peer.lose()
    await made.clock.advance(2000)
    made.peer.open()
    await made.clock.advance(500)
    made.peer.accept(0x77n, 12_000)
    await made.clock.advance(0)
    const { zk, clock, peer } = made
    const lease = zk.lease()
    // 12 s and a margin of 2 s, from when the handshake was sent.
    expect(lease.remaining()).toBe(9500)
    await clock.advance(4000)
    await clock.advance(2500)
    expect([peer.waiting, lease.remaining()]).toEqual([1, 3000])
    // The ping was sent at 4000; its answer says nothing of the time since.
    peer.reply(-2)
    expect(lease.remaining()).toBe(10_000 - 2500)
    peer.request()
    const answered = zk.sync('/')
    await clock.advance(1000)
    peer.reply(peer.request().xid, 0, (writer) => writer.ustring('/'))
    await answered
    expect(lease.remaining()).toBe(9000)
    peer.lose()
    await clock.advance(8900)
    for (let i = 0; i < 3; i++) if (!made.peer.isClosed) made.peer.lose()
    expect(lease.signal.aborted).toBe(false)
    await clock.advance(200)
    expect([lease.signal.aborted, lease.remaining()]).toEqual([true, 0])
    expect(String(lease.signal.reason)).toContain('no server has answered in time')
    expect(zk.epoch).toBe(0)
  })

  test('ends at once with its session, and there is none without one', async () => {
    const made = await connected()
    using lease = made.zk.lease()
    expect(lease.signal.aborted).toBe(false)
    const closing = made.zk.close()
    await made.clock.advance(2000)
    await closing
    expect([lease.signal.aborted, lease.remaining()]).toEqual([true, 0])
    expect(made.zk.lease().signal.aborted).toBe(true)
  })
})

describe('which server', () => {
  /** Goes on until the client has a connection that it has shaken hands on. */
  async function settleOn(made: Stage): Promise<string> {
    for (let i = 0; i < 100; i++) {
      const peer = made.peers.at(-1)
      if (peer !== undefined && !peer.isClosed && peer.address !== '') break
      await made.clock.advance(100)
    }
    accept(made.peer)
    await made.clock.advance(0)
    return made.peer.address
  }
  const answerPings = (peer: ServerEnd): void => {
    while (peer.waiting > 0) peer.reply(peer.request().xid)
  }

  test('preferred ones come first', async () => {
    for (const [i, zone] of ['a:1', 'b:1', 'c:1', 'd:1'].entries()) {
      const made = stage({ preferred: i % 2 === 0 ? [zone] : (server) => server === zone }, 'a:1,b:1,c:1,d:1')
      await made.clock.advance(0)
      expect(made.peer.address).toBe(zone)
    }
  })

  test('after a failover it goes back to a preferred one, later, with its session', async () => {
    const made = await connected({ preferred: ['b:1'], rebalanceAfter: 60_000 }, 'a:1,b:1')
    expect(made.peer.address).toBe('b:1')
    made.peer.lose()
    expect(await settleOn(made)).toBe('a:1')
    const there = made.peer
    for (let i = 0; i < 59; i++) {
      await made.clock.advance(1000)
      answerPings(there)
    }
    expect(there.isClosed).toBe(false)
    const hold = made.zk.hold()
    for (let i = 0; i < 100; i++) {
      await made.clock.advance(1000)
      answerPings(there)
    }
    expect(there.isClosed).toBe(false)
    hold.close()
    await made.clock.advance(2000)
    expect(there.isClosed).toBe(true)
    expect(await settleOn(made)).toBe('b:1')
    expect(made.zk.state).toMatchObject({ kind: 'connected', isNew: false, server: 'b:1' })
    for (let i = 0; i < 300; i++) {
      await made.clock.advance(1000)
      answerPings(made.peer)
    }
    expect(made.peer.isClosed).toBe(false)
  })

  test('can change while the client runs: it leaves a server that is not in the new list', async () => {
    const made = await connected({}, 'a:1')
    made.zk.updateServers('a:1')
    await made.clock.advance(2000)
    expect(made.peers).toHaveLength(1)
    made.zk.updateServers('b:1')
    await made.clock.advance(2000)
    expect(await settleOn(made)).toBe('b:1')
    expect(() => made.zk.updateServers('b:1/app')).toThrow('must be a list of servers without a chroot')
  })

  test('can change back before the client has moved: it stays where it is', async () => {
    const made = await connected({}, 'a:1')
    const hold = made.zk.hold()
    made.zk.updateServers('b:1')
    await made.clock.advance(1000)
    made.zk.updateServers('a:1')
    hold.close()
    await made.clock.advance(2000)
    expect(made.peers.map(({ address }) => address)).toEqual(['a:1'])
  })

  test('can change while the client waits to dial: it does not dial a server that is not in the new list', async () => {
    const made = await connected({ backoff: { baseMs: 500 } }, 'a:1')
    made.peer.lose()
    const { length } = made.peers
    made.zk.updateServers('b:1')
    await made.clock.advance(3000)
    expect(made.peers.slice(length).map(({ address }) => address)).toEqual(['b:1'])
  })

  test('a preferred one that is still away when the client wants to go back is tried again later', async () => {
    const made = await connected({ preferred: ['b:1'], rebalanceAfter: 60_000 }, 'a:1,b:1')
    for (const minutes of [2, 4]) {
      // Nothing listens on the preferred one.
      while (made.peer.address === 'b:1') {
        made.peer.lose('refused')
        for (let i = 0; i < 30 && made.peer.isClosed; i++) await made.clock.advance(100)
      }
      expect(await settleOn(made)).toBe('a:1')
      const there = made.peer
      for (let i = 0; i < minutes * 60 && !there.isClosed; i++) {
        await made.clock.advance(1000)
        answerPings(there)
      }
      await made.clock.advance(1000)
      expect([there.isClosed, made.peer.address], `after ${minutes} minutes`).toEqual([true, 'b:1'])
    }
    expect(await settleOn(made)).toBe('b:1')
    expect(made.zk.state).toMatchObject({ kind: 'connected', isNew: false, server: 'b:1' })
  })

  test('moves so many clients to servers that came that each has its share', () => {
    let state = 1
    const below = (bound: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fff_ffff
      return (state >> 8) % bound
    }
    const random = { below, bytes: () => new Uint8Array() }
    const hosts = new HostList(['a:1', 'b:1'], random, { baseMs: 1, maxMs: 1 })
    hosts.replace(['a:1', 'b:1', 'c:1', 'd:1'])
    const there = Array.from({ length: 400 }, (_, i) => hosts.serverAfter(['a:1', 'b:1'], i % 2 === 0 ? 'a:1' : 'b:1'))
    for (const server of ['a:1', 'b:1', 'c:1', 'd:1']) {
      const share = there.filter((each) => each === server).length
      expect(share, server).toBeGreaterThan(60)
      expect(share, server).toBeLessThan(140)
    }
  })

  test('comes from the SRV records of a name, asked for again before every pass', async () => {
    const made = stage({}, 'srv:_zookeeper._tcp.shop/app')
    await made.clock.advance(500)
    expect(made.peers).toHaveLength(0)
    made.services.set('_zookeeper._tcp.shop', ['old:1'])
    await made.clock.advance(2000)
    made.peer.lose('gone')
    made.services.set('_zookeeper._tcp.shop', ['new:2'])
    for (let i = 0; i < 50 && made.peers.at(-1)?.address !== 'new:2'; i++) {
      await made.clock.advance(100)
      if (made.peer.address === 'old:1' && !made.peer.isClosed) made.peer.lose('gone')
    }
    made.services.clear()
    accept(made.peer)
    await made.clock.advance(0)
    const zk = await made.connecting
    made.peer.lose()
    expect(await settleOn(made)).toBe('new:2')
    expect(zk.state.kind).toBe('connected')
  })

  test('a name that cannot be resolved is the cause that connect() gives', async () => {
    const made = stage({ connectTimeout: 3000 }, 'srv:_zookeeper._tcp.shop')
    const failed = made.connecting.catch((error: unknown) => error as AggregateError)
    await made.clock.advance(5000)
    const causes = ((await failed) as AggregateError).errors.map((each: Error) => each.message)
    expect(causes).toEqual(['_zookeeper._tcp.shop: ENOTFOUND'])
    await expect(connect('srv:a b')).rejects.toThrow('is no name of a service')
  })
})

function accept(peer: ServerEnd): void {
  peer.open()
  peer.accept()
}

function withPeers<T extends { readonly peers: ServerEnd[] }>(made: T): T & { latest(): ServerEnd } {
  return Object.assign(made, { latest: () => made.peers.at(-1) as ServerEnd })
}

describe('a write whose reply is lost', () => {
  test('ends by the time of the client, however long it takes to find out what became of it', async () => {
    const made = await connected({ sessionTimeout: 9000, requestTimeout: 20_000 })
    const { zk, clock } = made
    const writing = outcomeOf(zk.set('/x', 'v', { version: 3 }))
    await clock.advance(0)
    made.peer.lose()
    // Servers that take the connection and then answer nothing but pings.
    for (let i = 0; i < 300; i++) {
      await clock.advance(100)
      const { peer } = made
      if (peer.isClosed) continue
      if (peer.waiting > 0) while (peer.waiting > 0) if (peer.request().xid === -2) peer.reply(-2)
      if (zk.state.kind !== 'connected') accept(peer)
    }
    expect(await writing).toBe('TIMEOUT unknown')
  })
})

describe('a connection that ends as soon as it serves', () => {
  test('is not made again without pauses that grow', async () => {
    const made = await connected({ sessionTimeout: 30_000 })
    const { zk, clock } = made
    // A request that a server answers by closing the connection.
    const reading = outcomeOf(zk.get('/poison', { timeout: 20_000 }))
    for (let ms = 0; ms < 20_000; ms += 10) {
      await clock.advance(10)
      const { peer } = made
      if (peer.isClosed) continue
      if (zk.state.kind !== 'connected') accept(peer)
      await clock.advance(0)
      if (peer.waiting > 0) peer.lose('closed by the server')
    }
    expect(await reading).toMatch(/^TIMEOUT/)
    expect(made.peers.length).toBeGreaterThan(3)
    expect(made.peers.length).toBeLessThan(600)
  })

  /** Asks for something and gets an answer. */
  const answered = async ({ zk, clock, peer }: Stage & { readonly zk: Client }): Promise<void> => {
    const asking = zk.sync('/')
    await clock.advance(0)
    peer.reply(peer.request().xid, 0, (writer) => writer.ustring('/'))
    await asking
  }

  test('is made again at once where it answered a request, and after a wait where it did not', async () => {
    const made = await connected({ sessionTimeout: 30_000 })
    await answered(made)
    await made.clock.advance(100)
    made.peer.lose()
    await made.clock.advance(0)
    expect(made.peers).toHaveLength(2)

    const other = await connected({ sessionTimeout: 30_000 })
    await other.clock.advance(100)
    other.peer.lose()
    await other.clock.advance(0)
    expect(other.peers).toHaveLength(1)
    await other.clock.advance(3_000)
    expect(other.peers).toHaveLength(2)
  })

  test('waits where the one before it had been made at once: what a server answers before it closes is no sign of health', async () => {
    const made = await connected({ sessionTimeout: 30_000 })
    const { clock } = made
    for (let ms = 0; ms < 20_000; ms += 10) {
      await clock.advance(10)
      if (made.peer.isClosed) continue
      if (made.zk.state.kind !== 'connected') accept(made.peer)
      await clock.advance(0)
      await answered(made)
      made.peer.lose('closed by the server')
    }
    // One in a second without a wait, and those between with one.
    expect(made.peers.length).toBeGreaterThan(20)
    expect(made.peers.length).toBeLessThan(600)
  })
})

test('a name service that hangs holds up no attempt for longer than an attempt may take', async () => {
  const never = new Promise<string[]>(() => {})
  let asked = 0
  const made = stage({ sessionTimeout: 9000 }, 'srv:zk', {})
  expect(made.services.size).toBe(0)
  const clock = made.clock
  made.services.set('zk', ['a:1'])
  await clock.advance(5_000)
  accept(made.peer)
  await clock.advance(0)
  const zk = await made.connecting
  made.services.get = (() => {
    asked++
    return never
  }) as never
  made.peer.lose()
  const before = made.peers.length
  await clock.advance(6_000)
  expect([asked > 0, made.peers.length > before]).toEqual([true, true])
  accept(made.peer)
  await clock.advance(0)
  expect(zk.state).toMatchObject({ kind: 'connected', isNew: false })
})

test('close() ends the session on a connection whose watches are not in place yet', async () => {
  const made = await connected()
  const { zk, clock } = made
  const reading = zk.get('/x', { watch: true })
  await clock.advance(0)
  made.peer.reply(made.peer.request().xid, 0, (writer) => {
    writer.buffer(new Uint8Array(1))
    for (let j = 0; j < 17; j++) writer.int(0)
  })
  await reading
  made.peer.lose()
  await clock.advance(2000)
  accept(made.peer)
  await clock.advance(0)
  const watches = made.peer.request()
  expect(watches.type).toBe(opCode.setWatches)
  const closing = zk.close()
  await clock.advance(0)
  made.peer.reply(watches.xid)
  await clock.advance(0)
  const end = made.peer.request()
  expect(end.type).toBe(opCode.closeSession)
  made.peer.reply(end.xid)
  await clock.advance(0)
  expect(await closing).toEqual({ isEnded: true, left: [], leftForMs: 0 })
})
