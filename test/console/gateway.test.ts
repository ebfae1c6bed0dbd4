/** The gateway of the console over a server of ours: what it answers, whom it refuses, what it writes down. */
import { request } from 'node:http'
import { type Client, connect, creatorAcl } from '@lightkeeper/client'
import { type RunningConsole, startConsole, type WebFiles } from '@lightkeeper/console'
import { lock } from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  About,
  Children,
  EndPreview,
  Ephemerals,
  Figures,
  Problem,
  SearchLine,
  Servers,
  Sessions,
  StreamEvent,
  Structures,
  Znode,
} from '../../packages/console/src/api.ts'
import { sleep, until } from '../support/wait.ts'

const files: WebFiles = {
  page: (nonce) => ({ body: `page ${nonce}`, headers: { 'content-type': 'text/html' } }),
  file: (path) =>
    path === '/assets/a.js' ? { body: 'js', headers: { 'content-type': 'text/javascript' } } : undefined,
}
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const json = { 'content-type': 'application/json' }

let server: RunningServer
let zk: Client
let own: RunningConsole
/** Lines of the log of `own`. */
const lines: string[] = []

beforeAll(async () => {
  server = await startServer({ port: 0, fourLetterWordWhitelist: '*' })
  zk = await connect(server.connectString)
  own = await startConsole({
    servers: server.connectString,
    allowsWrites: true,
    files,
    log: (_level, message, facts = {}) => void lines.push(`${message} ${JSON.stringify(facts)}`),
  })
})
afterAll(async () => {
  await own.close()
  await zk.close()
  await server.close()
})

async function get<T = Record<string, unknown>>(path: string, running = own): Promise<T> {
  const response = await fetch(new URL(path, running.url))
  return (await response.json()) as T
}

