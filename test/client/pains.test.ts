/**
 * What hurts users of ZooKeeper clients, by the numbers of the list this client was built from: each is a test that it does not
 * hurt here. On our server or, by LIGHTKEEPER_TARGET, on Apache ZooKeeper. Locks, elections and registrations themselves are the
 * recipes' to prove; what they stand on is here.
 */
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  type Client,
  type ConnectOptions,
  connect,
  creatorAcl,
  digestMd5,
  KeeperError,
  op,
  type SessionState,
  type WatchChange,
  type ZnodePath,
} from '@lightkeeper/client'
import { Authority, type Proxy, proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { outcomeOf } from '../support/outcome.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../support/target.ts'
import { text } from '../support/text.ts'
import { sleep } from '../support/wait.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`pains on ${targetName}: skipped, because ${reason}`)

/** The first state that fits, from now on. */
async function stateOf(zk: Client, fits: (state: SessionState) => boolean): Promise<SessionState> {
  for await (const state of zk.states()) if (fits(state)) return state
  throw new Error(`ended as ${zk.state.kind}`)
}

/** What a stream has yielded so far, and a way to wait for more. */
function collect<T>(stream: AsyncGenerator<WatchChange<T>, void, void>) {
  const changes: WatchChange<T>[] = []
  let wake = (): void => {}
  const done = (async () => {
    for await (const change of stream) {
      changes.push(change)
      wake()
    }
  })()
  const until = async (fits: (change: WatchChange<T>) => boolean, from = 0): Promise<WatchChange<T>> => {
    for (;;) {
      const found = changes.slice(from).find(fits)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { changes, until, done }
}

describe.skipIf(reason !== undefined)(`pains, on ${targetName}`, () => {
  let server: TargetServer
  let direct: Client
  let wire: Proxy
  let root: ZnodePath
  let tests = 0
  const open: { close(): Promise<unknown> }[] = []
  /** A client through the proxy, closed when the test ends. */
  const through = async (options: ConnectOptions = {}): Promise<Client> => {
    const zk = await connect(wire.connectString, { sessionTimeout: 4000, ...options })
    open.push(zk)
    return zk
  }
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500, fourLetterWords: '*' })
    direct = await connect(server)
  })
  afterAll(async () => {
    await direct.close()
    await server.close()
  })
  beforeEach(async () => {
    root = `/p${++tests}`
    await direct.create(root)
    const own = await proxy(server.port)
    wire = own
    return async () => {
      own.heal()
      await Promise.all(open.splice(0).map((zk) => zk.close()))
      await own[Symbol.asyncDispose]()
    }
  })

  test('1. session expiry does not kill the client: the next epoch goes on, and says what was lost', async () => {
    const zk = await through()
    await zk.create(`${root}/mine`, '', { mode: 'ephemeral' })
    const told = collect(zk.watch(root, { children: true }))
    await told.until(({ kind }) => kind === 'ready')
    const expired = stateOf(zk, ({ kind }) => kind === 'expired')
    wire.down()
    expect(await expired).toMatchObject({ epoch: 0, lost: { ephemerals: [`${root}/mine`] } })
    while ((await direct.exists(`${root}/mine`)) !== undefined) await sleep(50)
    wire.heal()
    await stateOf(zk, ({ kind, epoch }) => kind === 'connected' && epoch === 1)
    await told.until((change) => change.kind === 'deleted' && change.path === `${root}/mine`)
    await zk.create(`${root}/again`, '', { mode: 'ephemeral' })
    await told.until((change) => change.kind === 'created' && change.path === `${root}/again`)
  })

  test('2. connecting fails with a cause per server, and no call stays open', async () => {
    const error = await connect('127.0.0.1:1,nowhere.invalid:2181', { connectTimeout: 1500 }).catch(
      (each: unknown) => each,
    )
    const causes = (error as AggregateError).errors.map((each: Error) => each.message).sort()
    expect(causes[0]).toMatch(/^127\.0\.0\.1:1: .*ECONNREFUSED/)
    expect(causes[1]).toMatch(/^nowhere\.invalid:2181: /)
    const zk = await through({ onExpired: 'close' })
    wire.down()
    const calls = [zk.get(root), zk.set(root, ''), zk.create(`${root}/x-`, '', { sequential: true }), zk.sync()]
    for (const outcome of await Promise.all(calls.map(outcomeOf)))
      expect(outcome).toMatch(/SESSION_EXPIRED|CLOSED|CONNECTION_LOSS/)
  })

  test('3. a holder learns it before the server may give away what it holds', async () => {
    const zk = await through()
    await zk.create(`${root}/lock`, '', { mode: 'ephemeral' })
    const lease = zk.lease()
    const ended = new Promise((resolve) => lease.signal.addEventListener('abort', resolve))
    wire.hang()
    await ended
    expect(lease.remaining()).toBe(0)
    expect(await direct.exists(`${root}/lock`), 'the signal came before the end').toBeDefined()
    while ((await direct.exists(`${root}/lock`)) !== undefined) await sleep(50)
    wire.heal()
  })

  test('4. a znode of the session before is never taken for that of the session now', async () => {
    const zk = await through()
    const before = await zk.create(`${root}/leader`, '', { mode: 'ephemeral' })
    const first = zk.sessionId
    wire.down()
    await stateOf(zk, ({ kind }) => kind === 'expired')
    // Somebody else leads meanwhile.
    while ((await direct.exists(`${root}/leader`)) !== undefined) await sleep(50)
    await direct.create(`${root}/leader`, '', { mode: 'ephemeral' })
    wire.heal()
    await stateOf(zk, ({ kind }) => kind === 'connected')
    const stat = await zk.exists(`${root}/leader`)
    expect([stat?.ephemeralOwner === zk.sessionId, stat?.ephemeralOwner === first]).toEqual([false, false])
    expect(stat?.czxid).toBeGreaterThan(before.stat.czxid)
    expect(await outcomeOf(zk.create(`${root}/leader`, '', { mode: 'ephemeral' }))).toBe('NODE_EXISTS rejected')
    await direct.delete(`${root}/leader`)
  })

  test('5. watches are there after a reconnect, and what happened meanwhile is reported', async () => {
    const zk = await through()
    for (const name of ['changed', 'gone', 'again']) await direct.create(`${root}/${name}`, '1')
    const told = collect(zk.watch(root, { recursive: true }))
    await told.until(({ kind }) => kind === 'ready')
    const oneShot = await zk.existence(`${root}/later`, { watch: true })
    wire.down()
    await told.until(({ kind }) => kind === 'stale')
    await direct.set(`${root}/changed`, '2')
    await direct.delete(`${root}/gone`)
    await direct.delete(`${root}/again`)
    await direct.create(`${root}/again`, '1')
    await direct.create(`${root}/later`)
    const from = told.changes.length
    wire.heal()
    await told.until(({ kind }) => kind === 'ready', from)
    const difference = told.changes
      .slice(from, -1)
      .map((change) => ('path' in change ? `${change.kind} ${change.path.slice(root.length)} ${change.via}` : ''))
    expect(difference.sort()).toEqual([
      'changed /changed resync',
      'created /again resync',
      'created /later resync',
      'deleted /again resync',
      'deleted /gone resync',
    ])
    expect((await oneShot.changed)?.type).toBe('created')
    await direct.set(`${root}/later`, 'x')
    await told.until((change) => change.kind === 'changed' && change.path === `${root}/later`)
  })

  test('6. a change says what it was before, what it is now, and how much was missed between', async () => {
    const stream = direct.watch(`${root}/n`)
    // A server without persistent watches is asked for one once, and closes the connection over it.
    for (let told = ''; told !== 'ready'; ) told = ((await stream.next()).value as WatchChange).kind
    await direct.create(`${root}/n`, '0')
    for (let i = 1; i <= 9; i++) await direct.set(`${root}/n`, `${i}`)
    const first = (await stream.next()).value as WatchChange
    expect(first).toMatchObject({ kind: 'created', missed: 9 })
    for (let i = 10; i <= 14; i++) await direct.set(`${root}/n`, `${i}`)
    const second = (await stream.next()).value as WatchChange
    expect(second).toMatchObject({ kind: 'changed', missed: 4 })
    if (first.kind !== 'created' || second.kind !== 'changed') throw new Error('unexpected')
    expect([text(first.value), text(second.previous.value), text(second.value)]).toEqual(['9', '9', '14'])
    await direct.delete(`${root}/n`)
    await direct.create(`${root}/n`, '0')
    const isExact = targetName !== 'apache-3.5'
    expect((await stream.next()).value).toMatchObject({ kind: 'deleted', missed: isExact ? 0 : undefined })
    expect((await stream.next()).value).toMatchObject({ kind: 'created', missed: 0 })
    await stream.return()
  })

  test('7. names are resolved anew before every attempt, and all their addresses are tried', async () => {
    const port = wire.connectString.split(':')[1]
    let lookups = 0
    const plain = dns.lookup
    type Plain = (host: string, options: object, callback: (...given: unknown[]) => void) => void
    const lookup = (host: string, options: { all?: boolean }, callback: (...given: unknown[]) => void): void => {
      if (host !== 'zk.test') return (plain as unknown as Plain)(host, options, callback)
      lookups++
      // The first address answers no client.
      const addresses = ['127.0.0.77', '127.0.0.1'].map((address) => ({ address, family: 4 }))
      if (options.all) process.nextTick(callback, null, addresses)
      else process.nextTick(callback, null, '127.0.0.1', 4)
    }
    dns.lookup = lookup as unknown as typeof dns.lookup
    try {
      const zk = await connect(`nowhere.invalid:1,zk.test:${port}`, { sessionTimeout: 4000 })
      open.push(zk)
      const before = lookups
      expect(before).toBeGreaterThan(0)
      const back = (async () => {
        await stateOf(zk, ({ kind }) => kind === 'disconnected')
        await stateOf(zk, ({ kind }) => kind === 'connected')
      })()
      wire.cut()
      await back
      expect(lookups).toBeGreaterThan(before)
    } finally {
      dns.lookup = plain
    }
  })

  test('8. nothing is built, and nothing else is installed', () => {
    const read = (name: string): { dependencies?: object; scripts?: object; gypfile?: boolean } =>
      JSON.parse(readFileSync(new URL(`../../packages/${name}/package.json`, import.meta.url), 'utf8'))
    for (const name of ['client', 'protocol', 'runtime']) {
      const { dependencies = {}, scripts = {}, gypfile } = read(name)
      expect(Object.keys(dependencies).filter((each) => !each.startsWith('@lightkeeper/'))).toEqual([])
      expect(Object.keys(scripts).filter((each) => each.includes('install'))).toEqual([])
      expect(gypfile).toBeUndefined()
    }
  })

  test('9. what became of a write whose reply was lost is found out, and said where it cannot be', async () => {
    const zk = await through()
    const { stat } = await zk.create(`${root}/cas`, 'old')
    const carries = (mark: string) => (request: Buffer) => request.includes(mark)
    wire.loseReplyTo(carries('new-data'))
    expect((await zk.set(`${root}/cas`, 'new-data', { version: stat.version })).version).toBe(1)
    wire.loseReplyTo(carries('/mine'))
    expect((await zk.create(`${root}/mine`, '', { mode: 'ephemeral' })).stat.ephemeralOwner).toBe(zk.sessionId)
    wire.loseReplyTo(carries('/queue-'))
    expect(await outcomeOf(zk.create(`${root}/queue-`, '', { sequential: true }))).toBe('CONNECTION_LOSS unknown')
    wire.loseReplyTo(carries('/guarded-'))
    const { path } = await zk.create(`${root}/guarded-`, '', { sequential: true, protected: true, mode: 'ephemeral' })
    wire.loseReplyTo(carries('/marked-'))
    const [marked] = await zk.transactionOf([op.create(`${root}/marked-`, '', { sequential: true })], {
      marker: `${root}/marks`,
    })
    const names = (await direct.children(root)).children
    expect(names.filter((name) => name.includes('guarded-'))).toEqual([path.slice(root.length + 1)])
    expect(names.filter((name) => name.startsWith('marked-'))).toEqual([marked.path.slice(root.length + 1)])
    expect(zk.stats().requests).toMatchObject({ recovered: 3 })
  })

  test('10. promises, exact numbers and dates', async () => {
    const { path, stat } = await direct.create(`${root}/n`, 'x')
    expect([typeof path, typeof stat.czxid, stat.created instanceof Date]).toEqual(['string', 'bigint', true])
    expect(JSON.parse(JSON.stringify(stat)).czxid).toBe(`0x${stat.czxid.toString(16)}`)
    expect(Math.abs(stat.modified.getTime() - Date.now())).toBeLessThan(60_000)
  })

  test('11. a connection is encrypted and the server is who it says, or there is none', async () => {
    const authority = new Authority('pains')
    const { key, cert } = authority.issue({ name: 'server', hosts: ['localhost'] })
    const secure = createTlsServer({ key, cert }, (socket) => {
      const upstream = createConnection({ host: '127.0.0.1', port: server.port })
      socket.pipe(upstream).pipe(socket)
      for (const each of [socket, upstream]) each.on('error', () => socket.destroy())
      socket.on('close', () => upstream.destroy())
      upstream.on('close', () => socket.destroy())
    })
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
    const bound = secure.address()
    const address = `localhost:${typeof bound === 'object' ? bound?.port : 0}`
    try {
      const zk = await connect(address, { tls: { ca: authority.cert } })
      expect(await zk.exists(root)).toBeDefined()
      await zk.close()
      const refused = await connect(address, { tls: true, connectTimeout: 1000 }).catch((error: unknown) => error)
      expect(String((refused as AggregateError).errors[0])).toMatch(/certificate/)
      const plain = await connect(address, { connectTimeout: 1000 }).catch((error: unknown) => error)
      expect(plain).toBeInstanceOf(AggregateError)
    } finally {
      secure.close()
    }
  })

  test('12. a login by SASL that a server does not take is an error at once, not a hanging connect', async () => {
    // Neither target has logins configured; those that have are the interop lane's.
    const failing = connect(server, { sasl: digestMd5({ username: 'joe', password: 'secret' }), connectTimeout: 5000 })
    const error = await failing.catch((each: unknown) => each)
    expect(String(error)).toMatch(/AUTH_FAILED|no session within/)
    expect(String(error)).not.toContain('secret')
  })

  test('13. heartbeats are not starved by events, and a peer that says nothing is noticed', async () => {
    const zk = await through({ sessionTimeout: 2000 })
    const { sessionId } = zk
    await direct.create(`${root}/busy`)
    const told = collect(zk.watch(`${root}/busy`))
    await told.until(({ kind }) => kind === 'ready')
    const { established } = zk.stats().connections
    const end = Date.now() + 4500
    while (Date.now() < end) {
      await direct.set(`${root}/busy`, '')
      await sleep(20)
    }
    expect([zk.sessionId, zk.epoch, zk.stats().connections.established]).toEqual([sessionId, 0, established])
    const gone = stateOf(zk, ({ kind }) => kind === 'disconnected')
    wire.hang()
    expect(await gone).toMatchObject({ kind: 'disconnected', reason: 'the server sent nothing' })
    wire.heal()
  })

  test('14. a call that is given up keeps its place: later replies still find their calls', async () => {
    const aborts = Array.from({ length: 50 }, () => new AbortController())
    const calls = aborts.map((abort, i) =>
      direct.create(`${root}/n${i}`, `${i}`, i % 2 === 0 ? { signal: abort.signal } : {}),
    )
    await Promise.resolve()
    for (const [i, abort] of aborts.entries()) if (i % 2 === 0) abort.abort(new Error('enough'))
    const outcomes = await Promise.all(calls.map(outcomeOf))
    expect(outcomes.filter((each) => each.includes('enough'))).toHaveLength(25)
    for (let i = 1; i < 50; i += 2) expect((await calls[i])?.path).toBe(`${root}/n${i}`)
    const zk = await through()
    wire.hang()
    expect(await outcomeOf(zk.get(root, { timeout: 100 }))).toMatch(/^TIMEOUT/)
    wire.heal()
  })

  test('15. leaving a stream takes the watch from the server, and never a neighbour’s', async () => {
    const watched = async (): Promise<number> => {
      // Of an ensemble each member knows the watches of its own clients.
      const ports = server.connectString.split(',').map((address) => Number(address.split(':')[1]))
      const answers = await Promise.all(ports.map((port) => fourLetters(port, 'wchs')))
      return answers.reduce((sum, answer) => sum + Number(/watches:(\d+)/.exec(answer)?.[1]), 0)
    }
    const before = await watched()
    const stop = new AbortController()
    const left = collect(direct.watch(root, { recursive: true, signal: stop.signal }))
    const stays = collect(direct.watch(root, { recursive: true }))
    const oneShot = await direct.existence(root, { watch: true })
    await Promise.all([left, stays].map(({ until }) => until(({ kind }) => kind === 'ready')))
    stop.abort()
    await left.done
    await direct.create(`${root}/heard`)
    await stays.until((change) => change.kind === 'created' && change.path === `${root}/heard`)
    await direct.set(root, 'x')
    expect((await oneShot.changed)?.type).toBe('dataChanged')
    const only = direct.watch(`${root}/only`)
    await only.next()
    const most = await watched()
    await only.return()
    await direct.sync()
    while ((await watched()) >= most) await sleep(20)
    expect(await watched()).toBeGreaterThan(before)
  })

  test('16. a whole subtree is watched, to any depth, as one stream in order', async () => {
    const told = collect(direct.watch(root, { recursive: true }))
    await told.until(({ kind }) => kind === 'ready')
    await direct.create(`${root}/a/b/c/d`, 'deep', { parents: true })
    await direct.set(`${root}/a/b`, 'x')
    await direct.delete(`${root}/a`, { recursive: true })
    await told.until((change) => change.kind === 'deleted' && change.path === `${root}/a`)
    const alive = new Set<string>([root])
    for (const change of told.changes) {
      if (change.kind === 'created' && change.path !== root) {
        expect(alive.has(change.path.slice(0, change.path.lastIndexOf('/')))).toBe(true)
        alive.add(change.path)
      } else if (change.kind === 'deleted') {
        expect([...alive].some((each) => each.startsWith(`${change.path}/`))).toBe(false)
        alive.delete(change.path)
      }
    }
  })

  test('17. a contender that gives up leaves nothing that blocks the others', async () => {
    const zk = await through()
    wire.loseReplyTo((request) => request.includes('-lock-'))
    const abort = new AbortController()
    const creating = outcomeOf(
      zk.create(`${root}/lock-`, '', { mode: 'ephemeral', sequential: true, protected: true, signal: abort.signal }),
    )
    await stateOf(zk, ({ kind }) => kind === 'disconnected')
    abort.abort(new Error('too long'))
    expect(await creating).toContain('too long')
    await stateOf(zk, ({ kind }) => kind === 'connected')
    while ((await direct.children(root)).children.length > 0) await sleep(20)
    expect(zk.epoch).toBe(0)
  })

  test('18. a server that gives another session than the one asked for has expired it', async () => {
    const strange = await strangeServer()
    try {
      const zk = await connect(strange.address, { sessionTimeout: 4000 })
      open.push(zk)
      const first = zk.sessionId
      const expired = stateOf(zk, ({ kind }) => kind === 'expired')
      strange.cut()
      expect(await expired).toMatchObject({ sessionId: first, epoch: 0 })
      await stateOf(zk, ({ kind }) => kind === 'connected')
      expect([zk.epoch, zk.sessionId === first]).toEqual([1, false])
    } finally {
      await strange.close()
    }
  })

  test('19. a registration that went with its session is known by name, so that it is made again', async () => {
    const zk = await through()
    const registered = async (): Promise<void> => {
      await zk.create(`${root}/me`, 'address', { mode: 'ephemeral' })
    }
    await registered()
    wire.down()
    const state = await stateOf(zk, ({ kind }) => kind === 'expired')
    if (state.kind !== 'expired') throw new Error('unexpected')
    expect(state.lost.ephemerals).toEqual([`${root}/me`])
    while ((await direct.exists(`${root}/me`)) !== undefined) await sleep(50)
    wire.heal()
    await stateOf(zk, ({ kind }) => kind === 'connected')
    await registered()
    expect((await direct.exists(`${root}/me`))?.ephemeralOwner).toBe(zk.sessionId)
  })

  test('20. what is too large fails alone, with its size, and a great many watches come back in pieces', async () => {
    const zk = await through({ replyBytesMax: 100_000 })
    const large = await zk.set(root, new Uint8Array(2_000_000)).catch((error: unknown) => error as KeeperError)
    expect(large).toMatchObject({ code: 'FRAME_TOO_LARGE', outcome: 'not-sent' })
    await direct.set(root, new Uint8Array(200_000))
    expect(await outcomeOf(zk.get(root))).toBe('FRAME_TOO_LARGE rejected')
    const paths = Array.from({ length: 20_000 }, (_, i) => `${root}/${'long-name-'.repeat(5)}${i}` as const)
    const events = await Promise.all(paths.map((path) => zk.existence(path, { watch: true })))
    expect(zk.stats().connections.established).toBe(1)
    const again = (async () => {
      await stateOf(zk, ({ kind }) => kind === 'disconnected')
      await stateOf(zk, ({ kind }) => kind === 'connected')
    })()
    wire.cut()
    await again
    expect([zk.stats().connections.established, zk.epoch]).toEqual([2, 0])
    await direct.create(paths[19_999] as ZnodePath)
    expect((await events[19_999]?.changed)?.type).toBe('created')
  })

  test('21. transactions are typed, name what failed, and version 0 is version 0', async () => {
    await direct.create(`${root}/v`, '0')
    const [created, , stat] = await direct.transaction(
      op.create(`${root}/t`),
      op.check(`${root}/v`, 0),
      op.set(`${root}/v`, '1', { version: 0 }),
    )
    expect([created.path, stat.version]).toEqual([`${root}/t`, 1])
    const failing = direct.transaction(op.create(`${root}/u`), op.set(`${root}/v`, '2', { version: 0 }))
    expect(await failing.catch((error: unknown) => error)).toMatchObject({
      code: 'TRANSACTION_FAILED',
      failedOp: { index: 1, code: 'BAD_VERSION', path: `${root}/v` },
    })
    expect(await direct.exists(`${root}/u`)).toBeUndefined()
  })

  test('22. one connection at a time, and waits that grow while there is none', async () => {
    const zk = await through({ sessionTimeout: 30_000, backoff: { baseMs: 100, maxMs: 1000 } })
    const { attempts } = zk.stats().connections
    wire.down()
    await sleep(2000)
    const tried = zk.stats().connections.attempts - attempts
    expect(tried).toBeGreaterThan(1)
    expect(tried).toBeLessThan(40)
    wire.heal()
    await stateOf(zk, ({ kind }) => kind === 'connected')
    for (let i = 0; i < 5; i++) {
      const back = stateOf(zk, ({ kind }) => kind === 'disconnected')
      wire.cut()
      await back
      await stateOf(zk, ({ kind }) => kind === 'connected')
    }
    expect(wire.openMax).toBe(1)
    wire.down()
    const closing = zk.close()
    await closing
    expect(zk.state.kind).toBe('closed')
  })

  test('23. identities are there before any request, on every connection', async () => {
    let asked = 0
    const zk = await through({
      auth: [
        {
          scheme: 'digest',
          credentials: () => {
            asked++
            return 'joe:secret'
          },
        },
      ],
    })
    await zk.create(`${root}/private`, 'mine', { acl: creatorAcl })
    for (let i = 0; i < 5; i++) {
      wire.cut()
      expect(text((await zk.get(`${root}/private`)).data)).toBe('mine')
    }
    expect(asked).toBe(zk.stats().connections.established)
    expect(await outcomeOf(direct.get(`${root}/private`))).toBe('NO_AUTH rejected')
  })

  test('24. after a failover a client goes back to where it belongs, with its session', async () => {
    await using far = await proxy(server.port)
    const near = wire.connectString
    const zk = await connect(`${near},${far.connectString}`, {
      sessionTimeout: 10_000,
      preferred: [near],
      rebalanceAfter: 300,
    })
    open.push(zk)
    const on = (server: string) => (state: SessionState) => state.kind === 'connected' && state.server === server
    const { sessionId } = zk
    expect(on(near)(zk.state)).toBe(true)
    wire.down()
    await stateOf(zk, on(far.connectString))
    wire.heal()
    await stateOf(zk, on(near))
    expect([zk.sessionId, zk.epoch]).toEqual([sessionId, 0])
  })

  test('25. a consumer that takes its time delays nothing but itself', async () => {
    const zk = await through({ sessionTimeout: 2000 })
    const stream = zk.watch(root, { recursive: true })
    for (let told = ''; told !== 'ready'; ) told = ((await stream.next()).value as WatchChange).kind
    const { established } = zk.stats().connections
    for (let i = 0; i < 300; i++) await direct.create(`${root}/n${i}`)
    await sleep(5000)
    expect(text((await zk.get(root)).data)).toBe('')
    expect([zk.epoch, zk.stats().connections.established]).toEqual([0, established])
    const seen = new Set<string>()
    while (seen.size < 300) {
      const { value } = await stream.next()
      // Calls from within the loop are calls like any other.
      if (value?.kind === 'created') seen.add((await zk.exists(value.path)) === undefined ? '' : value.path)
    }
    await stream.return()
  })
})

function fourLetters(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    import('node:net').then(({ createConnection }) => {
      let answer = ''
      const socket = createConnection({ host: '127.0.0.1', port }, () => socket.write(word))
      socket
        .on('data', (chunk) => (answer += chunk))
        .on('close', () => resolve(answer))
        .on('error', reject)
    }, reject)
  })
}

/** Opens a new session for every client that connects, as ClickHouse Keeper does for an unknown session. */
async function strangeServer(): Promise<{ address: string; cut(): void; close(): Promise<void> }> {
  let sessions = 0
  const sockets = new Set<import('node:net').Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    let isOpen = false
    socket
      .on('error', () => {})
      .on('data', () => {
        if (isOpen) return
        isOpen = true
        const reply = Buffer.alloc(41)
        reply.writeInt32BE(37, 0)
        reply.writeInt32BE(4000, 8)
        reply.writeBigInt64BE(BigInt(++sessions), 12)
        reply.writeInt32BE(16, 20)
        socket.write(reply)
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    address: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`,
    cut,
    close: () => {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
