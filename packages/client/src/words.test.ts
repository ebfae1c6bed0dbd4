/** What errors, states and the log say: the whole cause, so that a reader of one line knows what to do. */
import { KeeperError } from '@lightkeeper/protocol'
import type { LogFact } from '@lightkeeper/runtime'
import { describe, expect, test } from 'vitest'
import { connected, stage } from './client.harness.ts'
import type { SessionState } from './session/states.ts'

const failureOf = (call: Promise<unknown>): Promise<KeeperError> =>
  call.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => error as KeeperError,
  )

describe('TIMEOUT', () => {
  test('of a call without a connection says since when there is none, and why for each server', async () => {
    const made = await connected({ requestTimeout: 20_000 }, 'a:1,b:2')
    const { zk, clock, peers } = made
    made.peer.lose('read ECONNRESET')
    const since = new Date(clock.wall()).toISOString()
    const short = failureOf(zk.get('/x', { timeout: 4_000 }))
    const plain = failureOf(zk.get('/x'))
    for (let i = 0; i < 300; i++) {
      await clock.advance(100)
      if (peers.at(-1)?.isClosed === false) peers.at(-1)?.lose(`connect ECONNREFUSED`)
    }
    for (const error of [await short, await plain]) {
      expect(error.code).toBe('TIMEOUT')
      expect(error.message).toContain(`since ${since}: `)
      expect(error.message).toContain('a:1: connect ECONNREFUSED')
      expect(error.message).toContain('b:2: connect ECONNREFUSED')
    }
    expect((await short).message).toContain('no reply within 4000 ms: there has been no connection for 4.0 s')
    expect((await short).message).toContain('(get /x)')
  })

  test('of a call that a server does not answer says that', async () => {
    const { zk, clock } = await connected()
    const failing = failureOf(zk.get('/x', { timeout: 500 }))
    await clock.advance(500)
    expect((await failing).message).toContain('no reply within 500 ms: the server has not answered')
  })

  test('of a lazy client that has not reached any server says why', async () => {
    const made = stage({ lazy: true })
    const zk = await made.connecting
    const failing = failureOf(zk.get('/x', { timeout: 500 }))
    await made.clock.advance(0)
    made.peer.lose('connect ETIMEDOUT')
    await made.clock.advance(600)
    expect((await failing).message).toContain('a:1: connect ETIMEDOUT')
    await zk.close()
  })
})

describe('FRAME_TOO_LARGE', () => {
  test('says the size and both limits', async () => {
    const { zk, clock } = await connected({ requestBytesMax: 1_000 })
    const data = await failureOf(zk.set('/x', new Uint8Array(1_500)))
    expect(data.message).toContain('1500 bytes; requestBytesMax of this client is 1000')
    expect(data.message).toContain('jute.maxbuffer of a server is 1048575')
    const whole = failureOf(zk.set('/x', new Uint8Array(990)))
    await clock.advance(0)
    expect((await whole).message).toMatch(/the request has 10\d\d bytes; requestBytesMax of this client is 1000/)
  })

  test('of a reply says its size and the limit of the client', async () => {
    const { zk, clock, peer } = await connected({ replyBytesMax: 1_000 })
    const failing = failureOf(zk.get('/x'))
    await clock.advance(0)
    peer.reply(peer.request().xid, 0, (writer) => writer.buffer(new Uint8Array(2_000)))
    expect((await failing).message).toMatch(/the reply has 20\d\d bytes, replyBytesMax of this client is 1000/)
  })
})

describe('a session that expired', () => {
  async function expiredBy(stallMs: number) {
    const made = await connected({ sessionTimeout: 6_000 })
    const { zk, clock } = made
    const states: SessionState[] = []
    void (async () => {
      for await (const state of zk.states()) states.push(state)
    })()
    using lease = zk.lease()
    const writing = failureOf(zk.set('/x', 'v', { version: 1 }))
    await clock.advance(0)
    clock.time += stallMs
    await clock.advance(0)
    if (!made.peer.isClosed) made.peer.lose('closed by the server')
    await clock.advance(1_000)
    if (zk.state.kind !== 'expired') {
      made.peer.open()
      made.peer.accept(0n, 0)
    }
    await clock.advance(100)
    const expired = states.find(({ kind }) => kind === 'expired')
    return {
      reason: expired?.kind === 'expired' ? expired.reason : '',
      lease: lease.signal.reason as KeeperError,
      writing,
    }
  }

  test('through the program’s own blocked event loop says so, in the state and to users who relied on it', async () => {
    const { reason, lease } = await expiredBy(9_000)
    expect(reason).toMatch(
      /; this program's event loop was blocked for at least [89]\.\d s, and sent nothing meanwhile$/,
    )
    expect([KeeperError.is(lease), lease.code]).toEqual([true, 'LEASE_ENDED'])
    expect(lease.message).toContain("this program's event loop was blocked")
  })

  test('through a server says which', async () => {
    const { reason } = await expiredBy(0)
    expect(reason).toBe('a:1 says that it has ended')
  })
})

