/** Our client on the TLS port of our own server, and what other connections do to it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { Authority } from '@lightkeeper/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { text } from '../support/text.ts'

const authority = new Authority()

test('a server with TLS in this process is one line, and a client of it another', async () => {
  await using server = await startServer(authority.server())
  await using zk = await connect(server, { tls: authority.client('alice') })
  expect(await zk.whoAmI()).toContainEqual({ scheme: 'x509', user: 'CN=alice' })
  await using other = await connect(server, { tls: authority.client() })
  expect((await other.whoAmI()).map(({ scheme }) => scheme)).toEqual(['ip'])
  expect([server.port, server.connectString]).toEqual([server.securePort, server.secureConnectString])
})

describe('a server with both ports', () => {
  let server: RunningServer
  let zk: Client
  beforeEach(async () => {
    server = await startServer({ ...authority.server('need'), port: 0, fourLetterWordWhitelist: '*' })
    zk = await connect(server.secureConnectString ?? '', { tls: authority.client('alice') })
  })
  afterEach(async () => {
    await zk.close()
    await server.close()
  })

  test('moves large data over TLS, both ways', async () => {
    const data = new Uint8Array(1_000_000).map((_, i) => i)
    await zk.create('/large', data)
    const all = await Promise.all(Array.from({ length: 20 }, () => zk.get('/large')))
    expect(all.every((each) => Buffer.compare(each.data, data) === 0)).toBe(true)
  })

  test('tells watches of writes that came without TLS', async () => {
    await using plain = await connect(server)
    const { changed } = await zk.existence('/x', { watch: true })
    await plain.create('/x')
    expect((await changed)?.type).toBe('created')
  })

  test('goes on serving while others send garbage, halves and nothing', async () => {
    const strangers: Socket[] = []
    const garbage = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(70_000, 0x16),
      Buffer.from([0x16, 3, 1, 0, 200]),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), Buffer.alloc(200, 1)]),
      Buffer.alloc(0),
    ]
    for (let i = 0; i < 50; i++) {
      const socket = createConnection({ host: '127.0.0.1', port: server.securePort ?? 0 })
      socket.on('error', () => {})
      socket.write(garbage[i % garbage.length] as Buffer)
      strangers.push(socket)
    }
    for (let i = 0; i < 50; i++) await zk.create(`/n${i}`)
    await using another = await connect(server.secureConnectString ?? '', { tls: authority.client('bob') })
    expect((await another.children('/')).children).toHaveLength(51)
    for (const socket of strangers) socket.destroy()
  })

  test('closes when a handshake is under way', async () => {
    const socket = createConnection({ host: '127.0.0.1', port: server.securePort ?? 0 })
    const gone = new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write(Buffer.from([0x16, 3, 1]))
    await server.close()
    await gone
  })

  test('gives a client that resumes a TLS session its identity again', async () => {
    const options = {
      host: '127.0.0.1',
      port: server.securePort ?? 0,
      servername: 'localhost',
      ...authority.client('carol'),
    }
    const first = await opened(connectTls(options))
    const ticket = new Promise<Buffer>((resolve) => first.once('session', resolve))
    first.write('ruok')
    const session = await ticket
    first.destroy()
    const again = await opened(connectTls({ ...options, session }))
    expect(again.isSessionReused()).toBe(true)
    again.write('ruok')
    expect(await new Promise((resolve) => again.once('data', (data) => resolve(data.toString())))).toBe('imok')
    again.destroy()
  })
})

describe('certificates that change while the server runs', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lightkeeper-reload-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const shown = async (server: RunningServer): Promise<string> => {
    const socket = await opened(
      connectTls({ host: '127.0.0.1', port: server.securePort ?? 0, rejectUnauthorized: false }),
    )
    const { subject } = socket.getPeerCertificate()
    socket.destroy()
    return subject.CN
  }
  const write = (name: string): void => {
    const { cert, key } = authority.issue({ name, hosts: ['localhost'] })
    writeFileSync(join(directory, 'server.pem'), key + cert)
  }
  const start = async (): Promise<RunningServer> => {
    writeFileSync(join(directory, 'authority.pem'), authority.cert)
    const tls = {
      keyStoreLocation: join(directory, 'server.pem'),
      trustStoreLocation: join(directory, 'authority.pem'),
      clientAuth: 'want',
    }
    return startServer({ secureClientPort: 0, tls })
  }

  test('are shown to new connections; sessions and connections go on', async () => {
    write('first')
    await using server = await start()
    await using zk = await connect(`localhost:${server.port}`, {
      tls: { ...authority.client('alice'), checkServerIdentity: () => undefined },
    })
    const { sessionId } = zk
    expect(await shown(server)).toBe('first')
    write('second')
    expect(await server.reload()).toMatchObject({ changed: [{ setting: 'tls' }], needRestart: [] })
    expect(await shown(server)).toBe('second')
    await zk.create('/x', 'y')
    expect([zk.sessionId, text((await zk.get('/x')).data), zk.state.kind]).toEqual([sessionId, 'y', 'connected'])

    writeFileSync(join(directory, 'server.pem'), 'half of it')
    await expect(server.reload()).rejects.toThrow(/server\.pem\) holds no key with its certificate/)
    expect(await shown(server)).toBe('second')
    expect(zk.state.kind).toBe('connected')
  })

  test('are found without a word', async () => {
    write('first')
    await using server = await start()
    write('second')
    await vi.waitFor(async () => expect(await shown(server)).toBe('second'), { timeout: 20_000, interval: 200 })
  })
})

async function opened(socket: TLSSocket): Promise<TLSSocket> {
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return socket
}