async function send(method: string, path: string, body: object, running = own) {
  const response = await fetch(new URL(path, running.url), { method, headers: json, body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** With headers that fetch does not let a program set. */
function statusOf(url: string, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

/** Looks until there is something. */
async function found<T>(look: () => Promise<T | undefined>): Promise<T> {
  let value: T | undefined
  await until(async () => {
    value = await look()
    return value !== undefined
  })
  return value as T
}

const itemsOf = (events: readonly StreamEvent[]) =>
  events.flatMap((event) => (event.kind === 'changes' ? event.items : []))

/** Events of a stream, until `isEnough`; `during` runs from the first one on. */
async function events(
  path: string,
  isEnough: (all: readonly StreamEvent[]) => boolean,
  during: (isOver: () => boolean) => Promise<unknown>,
): Promise<StreamEvent[]> {
  const over = new AbortController()
  const response = await fetch(new URL(path, own.url), { signal: over.signal })
  const all: StreamEvent[] = []
  let rest = ''
  let begun: Promise<unknown> | undefined
  for await (const chunk of response.body ?? []) {
    const parts = (rest + Buffer.from(chunk).toString()).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) if (line.startsWith('data: ')) all.push(JSON.parse(line.slice(6)) as StreamEvent)
    if (all.some(({ kind }) => kind === 'ready')) begun ??= during(() => over.signal.aborted)
    if (isEnough(all)) break
  }
  over.abort()
  await begun
  return all
}

describe('the tree', () => {
  test('gives children page by page, sorted, with what a row shows', async () => {
    await zk.create('/pages')
    await Promise.all(Array.from({ length: 30 }, (_, i) => zk.create(`/pages/n${`${i}`.padStart(2, '0')}`)))
    await zk.create('/pages/n07/below')
    const page = await get<Children>('/api/children?path=/pages&offset=5&limit=4&find=n29&find=none')
    expect(page).toMatchObject({ total: 30, offset: 5, places: [29, -1] })
    expect(page.children.map((each) => [each.name, each.numChildren])).toEqual([
      ['n05', 0],
      ['n06', 0],
      ['n07', 1],
      ['n08', 0],
    ])
    await zk.delete('/pages/n00')
    expect(await get('/api/children?path=/pages&limit=1')).toMatchObject({ total: 29, children: [{ name: 'n01' }] })
  })

  test('gives a znode with its data, Stat, ACL and quota', async () => {
    await zk.create('/znode', 'text')
    expect(await get('/api/znode?path=/znode')).toMatchObject({
      path: '/znode',
      data: base64('text'),
      stat: { version: 0, kind: 'persistent', dataLength: 4 },
      acl: [{ perms: 'cdrwa', scheme: 'world', id: 'anyone' }],
    })
  })

  test('says what is wrong with a question', async () => {
    expect(await get('/api/znode?path=/none')).toEqual({ code: 'NO_NODE', message: '/none does not exist' })
    expect(await get('/api/znode?path=relative')).toMatchObject({
      code: 'WRONG',
      message: expect.stringContaining('relative'),
    })
    expect(await get('/api/znode')).toMatchObject({ code: 'WRONG' })
    expect(await get('/api/children?path=/&limit=9999')).toMatchObject({ code: 'WRONG' })
    expect(await get('/api/nothing')).toMatchObject({ code: 'WRONG' })
  })

  test('searches names and data below a path', async () => {
    await zk.create('/find/deep/Needle', 'x', { parents: true })
    await zk.create('/find/other', 'a needle in data')
    const linesOf = async (query: string): Promise<SearchLine[]> => {
      const response = await fetch(new URL(`/api/search?${query}`, own.url))
      return (await response.text())
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as SearchLine)
    }
    expect(await linesOf('path=/find&text=needle')).toEqual([
      { kind: 'found', path: '/find/deep/Needle', where: 'name' },
      { kind: 'end', looked: 4, isWhole: true },
    ])
    const both = await linesOf('path=/find&text=needle&in=data')
    const shown = both.flatMap((line) => (line.kind === 'found' ? `${line.where} ${line.path}` : []))
    expect(shown.sort()).toEqual(['data /find/other', 'name /find/deep/Needle'])
    expect(await linesOf('path=/find&text=')).toMatchObject([{ kind: 'failed' }])
  })
})

describe('writes', () => {
  test('a save expects a version; after a conflict nothing is written and the newest value is shown', async () => {
    await zk.create('/cas', 'one')
    expect(await send('PUT', '/api/znode', { path: '/cas', data: base64('two'), version: 0 })).toMatchObject({
      status: 200,
      body: { stat: { version: 1 } },
    })
    const conflict = await send('PUT', '/api/znode', { path: '/cas', data: base64('mine'), version: 0 })
    expect(conflict).toMatchObject({
      status: 409,
      body: { code: 'BAD_VERSION', current: { data: base64('two'), stat: { version: 1 } } },
    })
    expect((await send('PUT', '/api/znode', { path: '/cas', data: base64('blind') })).status).toBe(400)
    expect(Buffer.from((await zk.get('/cas')).data).toString()).toBe('two')
  })

  test('creates, deletes with everything below, and sets the ACL', async () => {
    expect((await send('POST', '/api/znode', { path: '/made', data: base64('x') })).body).toEqual({ path: '/made' })
    const sequential = await send('POST', '/api/znode', { path: '/made/n-', sequential: true })
    expect(sequential.body['path']).toBe('/made/n-0000000000')
    expect((await send('POST', '/api/znode', { path: '/made' })).body).toMatchObject({ code: 'NODE_EXISTS' })
    expect((await send('POST', '/api/znode', { path: '/made/e', mode: 'ephemeral' })).status).toBe(400)
    const acl = [
      { perms: 'cdrwa', scheme: 'world', id: 'anyone' },
      { perms: 'r', scheme: 'ip', id: '10.0.0.0/8' },
    ]
    expect((await send('PUT', '/api/acl', { path: '/made', acl, aversion: 0 })).status).toBe(200)
    expect((await send('PUT', '/api/acl', { path: '/made', acl, aversion: 0 })).body).toMatchObject({
      code: 'BAD_VERSION',
    })
    expect(await get('/api/znode?path=/made')).toMatchObject({ acl })
    expect((await send('DELETE', '/api/znode', { path: '/made', version: 0 })).body).toMatchObject({
      code: 'NOT_EMPTY',
    })
    expect((await send('DELETE', '/api/znode', { path: '/made', version: 7, recursive: true })).status).toBe(409)
    expect((await send('DELETE', '/api/znode', { path: '/made', version: 0, recursive: true })).status).toBe(200)
    expect(await zk.exists('/made')).toBeUndefined()
  })

  test('each is in the log with who, what and how it ended, and without the data', () => {
    const of = (path: string): string[] => lines.filter((line) => line.includes(`"path":"${path}"`))
    expect(of('/cas')[0]).toMatch(
      /^the console wrote .*"operation":"set".*"client":"127\.0\.0\.1".*"version":0.*"bytes":3.*"done"/,
    )
    expect(of('/cas')[1]).toMatch(/^a write of the console failed .*BAD_VERSION/)
    expect(of('/made').join('\n')).toMatch(/"operation":"create"[^]*"operation":"set acl"[^]*"operation":"delete"/)
    expect(lines.join('\n')).not.toContain(base64('two'))
  })

  test('a body that is no JSON object, or too long, is refused', async () => {
    const put = (body: string) => fetch(new URL('/api/znode', own.url), { method: 'PUT', headers: json, body })
    expect((await put('[]')).status).toBe(400)
    expect((await put('{')).status).toBe(400)
    expect((await put(JSON.stringify({ path: '/cas', data: 'A'.repeat(5 << 20) }))).status).toBe(413)
  })

  test('a console that only reads refuses every write, whatever it is', async () => {
    await using reader = await startConsole({ servers: server.connectString, files })
    expect(await get('/api/about', reader)).toMatchObject({ allowsWrites: false })
    for (const [method, path] of [
      ['PUT', '/api/znode'],
      ['POST', '/api/znode'],
      ['DELETE', '/api/znode'],
      ['PUT', '/api/acl'],
      ['PUT', '/api/quota'],
      ['POST', '/api/sessions/end'],
      ['POST', '/api/past/undo'],
    ] as const) {
      expect(await send(method, path, { path: '/cas', version: 1, data: '' }, reader), path).toMatchObject({
        status: 403,
        body: { code: 'READ_ONLY' },
      })
    }
    expect(Buffer.from((await zk.get('/cas')).data).toString()).toBe('two')
  })
})

describe('streams', () => {
  test('every change below a path, with the value before and after', async () => {
    await zk.create('/live')
    const all = await events(
      '/api/changes?path=/live',
      (seen) => itemsOf(seen).some(({ kind }) => kind === 'deleted'),
      async () => {
        await zk.create('/live/a', 'one')
        await zk.set('/live/a', 'two')
        await zk.delete('/live/a')
      },
    )
    expect(all[0]).toMatchObject({ kind: 'ready', znodes: 1 })
    expect(itemsOf(all).at(-1)).toMatchObject({ kind: 'deleted', path: '/live/a' })
    expect(all.some((event) => event.kind === 'changes' && event.leftOut > 0)).toBe(false)
  })

  test('the open view hears of its znode, its children, and the connection', async () => {
    await zk.create('/view', 'a')
    const all = await events(
      '/api/follow?path=/view&list=/view',
      (seen) => seen.some(({ kind }) => kind === 'children') && itemsOf(seen).length > 0,
      async (isOver) => {
        await zk.set('/view', 'b')
        // The list is looked at now and then, and only a change after the first look is one.
        for (let i = 0; !isOver(); i++) {
          await zk.create(`/view/${i}`)
          await sleep(50)
        }
      },
    )
    expect(all.find(({ kind }) => kind === 'state')).toMatchObject({
      state: { kind: 'connected', server: server.connectString },
    })
    expect(itemsOf(all)[0]).toMatchObject({ kind: 'changed', path: '/view', value: { data: base64('b') } })
  })

  test('a path that does not fit is refused with the reason', async () => {
    expect(await get('/api/changes?path=wrong')).toMatchObject({ code: 'WRONG' })
  })
})

describe('recipes, servers, sessions', () => {
  test('who holds a lock, who waits, and what ending the holder would do', async () => {
    await using first = await connect(server.connectString)
    await using second = await connect(server.connectString)
    const held = await lock(first, '/locks/report').acquire()
    const waiting = lock(second, '/locks/report').acquire()
    const [seen] = await found(async () => {
      const { structures } = await get<Structures>('/api/structures?path=/locks')
      return structures[0]?.waiters.length === 1 ? structures : undefined
    })
    const path = seen?.holders[0]?.path
    const idOf = (client: Client): string => `0x${client.sessionId.toString(16)}`
    expect(seen).toMatchObject({
      kind: 'lock',
      path: '/locks/report',
      holders: [{ session: idOf(first) }],
      waiters: [{ session: idOf(second) }],
    })
    const { sessions } = await get<Sessions>('/api/sessions')
    expect(sessions.find(({ id }) => id === idOf(first))).toMatchObject({
      address: expect.stringContaining('127.0.0.1:'),
      ephemerals: [path],
      isOwn: false,
    })
    expect(sessions.filter(({ isOwn }) => isOwn)).toHaveLength(1)
    const preview = await get<EndPreview>(`/api/sessions/end?session=${idOf(first)}`)
    expect(preview.ephemerals).toEqual([path])
    // The waiter watches the data of the one ahead.
    expect(preview.watches).toEqual([{ path: path, sessions: [idOf(second)] }])
    expect(await send('POST', '/api/sessions/end', { session: idOf(first) })).toMatchObject({
      body: { deleted: [path] },
    })
    await (await waiting).release()
    await held.release()
  })

  test('where the server is in the same process, a session is really ended, and its client learns it', async () => {
    await using client = await connect(server.connectString, { onExpired: 'close' })
    await client.create('/ended', '', { mode: 'ephemeral' })
    const session = `0x${client.sessionId.toString(16)}`
    const endSession = (id: bigint): boolean => server.expireSession(id)
    await using other = await startConsole({ servers: server.connectString, allowsWrites: true, endSession, files })
    expect(await get<EndPreview>(`/api/sessions/end?session=${session}`, other)).toMatchObject({
      isWhole: true,
      ephemerals: ['/ended'],
    })
    expect(await send('POST', '/api/sessions/end', { session }, other)).toMatchObject({ status: 200 })
    await until(() => client.state.kind === 'expired' || client.state.kind === 'closed')
    expect(await zk.exists('/ended')).toBeUndefined()
    expect(await send('POST', '/api/sessions/end', { session }, other)).toMatchObject({ status: 400 })
  })

  test('each server with its role and figures', async () => {
    expect(await get<Servers>('/api/servers')).toMatchObject({
      servers: [{ server: server.connectString, role: 'standalone', lag: 0, figures: { server_state: 'standalone' } }],
      members: [],
      notes: ['One server that stands alone: while it is down, no client is served.'],
      problems: [],
    })
    const { servers } = await found(async () => {
      const figures = await get<Figures>('/api/figures')
      return figures.servers.length > 0 ? figures : undefined
    })
    expect(servers[0]).toMatchObject({ server: server.connectString, isKept: false })
    expect(servers[0]?.values['znodes']?.[0]).toBeGreaterThan(3)
  })

  test('a server that allows no words is named with the setting', async () => {
    await using strict = await startServer({ port: 0, fourLetterWordWhitelist: '' })
    await using other = await startConsole({ servers: strict.connectString, files })
    const { servers, problems } = await get<Servers>('/api/servers', other)
    expect(problems).toEqual([expect.stringMatching(/does not answer the word mntr; .*4lw\.commands\.whitelist/)])
    // `srvr` is always answered.
    expect(servers[0]?.role).toBe('standalone')
    expect((await get<Sessions>('/api/sessions', other)).problems).toEqual([
      expect.stringContaining('does not answer the words cons, dump, wchc'),
    ])
  })

  test('the past needs a data directory', async () => {
    expect(await get('/api/past/history?path=/')).toMatchObject({ message: expect.stringContaining('--data-dir') })
  })
})

test('with a chroot the page has the paths that its client has', async () => {
  await zk.create('/shop/inside', '', { parents: true })
  await using inside = await connect(`${server.connectString}/shop`)
  await inside.create('/own', '', { mode: 'ephemeral' })
  await inside.create('/inside/own', '', { mode: 'ephemeral' })
  await using other = await startConsole({ servers: `${server.connectString}/shop`, allowsWrites: true, files })
  const session = `0x${inside.sessionId.toString(16)}`
  const { sessions } = await get<Sessions>('/api/sessions', other)
  expect(sessions.find(({ id }) => id === session)?.ephemerals).toEqual(['/inside/own', '/own'])
  expect(await get<Ephemerals>('/api/ephemerals?path=/inside', other)).toMatchObject({
    ephemerals: [{ path: '/inside/own', session }],
  })
  expect(await send('POST', '/api/sessions/end', { session }, other)).toMatchObject({
    body: { deleted: ['/inside/own', '/own'] },
  })
})

test('the quota of a znode: what it may have, and has; it is set, changed where nobody was faster, and taken away', async () => {
  const put = (body: object) => send('PUT', '/api/quota', { path: '/limited', ...body })
  const quota = async () => (await get<Znode>('/api/znode?path=/limited')).quota
  await zk.create('/limited')
  expect(await quota()).toEqual({ soft: {}, hard: {}, used: {} })
  expect(await put({ soft: { znodes: 5 }, hard: { znodes: 9, bytes: 1_000 } })).toMatchObject({ status: 200 })
  await zk.create('/limited/child', 'abc')
  expect(await quota()).toEqual({
    version: 0,
    soft: { znodes: 5 },
    hard: { znodes: 9, bytes: 1_000 },
    used: { znodes: 2, bytes: 3 },
  })
  // Another one creates it at the same time, or writes it in between.
  expect(await put({ soft: { znodes: 6 } })).toMatchObject({ status: 409, body: { code: 'BAD_VERSION' } })
  expect(await put({ soft: { znodes: 6 }, version: 7 })).toMatchObject({
    status: 409,
    body: { code: 'BAD_VERSION', current: { quota: { version: 0, soft: { znodes: 5 } } } },
  })
  expect(await put({ soft: { znodes: 6 }, version: 0 })).toMatchObject({ status: 200 })
  expect(await quota()).toMatchObject({ version: 1, soft: { znodes: 6 }, hard: {} })
  expect(await send('PUT', '/api/quota', { path: '/limited/child', soft: { znodes: 1 } })).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('/limited/child lies below /limited, which has a quota') },
  })
  expect(await put({ soft: { znodes: 0 }, version: 1 })).toMatchObject({ status: 400 })
  expect(await send('PUT', '/api/quota', { path: '/zookeeper/quota', soft: { znodes: 1 } })).toMatchObject({
    status: 400,
  })
  expect(await put({ version: 0 })).toMatchObject({ status: 409 })
  expect(await put({ version: 1 })).toMatchObject({ status: 200 })
  expect(await quota()).toEqual({ soft: {}, hard: {}, used: {} })
  expect(await zk.exists('/zookeeper/quota/limited')).toBeUndefined()
  expect(await put({ soft: { znodes: 6 }, version: 1 })).toMatchObject({ status: 409 })
  expect(lines.filter((line) => line.includes('"operation":"set quota"')).join('\n')).toContain(
    '"quota":"count=5,bytes=-1=;byteHardLimit=1000;countHardLimit=9"',
  )
})