describe('the log', () => {
  type Line = readonly [level: string, message: string, facts: Readonly<Record<string, LogFact>>]

  test('logs connections, attempts, states and their reasons, with facts that JSON can hold', async () => {
    const lines: Line[] = []
    const made = stage({ log: (level, message, facts = {}) => void lines.push([level, message, facts]) }, 'a:1')
    await made.clock.advance(0)
    made.peer.lose('connect ECONNREFUSED')
    await made.clock.advance(500)
    made.peer.open()
    made.peer.accept()
    await made.clock.advance(0)
    const zk = await made.connecting
    made.peer.lose('read ECONNRESET')
    await made.clock.advance(1_000)
    made.peer.open()
    made.peer.accept(0n, 0)
    await made.clock.advance(100)
    expect(() => JSON.stringify(lines)).not.toThrow()
    expect(lines.map(([level, message]) => `${level} ${message}`)).toEqual(
      expect.arrayContaining([
        'debug connecting',
        'debug an attempt to connect failed',
        'warn no server can be reached; the client keeps trying',
        'info connected with a new session',
        'warn the connection is lost',
        'warn the session has expired',
      ]),
    )
    const factsOf = (message: string): Readonly<Record<string, LogFact>> | undefined =>
      lines.find((line) => line[1] === message)?.[2]
    expect(factsOf('no server can be reached; the client keeps trying')).toMatchObject({
      reason: 'a:1: connect ECONNREFUSED',
    })
    expect(factsOf('connected with a new session')).toMatchObject({ server: 'a:1', sessionId: '0x77', epoch: 0 })
    expect(factsOf('the connection is lost')).toMatchObject({ reason: 'read ECONNRESET' })
    expect(factsOf('the session has expired')).toMatchObject({ reason: 'a:1 says that it has ended' })
    await zk.close()
    expect(lines.at(-1)?.slice(0, 2)).toEqual(['info', 'closed'])
  })

  test('is a hook whose throws and rejections go nowhere', async () => {
    const hooks = [
      () => {
        throw new Error('no disk')
      },
      () => Promise.reject(new Error('no network')),
    ]
    for (const log of hooks) {
      const { zk, clock, peer } = await connected({ log: log as never })
      peer.lose()
      await clock.advance(100)
      expect(zk.state.kind).toBe('disconnected')
    }
  })

  test('is refused where it is neither a function nor a level', async () => {
    await expect(stage({ log: 'loud' as never }).connecting).rejects.toThrow(/log must be/)
  })
})

describe('close', () => {
  test('says what stays where no server could be reached', async () => {
    const { zk, clock, peer } = await connected()
    const creating = zk.create('/mine', '', { mode: 'ephemeral' })
    await clock.advance(0)
    peer.reply(peer.request().xid, 0, (writer) => {
      writer.ustring('/mine')
      writer.raw(new Uint8Array(68))
    })
    await creating
    peer.lose()
    expect(await zk.close()).toEqual({ isEnded: false, left: ['/mine'], leftForMs: 9_000 })
    // A second call gets the same answer.
    expect((await zk.close()).left).toEqual(['/mine'])
  })

  test('settles within its time while a server says nothing', async () => {
    for (const [options, ms] of [
      [undefined, 2_000],
      [{ timeout: 300 }, 300],
    ] as const) {
      const { zk, clock } = await connected()
      const closing = zk.close(options)
      await clock.advance(ms)
      expect(await closing).toMatchObject({ isEnded: false, leftForMs: 9_000 })
    }
  })

  test('settles at once when its signal aborts', async () => {
    const { zk, clock } = await connected()
    const stop = new AbortController()
    const closing = zk.close({ signal: stop.signal })
    await clock.advance(10)
    stop.abort()
    expect(await closing).toMatchObject({ isEnded: false })
    expect(zk.state.kind).toBe('closed')
  })

  test('says that nothing stays where a server has ended the session, or there was none', async () => {
    const { zk, clock, peer } = await connected()
    const closing = zk.close()
    await clock.advance(0)
    peer.reply(peer.request().xid)
    expect(await closing).toEqual({ isEnded: true, left: [], leftForMs: 0 })
    const lazy = await stage({ lazy: true }).connecting
    expect(await lazy.close()).toEqual({ isEnded: true, left: [], leftForMs: 0 })
  })
})

describe('detach', () => {
  test('settles within its time while a server says nothing, and leaves the client open', async () => {
    for (const [options, ms] of [
      [{}, 2_000],
      [{ timeout: 300 }, 300],
    ] as const) {
      const { zk, clock } = await connected()
      const leaving = failureOf(zk.detach(options))
      await clock.advance(ms)
      expect((await leaving).code).toBe('TIMEOUT')
      expect(zk.state.kind).toBe('connected')
    }
  })

  test('ends when its signal aborts', async () => {
    const { zk, clock } = await connected()
    const stop = new AbortController()
    const leaving = failureOf(zk.detach({ signal: stop.signal }))
    await clock.advance(10)
    stop.abort(new Error('enough'))
    expect((await leaving).message).toBe('enough')
  })
})

test('addAuth is waited for no longer than its time or its signal say', async () => {
  const { zk, clock } = await connected()
  const timed = failureOf(zk.addAuth('digest', 'joe:pw', { timeout: 500 }))
  const stop = new AbortController()
  const stopped = failureOf(zk.addAuth('digest', () => new Promise(() => {}), { signal: stop.signal }))
  await clock.advance(500)
  expect((await timed).code).toBe('TIMEOUT')
  stop.abort(new Error('enough'))
  expect((await stopped).message).toBe('enough')
})
