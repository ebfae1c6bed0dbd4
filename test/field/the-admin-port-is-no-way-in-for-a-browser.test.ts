/** H16: what a web page, a name that was bent to this machine, or a client with bad manners gets from the admin port. */
import { request } from 'node:http'
import { createConnection } from 'node:net'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'

const options = { port: 0, adminEnableServer: true, adminServerPort: 0 }
let server: RunningServer
let port = 0
beforeAll(async () => {
  server = await startServer({ ...options, adminIdleTimeout: 300, adminAllowedHosts: 'zk-0.zk.example' })
  port = Number(server.adminAddress?.split(':').at(-1))
})
afterAll(() => server.close())

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

function ask({
  method = 'GET',
  path = '/commands/ruok',
  headers = {},
}: Asked): Promise<[status: number, body: string]> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers: { ...headers } }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => resolve([response.statusCode ?? 0, body]))
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Sends bytes as they are; resolves to everything that came back when the server closed the connection. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = createConnection({ host: '127.0.0.1', port }, () => socket.write(text))
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

test.each(['localhost:1', '127.0.0.1', '[::1]:8080', 'LOCALHOST', 'zk-0.zk.example:8080', '10.1.2.3'])(
  'the Host %s is served',
  async (host) => {
    expect((await ask({ headers: { host } }))[0]).toBe(200)
  },
)

test.each(['evil.example', 'localhost.evil.example:8080', 'zk-0.zk.example.evil', '127.0.0.1.evil.example', ' '])(
  'the Host %j is refused',
  async (host) => {
    const [status, body] = await ask({ headers: { host } })
    expect(status).toBe(403)
    expect(body).not.toContain('command')
  },
)

test('a page of another site is refused, also for what only shows something', async () => {
  for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
    expect((await ask({ headers: headers as Record<string, string> }))[0]).toBe(403)
  }
  expect((await ask({ headers: { origin: `http://127.0.0.1:${port}` } }))[0]).toBe(200)
  expect((await ask({ headers: { 'sec-fetch-site': 'same-origin' } }))[0]).toBe(200)
})

test('no file is reached by a path, and other methods are refused', async () => {
  for (const path of ['/../../etc/passwd', '/commands/../../etc/passwd', '/commands/%2e%2e/%2e%2e/etc/passwd', '/']) {
    const [, body] = await ask({ path })
    expect(body).not.toContain('root:')
    expect(body).toMatch(/Unknown command|below \/commands/)
  }
  for (const method of ['TRACE', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) expect((await ask({ method }))[0]).toBe(405)
})

test('an address in X-Forwarded-For is not believed', async () => {
  const [status] = await ask({
    path: '/commands/snapshot',
    headers: { authorization: 'ip', 'x-forwarded-for': '10.0.0.1' },
  })
  // In memory there is nothing to stream; the identity is the one of the socket.
  expect(status).toBe(503)
})

test('headers without end, requests without end and connections without a word are closed', async () => {
  expect(await raw(`GET /commands/ruok HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toContain(
    '431',
  )
  expect(await raw('')).toBe('')
  expect(await raw('GET /commands/ruok HTTP/1.1\r\nHost: localhost\r\nContent-Le')).not.toContain('200 OK')
  expect(await raw('\u0000\u0001\u0002nonsense\r\n\r\n')).toContain('400')
})

test('smuggled lengths are refused', async () => {
  const both =
    'POST /commands/ruok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  expect(await raw(both)).toContain('400')
})

test('more connections than may be are closed', async () => {
  const sockets = Array.from({ length: 80 }, () => createConnection({ host: '127.0.0.1', port }))
  const closed = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<boolean>((resolve) => {
          socket.on('error', () => {})
          socket.on('close', () => resolve(true))
        }),
    ),
  )
  expect(closed.length).toBe(80)
  expect((await ask({}))[0]).toBe(200)
})

test('a reload is asked by POST, and says what changed', async () => {
  const whitelists = ['srvr', 'srvr,ruok', 'nonsense of more letters']
  let at = 0
  const reread = () => ({ ...options, fourLetterWordWhitelist: whitelists[at++] as string })
  await using own = await startServer({ ...options, fourLetterWordWhitelist: 'srvr' }, {}, reread)
  const url = `http://${own.adminAddress}/commands/reload`
  expect((await fetch(url)).status).toBe(405)
  const page = async (): Promise<unknown> => (await fetch(url, { method: 'POST' })).json()
  const nothing = { command: 'reload', error: null, need_restart: [] }
  expect(await page()).toEqual({ ...nothing, changed: [] })
  expect(await page()).toEqual({
    ...nothing,
    changed: [{ setting: 'fourLetterWordWhitelist', from: 'srvr', to: 'srvr,ruok' }],
  })
  expect(await page()).toMatchObject({ command: 'reload', error: expect.stringContaining('nothing was changed') })
  expect(own.config.fourLetterWordWhitelist).toEqual(['srvr', 'ruok'])
})
