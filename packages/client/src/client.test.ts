import { KeeperError, opCode, readSetWatches } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../../test/support/outcome.ts'
import { connected, type ServerEnd, settle, stage } from './client.harness.ts'
import { Chroot, parseConnectString } from './connect-string.ts'
import { op } from './operations/op.ts'

const noNode = -101

describe('connect strings', () => {
  test.each([
    ['a', ['a:2181'], ''],
    ['a:1,b:2', ['a:1', 'b:2'], ''],
    [' a:1 , ,b ', ['a:1', 'b:2181'], ''],
    ['a:1/app/x', ['a:1'], '/app/x'],
    ['a:1/', ['a:1'], ''],
    ['[::1]:5,[::2]', ['[::1]:5', '[::2]:2181'], ''],
  ])('%j', (text, servers, chroot) => {
    expect(parseConnectString(text)).toEqual({ servers, chroot })
  })
  test.each(['', ',', '/app', 'a:1/app/', 'a:1/app//x', '[::1', 'a:99999'])('%j is refused with a reason', (text) => {
    expect(() => parseConnectString(text)).toThrow(TypeError)
  })
  test('a chroot ends at a whole name', () => {
    const chroot = new Chroot('/app')
    expect([
      chroot.toServer('/'),
      chroot.toServer('/x'),
      chroot.toUser('/app'),
      chroot.toUser('/app/x'),
      chroot.toUser('/apple'),
    ]).toEqual(['/app', '/app/x', '/', '/x', '/apple'])
  })
})

