/** Our client over TLS, through a front of node:tls to our own server in memory. */
import { createConnection, createServer as createPlainServer, type Server } from 'node:net'
import { createServer, type TlsOptions as ServerTls, type TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import { type Client, type ConnectOptions, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { Authority } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const authority = new Authority('Test Authority')
const stranger = new Authority('Another Authority')
const local = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
const trusting = { ca: authority.cert }

interface Front extends AsyncDisposable {
  readonly port: number
  /** `servername` is what SNI named; the types of Node lack it. */
  readonly secured: (TLSSocket & { readonly servername?: string | false })[]
  cut(): void
}

let server: RunningServer
beforeAll(async () => {
  server = await startServer({ port: 0 })
})
afterAll(() => server.close())

/** Accepts TLS and passes its content to the server. */
async function front(options: ServerTls): Promise<Front> {
  const secured: TLSSocket[] = []
  const listening = createServer(options, (socket) => {
    secured.push(socket)
    const upstream = createConnection({ host: '127.0.0.1', port: server.port })
    socket.pipe(upstream).pipe(socket)
    socket.on('error', () => {}).on('close', () => upstream.destroy())
    upstream.on('error', () => {}).on('close', () => socket.destroy())
  })
  listening.on('tlsClientError', () => {})
  const port = await bound(listening)
  return {
    port,
    secured,
    cut() {
      for (const socket of secured) socket.destroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of secured) socket.destroy()
      await new Promise((resolve) => listening.close(resolve))
    },
  }
}

async function bound(listening: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    listening.once('error', reject)
    listening.listen(0, '127.0.0.1', resolve)
  })
  const address = listening.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Why there is no session, as the cause for the one server. */
async function failure(target: string, options: ConnectOptions): Promise<Error> {
  let zk: Client
  try {
    zk = await connect(target, { connectTimeout: 800, ...options })
  } catch (error) {
    expect(error).toBeInstanceOf(AggregateError)
    return (error as AggregateError).errors[0] as Error
  }
  await zk.close()
  throw new Error('it connected')
}

test('serves a session by the name of the host, which it asks for by SNI', async () => {
  await using secure = await front(local)
  await using zk = await connect(`localhost:${secure.port}`, { tls: trusting })
  await zk.create('/by-name', 'x')
  expect(Buffer.from((await zk.get('/by-name')).data).toString()).toBe('x')
  expect(secure.secured[0]?.servername).toBe('localhost')
})

test('serves a session by an address, which is not sent as SNI but is checked', async () => {
  await using secure = await front(local)
  await using zk = await connect(`127.0.0.1:${secure.port}`, { tls: trusting })
  expect(zk.state.kind).toBe('connected')
  expect(secure.secured[0]?.servername).toBe(false)
})

describe('says why there is no session:', () => {
  const cases = [
    ['an expired certificate', authority.issue({ name: 'l', hosts: ['localhost'], days: -1 }), 'has expired'],
    ['a certificate of an unknown authority', stranger.issue({ name: 'l', hosts: ['localhost'] }), 'unknown authority'],
    [
      'a certificate for another host',
      authority.issue({ name: 'l', hosts: ['elsewhere'] }),
      'is for another host than',
    ],
  ] as const
  test.each(cases)('%s', async (_, shown, why) => {
    await using secure = await front(shown)
    const cause = await failure(`localhost:${secure.port}`, { tls: trusting })
    expect(cause.message).toContain(`localhost:${secure.port}: the certificate of`)
    expect(cause.message).toContain(why)
  })

  test('an authority that only the options know is unknown to tls: true', async () => {
    await using secure = await front(local)
    expect((await failure(`localhost:${secure.port}`, { tls: true })).message).toContain('unknown authority')
  })

  test('a server that does not speak TLS', async () => {
    const talking = createPlainServer((socket) => {
      socket.on('error', () => {}).end('this is not TLS, whatever you say')
    })
    const port = await bound(talking)
    expect((await failure(`localhost:${port}`, { tls: trusting })).message).toContain('does not speak TLS on this port')
    talking.close()
    const plain = await failure(`127.0.0.1:${server.port}`, { tls: trusting })
    expect(plain.message).toContain('during the TLS handshake; perhaps it does not speak TLS on this port')
  })

  test('a server that wants a certificate of ours', async () => {
    await using secure = await front({ ...local, ...trusting, requestCert: true })
    expect((await failure(`localhost:${secure.port}`, { tls: trusting })).message).toContain('wants a certificate')
  })

  test('options that cannot be had or used, without what is secret in them', async () => {
    await using secure = await front(local)
    const target = `localhost:${secure.port}`
    const sealed = await failure(target, { tls: () => Promise.reject(new Error('the vault is sealed')) })
    expect(sealed.message).toContain('no TLS options: the vault is sealed')
    const secret = 'hunter2-passphrase'
    const broken = await failure(target, { tls: { ...trusting, cert: local.cert, key: 'no key', passphrase: secret } })
    expect(broken.message).toContain('unusable TLS options: ')
    expect(inspect(broken, { depth: 20, showHidden: true })).not.toContain(secret)
  })
})

test('the heartbeat thread speaks it too, and says as much when it fails', async () => {
  await using secure = await front(local)
  await using zk = await connect(`localhost:${secure.port}`, { tls: () => trusting, heartbeatThread: true })
  await zk.create('/by-thread', 'x'.repeat(100_000))
  expect((await zk.get('/by-thread')).data).toHaveLength(100_000)
  expect(secure.secured[0]?.servername).toBe('localhost')
  const target = `localhost:${secure.port}`
  expect((await failure(target, { tls: true, heartbeatThread: true })).message).toContain('unknown authority')
  const broken = { ...trusting, cert: local.cert, key: 'no key' }
  expect((await failure(target, { tls: broken, heartbeatThread: true })).message).toContain('unusable TLS options: ')
})

test('a certificate is taken anew for each connection, and the session goes on with it', async () => {
  const seen: string[] = []
  await using secure = await front({ ...local, ...trusting, requestCert: true })
  let version = 0
  const tls = (): object => ({ ...trusting, ...authority.issue({ name: `client-${version++}` }) })
  await using zk = await connect(`localhost:${secure.port}`, { tls, sessionTimeout: 10_000 })
  const { sessionId } = zk
  await zk.create('/mine', '', { mode: 'ephemeral' })
  for (let i = 0; i < 2; i++) {
    secure.cut()
    await zk.sync('/')
    expect((await zk.get('/mine')).stat.ephemeralOwner).toBe(sessionId)
  }
  for (const socket of secure.secured) seen.push(socket.getPeerX509Certificate()?.subject ?? 'gone')
  expect([secure.secured.length, version, zk.sessionId]).toEqual([3, 3, sessionId])
  expect(seen.at(-1)).toBe('CN=client-2')
})

test('options that never come do not keep connect() from rejecting in time', async () => {
  await using secure = await front(local)
  const cause = await failure(`localhost:${secure.port}`, { tls: () => new Promise(() => {}), connectTimeout: 300 })
  expect(cause.message).toContain(`localhost:${secure.port}: no answer`)
})