test('a view with very many lists and a wide search make the process complain about nothing', async () => {
  await zk.create('/wide')
  const names = Array.from({ length: 60 }, (_, i) => `/wide/n${i}` as const)
  await Promise.all(names.map((each) => zk.create(each, 'text')))
  const warnings: string[] = []
  const listen = (warning: Error): void => void warnings.push(`${warning.name} ${warning.message}`)
  process.on('warning', listen)
  try {
    const query = ['path=/wide', ...names.map((each) => `list=${each}`)].join('&')
    const all = await events(
      `/api/follow?${query}`,
      (seen) => new Set(seen.flatMap((event) => (event.kind === 'children' ? event.path : []))).size === names.length,
      async () => {},
    )
    expect(all.some(({ kind }) => kind === 'failed')).toBe(false)
    await (await fetch(new URL('/api/search?path=/wide&text=nothing&in=data', own.url))).text()
    // A warning comes in a later turn.
    await sleep(0)
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', listen)
  }
})

describe('who may ask', () => {
  test('a page of another site, another name of this machine, and a form are refused', async () => {
    const about = new URL('/api/about', own.url).href
    expect(await statusOf(about, { host: 'evil.example' })).toBe(403)
    expect(await statusOf(about, { origin: 'http://evil.example' })).toBe(403)
    expect(await statusOf(about, { 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await statusOf(new URL('/api/znode', own.url).href, { 'content-type': 'text/plain' }, 'PUT')).toBe(403)
    expect(await statusOf(about, {})).toBe(200)
    expect(lines.filter((line) => line.startsWith('the console refused a request')).length).toBe(4)
  })

  test('every answer forbids what is not ours', async () => {
    const page = await fetch(new URL('/tree?path=/a', own.url))
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('http')
    expect(policy).not.toContain('unsafe')
    const nonce = /'nonce-([0-9a-f]{32})'/.exec(policy)?.[1]
    expect(await page.text()).toBe(`page ${nonce}`)
    for (const path of ['/api/about', '/api/none', '/assets/a.js']) {
      const { headers } = await fetch(new URL(path, own.url))
      expect(headers.get('content-security-policy'), path).toContain("default-src 'none'")
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(headers.get('x-frame-options'), path).toBe('DENY')
    }
  })

  test('on another address than loopback, with credentials, and with a data directory, a token is required', async () => {
    const secret = { auth: [{ scheme: 'digest', credentials: 'ann:secret' }] }
    // The files of a data directory have what ACLs protect.
    const past = { dataDir: '/nowhere' }
    for (const options of [{ host: '0.0.0.0' }, { connect: secret }, { past }]) {
      await using guarded = await startConsole({ servers: server.connectString, files, ...options })
      expect(guarded.token).toMatch(/^[\w-]{32}$/)
      expect(guarded.url).toContain(`#token=${guarded.token}`)
      const url = new URL('/api/about', guarded.url)
      expect((await fetch(url)).status).toBe(401)
      expect((await fetch(url, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
      expect((await fetch(url, { headers: { authorization: `Bearer ${guarded.token}` } })).status).toBe(200)
      expect((await fetch(new URL('/', guarded.url))).status).toBe(200)
    }
    expect(own.token).toBeUndefined()
  })
})

test('a znode that the console may not read is said to be so, and no more', async () => {
  await using ann = await connect(server.connectString, { auth: [{ scheme: 'digest', credentials: 'ann:secret' }] })
  await ann.create('/private', 'secret', { acl: creatorAcl })
  expect(await get('/api/znode?path=/private')).toMatchObject({
    code: 'NO_AUTH',
    message: expect.stringContaining('/private'),
  })
  expect(await get('/api/structures?path=/')).toMatchObject({ unreadable: 1 })
})

test('a server that goes away does not end the console, and the page is told', async () => {
  const mortal = await startServer({ port: 0 })
  await using other = await startConsole({
    servers: mortal.connectString,
    files,
    connect: { requestTimeout: 300, backoff: { baseMs: 10, maxMs: 50 } },
  })
  await until(async () => (await get<About>('/api/about', other)).state.kind === 'connected')
  await mortal.close()
  await until(async () => (await get<About>('/api/about', other)).state.kind === 'disconnected')
  const problem = await get<Problem>('/api/znode?path=/', other)
  expect(['TIMEOUT', 'CONNECTION_LOSS']).toContain(problem.code)
  await using again = await startServer({ port: mortal.port })
  await until(async () => (await get<About>('/api/about', other)).state.kind === 'connected')
  expect(await get('/api/znode?path=/', other)).toMatchObject({ path: '/' })
  expect(again.port).toBe(mortal.port)
})
