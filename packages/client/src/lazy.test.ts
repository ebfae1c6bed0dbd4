import { KeeperError } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { type Stage, stage } from './client.harness.ts'
import type { Client } from './client.ts'
import type { ConnectOptions } from './options.ts'

const endOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: unknown) => (KeeperError.is(error) ? `${error.code} ${error.outcome}` : String(error)),
  )

async function lazy(options: ConnectOptions = {}): Promise<Stage & { readonly zk: Client }> {
  const made = stage({ lazy: true, ...options })
  const zk = await made.connecting
  await made.clock.advance(0)
  return Object.assign(Object.create(made) as Stage, { zk })
}

describe('a lazy client', () => {
  test('is there at once, and serves what was asked before there was a server', async () => {
    const { zk, clock, peers } = await lazy()
    expect([zk.state.kind, zk.sessionId, zk.epoch]).toEqual(['connecting', 0n, 0])
    const asked = endOf(zk.sync('/'))
    peers.at(-1)?.lose('refused')
    await clock.advance(45_000)
    while (peers.at(-1)?.isClosed !== false) await clock.advance(10)
    peers.at(-1)?.open()
    peers.at(-1)?.accept()
    await clock.advance(0)
    const { xid } = peers.at(-1)?.request() ?? { xid: 0 }
    peers.at(-1)?.reply(xid, 0, (writer) => writer.ustring('/'))
    expect(await asked).toBe('ok')
  })

  test('tries for as long as it takes, and a call ends by its own time', async () => {
    const { zk, clock, peers } = await lazy({ connectTimeout: 1_000, requestTimeout: 20_000 })
    const short = endOf(zk.get('/x', { timeout: 500 }))
    const plain = endOf(zk.set('/x', ''))
    await clock.advance(500)
    expect(await short).toBe('TIMEOUT not-sent')
    await clock.advance(30_000)
    expect(await plain).toBe('TIMEOUT not-sent')
    await clock.advance(3_600_000)
    expect([zk.state.kind, peers.length > 100]).toEqual(['connecting', true])
    await zk.close()
  })

  test('ends a call by its signal while it waits for a server', async () => {
    const { zk } = await lazy()
    const stop = new AbortController()
    const call = endOf(zk.get('/x', { signal: stop.signal }))
    stop.abort(new Error('enough'))
    expect(await call).toBe('Error: enough')
    await zk.close()
  })

  test('is closed at once before there is a server, and says so to calls that wait', async () => {
    const { zk, clock, peers } = await lazy()
    const call = endOf(zk.create('/x'))
    await zk.close()
    expect([await call, zk.state.kind]).toEqual(['CLOSED not-sent', 'closed'])
    const { length } = peers
    await clock.advance(60_000)
    expect(peers).toHaveLength(length)
    expect(await endOf(zk.get('/x'))).toBe('CLOSED not-sent')
  })

  test('is closed by its signal before there is a server, and not after', async () => {
    const early = new AbortController()
    const first = await lazy({ signal: early.signal })
    const call = endOf(first.zk.get('/x'))
    early.abort()
    expect([await call, first.zk.state.kind]).toEqual(['CLOSED not-sent', 'closed'])
    const late = new AbortController()
    const { zk, clock, peers } = await lazy({ signal: late.signal })
    peers.at(-1)?.open()
    peers.at(-1)?.accept()
    await clock.advance(0)
    late.abort()
    await clock.advance(0)
    expect(zk.state.kind).toBe('connected')
  })

  test('with credentials that are refused is over, and says so to every call', async () => {
    const { zk, clock, peers } = await lazy({ auth: [{ scheme: 'digest', credentials: 'a:b' }] })
    const call = endOf(zk.get('/x'))
    peers.at(-1)?.open()
    peers.at(-1)?.accept()
    await clock.advance(0)
    peers.at(-1)?.reply(peers.at(-1)?.request().xid ?? 0, -115)
    await clock.advance(0)
    expect([zk.state.kind, await call]).toEqual(['authFailed', 'AUTH_FAILED not-sent'])
  })

  test('shows an identity that was added before there was a server', async () => {
    const { zk, clock, peers } = await lazy()
    await zk.addAuth('digest', 'joe:pw')
    peers.at(-1)?.open()
    peers.at(-1)?.accept()
    await clock.advance(0)
    expect(peers.at(-1)?.request().type).toBe(100)
  })

  test('that goes on with a session that has expired is closed where it may not open another', async () => {
    const owner = stage()
    await owner.clock.advance(0)
    owner.peer.open()
    owner.peer.accept()
    await owner.clock.advance(0)
    const leaving = (await owner.connecting).detach()
    await owner.clock.advance(0)
    owner.peer.reply(owner.peer.request().xid, -101)
    await owner.clock.advance(0)
    const { zk, clock, peers } = await lazy({ attach: await leaving, onExpired: 'close' })
    peers.at(-1)?.open()
    peers.at(-1)?.accept(0n, 0)
    await clock.advance(0)
    expect(zk.state.kind).toBe('closed')
  })

  test('refuses what can be known to be wrong without a server', async () => {
    await expect(stage({ lazy: true }, 'a:1/x//y').connecting).rejects.toThrow(TypeError)
    const signal = AbortSignal.abort(new Error('too late'))
    await expect(stage({ lazy: true, signal }).connecting).rejects.toThrow('too late')
  })
})