describe('connecting', () => {
  test('asks for a new session and resolves when it is granted', async () => {
    const { clock, peer: _unused, ...made } = { ...stage() }
    await clock.advance(0)
    const peer = made.peers[0]
    expect(peer?.open()).toMatchObject({ sessionId: 0n, timeOut: 9000, lastZxidSeen: 0n, readOnly: false })
    peer?.accept(0x99n, 8000)
    await clock.advance(0)
    const zk = await made.connecting
    expect(zk.state).toMatchObject({ kind: 'connected', sessionId: 0x99n, sessionTimeout: 8000, epoch: 0 })
  })

  test('rejects with one cause per server when none answers in time', async () => {
    const { clock, peers, connecting } = stage({ connectTimeout: 3000 }, 'a:1,b:2')
    const failed = connecting.then(
      () => undefined,
      (error: unknown) => error as AggregateError,
    )
    for (let i = 0; i < 6; i++) {
      await clock.advance(500)
      if (peers.at(-1)?.isClosed === false) peers.at(-1)?.lose(`refused by ${peers.at(-1)?.address}`)
    }
    await clock.advance(5000)
    const error = await failed
    expect(error).toBeInstanceOf(AggregateError)
    expect(error?.errors.map((each: Error) => each.message).sort()).toEqual([
      'a:1: refused by a:1',
      'b:2: refused by b:2',
    ])
  })

  test('covers the handshake with the deadline of an attempt: a server that accepts and says nothing is left', async () => {
    const { clock, peers } = stage({ connectTimeout: 60_000 }, 'a:1,b:2')
    await clock.advance(0)
    peers[0]?.open()
    await clock.advance(6000)
    expect(peers[0]?.isClosed).toBe(true)
    expect(peers.length).toBeGreaterThan(1)
  })

  test('gives up when the signal aborts', async () => {
    const stop = new AbortController()
    const { connecting } = stage({ signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(connecting).rejects.toThrow('enough')
  })
})

describe('authentication', () => {
  test('comes before everything else, with credentials asked for anew at every connection', async () => {
    let asked = 0
    const made = stage({ auth: [{ scheme: 'digest', credentials: () => `joe:pw${++asked}` }] })
    const login = async (): Promise<string> => {
      const { peer } = made
      peer.open()
      peer.accept()
      await made.clock.advance(0)
      expect(peer.waiting).toBe(1)
      const { xid, type, body } = peer.request()
      expect([type, body.int(), body.ustring()]).toEqual([opCode.auth, 0, 'digest'])
      const credentials = new TextDecoder().decode(body.buffer() ?? undefined)
      peer.reply(xid, 0, undefined, 0n)
      await made.clock.advance(0)
      return credentials
    }
    await made.clock.advance(0)
    expect(await login()).toBe('joe:pw1')
    const zk = await made.connecting
    made.peer.lose()
    const request = outcomeOf(zk.sync('/'))
    await made.clock.advance(2000)
    expect(await login()).toBe('joe:pw2')
    const { xid, type } = made.peer.request()
    expect(type).toBe(opCode.sync)
    made.peer.reply(xid, 0, (writer) => writer.ustring('/'))
    expect(await request).toBe('ok')
  })

  test('that is refused fails the connect, and everything after it', async () => {
    const made = stage({ auth: [{ scheme: 'digest', credentials: 'joe:pw' }] })
    const failed = outcomeOf(made.connecting)
    await made.clock.advance(0)
    made.peer.open()
    made.peer.accept()
    await made.clock.advance(0)
    made.peer.reply(made.peer.request().xid, -115)
    await made.clock.advance(0)
    expect(await failed).toBe('AUTH_FAILED rejected')
    expect(made.peers).toHaveLength(1)
  })
})

describe('requests', () => {
  test('carry xids from 1 up and are matched to replies in order', async () => {
    const { zk, clock, peer } = await connected()
    const both = [zk.sync('/a'), zk.countDescendants('/b')]
    await clock.advance(0)
    const [first, second] = [peer.request(), peer.request()]
    expect([first.xid, first.type, second.xid, second.type]).toEqual([1, opCode.sync, 2, opCode.getAllChildrenNumber])
    peer.reply(1, 0, (writer) => writer.ustring('/a'))
    peer.reply(2, 0, (writer) => writer.int(5))
    expect(await Promise.all(both)).toEqual([undefined, 5])
  })

  test('of one turn leave in one write', async () => {
    const { zk, clock, peer } = await connected()
    let writes = 0
    const write = peer.write.bind(peer)
    peer.write = (chunk) => (writes++, write(chunk))
    for (let i = 0; i < 50; i++) void outcomeOf(zk.sync('/'))
    await clock.advance(0)
    expect([writes, peer.waiting]).toEqual([1, 50])
  })

  test('lost with the connection fail as unknown where nothing shows what became of them; ones made later wait for the next one', async () => {
    const { zk, clock, peers, peer } = await connected()
    const written = outcomeOf(zk.create('/a-', 'x', { sequential: true }))
    await clock.advance(0)
    peer.lose()
    const waiting = zk.countDescendants('/a')
    expect(await written).toBe('CONNECTION_LOSS unknown')
    await clock.advance(2000)
    const next = peers.at(-1)
    expect(next?.open()).toMatchObject({ sessionId: 0x77n })
    next?.accept()
    await clock.advance(0)
    const request = next?.request()
    expect(request?.type).toBe(opCode.getAllChildrenNumber)
    next?.reply(request?.xid ?? 0, 0, (writer) => writer.int(3))
    expect(await waiting).toBe(3)
  })

  test('that only read are made again after a lost connection, in their order', async () => {
    const { zk, clock, peers, peer } = await connected()
    const first = zk.countDescendants('/a')
    const second = zk.countDescendants('/b')
    await clock.advance(0)
    expect(peer.waiting).toBe(2)
    peer.lose()
    const third = zk.countDescendants('/c')
    await clock.advance(2000)
    const next = peers.at(-1) as ServerEnd
    next.open()
    next.accept()
    await clock.advance(0)
    for (const [i, path] of ['/a', '/b', '/c'].entries()) {
      const { xid, body } = next.request()
      expect(body.ustring()).toBe(path)
      next.reply(xid, 0, (writer) => writer.int(i))
    }
    expect(await Promise.all([first, second, third])).toEqual([0, 1, 2])
  })

  test('never stay open for ever: what no server answers fails, also without a timeout', async () => {
    const { zk, clock, peers, peer } = await connected({ requestTimeout: 20_000 })
    // One in front with a limit of its own does not keep the others from theirs.
    void zk.set('/own', 'x', { timeout: 1_000_000 }).catch(() => {})
    const unanswered = outcomeOf(zk.set('/a', 'x'))
    const behind = outcomeOf(zk.set('/b', 'x'))
    await clock.advance(0)
    for (let i = 0; i < 30; i++) {
      await clock.advance(1000)
      while (peer.waiting > 0) peer.reply(-2, 0, () => peer.request())
    }
    expect(await unanswered).toBe('TIMEOUT unknown')
    expect(await behind).toBe('TIMEOUT unknown')
    expect([zk.state.kind, peers.length]).toEqual(['connected', 1])
    peer.lose()
    const queued = outcomeOf(zk.sync('/'))
    for (let i = 0; i < 60; i++) {
      await clock.advance(1000)
      if (peers.at(-1)?.isClosed === false) peers.at(-1)?.lose()
    }
    expect(await queued).toBe('TIMEOUT not-sent')
  })

  test('fail alone where the reply is larger than we accept; the connection stays', async () => {
    const { zk, clock, peer, peers } = await connected({ replyBytesMax: 1000 })
    const large = zk.get('/large').catch((error: unknown) => error as KeeperError)
    const small = zk.countDescendants('/small')
    await clock.advance(0)
    const { xid } = peer.request()
    peer.reply(xid, 0, (writer) => writer.buffer(new Uint8Array(5000)))
    peer.reply(peer.request().xid, 0, (writer) => writer.int(4))
    expect(await large).toMatchObject({ code: 'FRAME_TOO_LARGE', path: '/large', outcome: 'rejected' })
    expect(String(((await large) as KeeperError).cause)).toContain(
      'the reply has 5020 bytes, replyBytesMax of this client is 1000',
    )
    expect(await small).toBe(4)
    expect(peers).toHaveLength(1)
  })

  test('that are refused say so: rejected, with code, path and operation', async () => {
    const { zk, clock, peer } = await connected()
    const failing = zk.get('/missing')
    await clock.advance(0)
    peer.reply(1, noNode)
    await expect(failing).rejects.toMatchObject({
      code: 'NO_NODE',
      outcome: 'rejected',
      path: '/missing',
      operation: 'get',
    })
  })

  test('with an unknown error number fail without harm', async () => {
    const { zk, clock, peer } = await connected()
    const failing = outcomeOf(zk.sync('/'))
    await clock.advance(0)
    peer.reply(1, -777)
    expect(await failing).toBe('UNKNOWN_CODE rejected')
  })

  test('that time out or are aborted keep their place in the line of replies', async () => {
    const { zk, clock, peer } = await connected()
    const stop = new AbortController()
    const late = outcomeOf(zk.sync('/', { timeout: 100 }))
    const aborted = outcomeOf(zk.sync('/', { signal: stop.signal }))
    const third = zk.countDescendants('/')
    await clock.advance(200)
    stop.abort(new Error('stop'))
    expect([await late, await aborted]).toEqual(['TIMEOUT unknown', 'Error: stop'])
    peer.reply(1, 0, (writer) => writer.ustring('/'))
    peer.reply(2, 0, (writer) => writer.ustring('/'))
    peer.reply(3, 0, (writer) => writer.int(8))
    expect(await third).toBe(8)
  })

  test('are checked before they are sent: path, size, signal', async () => {
    const { zk, clock, peer } = await connected()
    expect(await outcomeOf(zk.get('/a/' as '/a'))).toBe('BAD_ARGUMENTS not-sent')
    expect(await outcomeOf(zk.set('/a', new Uint8Array(1 << 20)))).toBe('FRAME_TOO_LARGE not-sent')
    expect(await outcomeOf(zk.sync('/', { signal: AbortSignal.abort(new Error('no')) }))).toBe('Error: no')
    const fine = zk.countDescendants('/')
    await clock.advance(0)
    expect(peer.waiting).toBe(1)
    peer.reply(peer.request().xid, 0, (writer) => writer.int(1))
    expect(await fine).toBe(1)
  })

  test('wait in bounded number while there is no connection, those that gave up not counted', async () => {
    const { zk, clock, peer } = await connected({ queueLimit: 2 })
    peer.lose()
    const timed = outcomeOf(zk.sync('/', { timeout: 10 }))
    void outcomeOf(zk.sync('/'))
    expect(await outcomeOf(zk.sync('/'))).toBe('CONNECTION_LOSS not-sent')
    await clock.advance(20)
    expect(await timed).toBe('TIMEOUT not-sent')
    const admitted = outcomeOf(zk.sync('/'))
    await zk.close()
    expect(await admitted).toBe('CLOSED not-sent')
  })

  test('answered with something that is no answer fail, and the connection is left', async () => {
    const { zk, clock, peer } = await connected()
    const bad = outcomeOf(zk.exists('/a'))
    const behind = zk.countDescendants('/b')
    await clock.advance(0)
    peer.reply(peer.request().xid, 0, (writer) => writer.int(1))
    expect(await bad).toBe('MARSHALLING_ERROR unknown')
    expect([peer.isClosed, zk.state.kind]).toEqual([true, 'disconnected'])
    await zk.close()
    await expect(behind).rejects.toThrow('CLOSED')
  })

  test('a reply that nothing waits for drops the connection', async () => {
    const { zk, clock, peer } = await connected()
    const lost = outcomeOf(zk.create('/a-', '', { sequential: true }))
    await clock.advance(0)
    peer.reply(99)
    expect(await lost).toBe('CONNECTION_LOSS unknown')
    expect([peer.isClosed, zk.state.kind]).toEqual([true, 'disconnected'])
  })
})

describe('time', () => {
  test('pings go by the last send, however much is received', async () => {
    const { clock, peer } = await connected()
    let pings = 0
    for (let i = 0; i < 30; i++) {
      await clock.advance(300)
      peer.send((writer) => {
        writer.int(-1)
        writer.long(-1n)
        writer.int(0)
        writer.int(3)
        writer.int(3)
        writer.ustring('/busy')
      })
      while (peer.waiting > 0) if (peer.request().type === opCode.ping) pings++
    }
    expect(pings).toBe(3)
  })

  test('a server that goes silent is left after two thirds of the timeout', async () => {
    const { zk, clock, peer } = await connected()
    await clock.advance(5900)
    expect(zk.state.kind).toBe('connected')
    await clock.advance(200)
    expect([zk.state.kind, peer.isClosed]).toEqual(['disconnected', true])
  })

  test('a server that takes the connection and says nothing leaves time to try again before the session is gone', async () => {
    const { zk, clock, peers, peer } = await connected()
    peer.lose()
    await clock.advance(2000)
    const silent = peers.at(-1) as ServerEnd
    expect([silent === peer, silent.open().sessionId]).toEqual([false, zk.sessionId])
    await clock.advance(3100)
    expect(silent.isClosed).toBe(true)
    // The session of 9 s was heard of 5.1 s ago.
    await clock.advance(1400)
    const next = peers.at(-1) as ServerEnd
    expect(next).not.toBe(silent)
    next.open()
    next.accept()
    await clock.advance(0)
    expect([zk.state.kind, zk.epoch]).toEqual(['connected', 0])
  })

  test('a session that no server answers for is given up after four thirds of the timeout, and another is opened', async () => {
    const { zk, clock, peers, peer } = await connected()
    const watched = zk.existence('/w', { watch: true })
    await clock.advance(0)
    peer.reply(peer.request().xid, noNode)
    const { changed } = await watched
    peer.lose()
    const waiting = outcomeOf(zk.set('/', ''))
    const reading = zk.countDescendants('/')
    for (let i = 0; i < 13; i++) {
      await clock.advance(1000)
      if (peers.at(-1)?.isClosed === false) peers.at(-1)?.lose()
    }
    expect(await waiting).toBe('SESSION_EXPIRED not-sent')
    expect((await changed)?.type).toBe('none')
    expect([zk.epoch, zk.sessionId]).toEqual([1, 0n])
    await clock.advance(12_000)
    const next = peers.at(-1) as ServerEnd
    expect(next.open()).toMatchObject({ sessionId: 0n })
    next.accept(0x78n)
    await clock.advance(0)
    // A read was not meant for the session that is gone.
    next.reply(next.request().xid, 0, (writer) => writer.int(7))
    expect(await reading).toBe(7)
  })
})

describe('sessions', () => {
  test.each([
    ['a refusal', 0n, 0],
    ['another session id than the one asked for', 0x88n, 9000],
  ])('%s is an expiry', async (_what, sessionId, timeOut) => {
    const { zk, clock, peers, peer } = await connected({ onExpired: 'close' })
    peer.lose()
    await clock.advance(2000)
    peers.at(-1)?.open()
    peers.at(-1)?.accept(sessionId, timeOut)
    await clock.advance(0)
    expect(zk.state.kind).toBe('closed')
    expect(await outcomeOf(zk.sync('/'))).toBe('CLOSED not-sent')
  })

  test('states are yielded one by one, none left out', async () => {
    const { zk, clock, peers, peer } = await connected()
    const kinds: string[] = []
    const following = (async () => {
      for await (const state of zk.states()) kinds.push(state.kind)
    })()
    peer.lose()
    await clock.advance(2000)
    peers.at(-1)?.open()
    peers.at(-1)?.accept(0n, 0)
    await clock.advance(2000)
    await zk.close()
    await following
    expect(kinds).toEqual(['connected', 'disconnected', 'expired', 'connecting', 'closed'])
  })

  test('close ends the session at the server and settles everything', async () => {
    const { zk, clock, peer } = await connected()
    const pending = outcomeOf(zk.sync('/'))
    const watched = zk.existence('/w', { watch: true })
    await clock.advance(0)
    peer.request()
    peer.reply(1, 0, (writer) => writer.ustring('/'))
    peer.reply(peer.request().xid, noNode)
    const { changed } = await watched
    const closing = zk.close()
    await clock.advance(0)
    const last = peer.request()
    expect(last.type).toBe(opCode.closeSession)
    peer.reply(last.xid)
    await closing
    expect([await pending, (await changed)?.type, zk.state.kind, peer.isClosed]).toEqual(['ok', 'none', 'closed', true])
  })

  test('close settles even when the server says nothing', async () => {
    const { zk, clock } = await connected()
    const pending = outcomeOf(zk.sync('/'))
    const closing = zk.close()
    await clock.advance(5000)
    await closing
    expect(await pending).toBe('CLOSED unknown')
  })
})

describe('watches after a reconnect', () => {
  test('are registered again from the last zxid, in frames of at most 128 KiB, in front of requests', async () => {
    const { zk, clock, peers, peer } = await connected()
    const count = 3000
    const name = 'x'.repeat(80)
    for (let i = 0; i < count; i++) void outcomeOf(zk.existence(`/${name}${i}`, { watch: true }))
    await clock.advance(0)
    for (let i = 0; i < count; i++) peer.reply(peer.request().xid, noNode, undefined, 500n)
    await settle()
    peer.lose()
    const request = outcomeOf(zk.sync('/'))
    await clock.advance(2000)
    const next = peers.at(-1)
    expect(next?.open()).toMatchObject({ lastZxidSeen: 500n })
    next?.accept()
    await clock.advance(0)
    let restored = 0
    let frames = 0
    while ((next?.waiting ?? 0) > 0) {
      const { xid, type, body } = next?.request() ?? { xid: 0, type: 0, body: undefined as never }
      expect(type).toBe(opCode.setWatches)
      expect(body.remaining).toBeLessThan(132 * 1024)
      const lists = readSetWatches(body)
      expect(lists.relativeZxid).toBe(500n)
      restored += lists.existWatches.length
      frames++
      next?.reply(xid)
    }
    expect([restored, frames]).toEqual([count, 3])
    await clock.advance(0)
    const after = next?.request()
    expect(after?.type).toBe(opCode.sync)
    next?.reply(after?.xid ?? 0, 0, (writer) => writer.ustring('/'))
    expect(await request).toBe('ok')
  })
})

test('a transaction that fails names the operation, its code and its path', async () => {
  const { zk, clock, peer } = await connected()
  const failing = zk.transaction(op.create('/a'), op.check('/b', 7), op.delete('/c'))
  await clock.advance(0)
  const { xid, type } = peer.request()
  expect(type).toBe(opCode.multi)
  peer.reply(xid, 0, (writer) => {
    for (const err of [0, -103, -2]) {
      writer.int(-1)
      writer.boolean(false)
      writer.int(err)
      writer.int(err)
    }
    writer.int(-1)
    writer.boolean(true)
    writer.int(-1)
  })
  await expect(failing).rejects.toMatchObject({
    code: 'TRANSACTION_FAILED',
    failedOp: { index: 1, code: 'BAD_VERSION', path: '/b' },
  })
})

test('paths go out below the chroot and come back without it', async () => {
  const { zk, clock, peer } = await connected({}, 'a:1/app')
  const listing = zk.ephemerals('/x')
  await clock.advance(0)
  const { xid, body } = peer.request()
  expect(body.ustring()).toBe('/app/x')
  peer.reply(xid, 0, (writer) => writer.vector(['/app/x', '/app/x/y'], (each, path) => each.ustring(path)))
  expect(await listing).toEqual(['/x', '/x/y'])
})
