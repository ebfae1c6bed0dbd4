/** The past and the last day of a server, from its directory and by its admin port. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect } from '@lightkeeper/client'
import { type RunningConsole, startConsole, type WebFiles } from '@lightkeeper/console'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { AdminPages } from '@lightkeeper/tools'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Figures, History, PastDiff, Problem, SessionPast } from '../../packages/console/src/api.ts'

const files: WebFiles = { page: () => ({ body: '', headers: {} }), file: () => undefined }
const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-console-past-'))
const superDigest = `super:${createHash('sha1').update('super:secret').digest('base64')}`

let server: RunningServer
let zk: Client
let session: string
/** Consoles that have the past from the directory, and by the admin port. */
let consoles: Readonly<Record<'directory' | 'admin', RunningConsole>>

const pagesOf = (authorization: string): AdminPages =>
  new AdminPages(
    async (target, headers) => {
      const response = await fetch(`http://${server.adminAddress}${target}`, { headers })
      return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) }
    },
    { name: server.adminAddress, authorization },
  )

beforeAll(async () => {
  const admin = { adminEnableServer: true, adminServerPort: 0, superDigest }
  server = await startServer({ port: 0, dataDir: folder, preAllocSize: 64, ...admin })
  zk = await connect(server.connectString)
  session = `0x${zk.sessionId.toString(16)}`
  await zk.create('/app', '{"pool":10}')
  await zk.set('/app', '{"pool":500}')
  await zk.create('/app/gone')
  await zk.delete('/app/gone')
  await zk.create('/app').catch(() => {})
  const { connectString: servers } = server
  const kept = [{ server: async () => servers, read: async (points: number) => server.figures(points) }]
  consoles = {
    directory: await startConsole({ servers, past: { dataDir: folder }, token: false, kept, files }),
    admin: await startConsole({ servers, admin: pagesOf('digest super:secret'), files }),
  }
})
afterAll(async () => {
  await consoles.directory.close()
  await consoles.admin.close()
  await zk.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function get<T>(from: keyof typeof consoles | RunningConsole, path: string): Promise<T> {
  const running = typeof from === 'string' ? consoles[from] : from
  return (await (await fetch(new URL(path, running.url))).json()) as T
}

test.each(['directory', 'admin'] as const)('%s: the history of a znode, and what its session did', async (from) => {
  const { changes } = await get<History>(from, '/api/past/history?path=/app')
  expect(changes.map(({ kind, session: by }) => [kind, by])).toEqual([
    ['created', session],
    ['changed', session],
  ])
  expect(changes[1]?.diff).toEqual([
    { sign: '-', text: '/pool: 10' },
    { sign: '+', text: '/pool: 500' },
  ])
  const { acts } = await get<SessionPast>(from, `/api/past/session?session=${session}`)
  expect(acts.map(({ operation, error, changes: { length } }) => [operation, error, length])).toEqual([
    ['error', 'NODE_EXISTS', 0],
    ['delete', undefined, 1],
    ['create2', undefined, 1],
    ['setData', undefined, 1],
    ['create2', undefined, 1],
    ['createSession', undefined, 0],
  ])
})

test.each(['directory', 'admin'] as const)('%s: two moments compared', async (from) => {
  const { changes } = await get<History>(from, '/api/past/history?path=/app')
  const [created] = changes
  const diff = await get<PastDiff>(from, `/api/past/diff?path=/&from=${created?.zxid}`)
  // What came and went in between is no difference; the parent changed only its list of children.
  expect(diff.differences.map(({ kind, path, diff: lines }) => [kind, path, lines?.length])).toEqual([
    ['changed', '/app', 2],
  ])
  expect(await get<PastDiff>(from, `/api/past/diff?path=/&from=${diff.to}&to=${diff.to}`)).toMatchObject({
    differences: [],
  })
  const wrong = [
    ['/api/past/diff?path=/', 'the earlier one is missing'],
    [`/api/past/diff?path=/&from=${diff.to}&to=${created?.zxid}`, 'must not be before'],
    ['/api/past/diff?path=/&from=yesterday', 'from'],
  ] as const
  for (const [path, says] of wrong) expect((await get<Problem>(from, path)).message, path).toContain(says)
})

test('without the permission the page says what is needed', async () => {
  await using other = await startConsole({ servers: server.connectString, admin: pagesOf('digest ann:wrong'), files })
  await zk.setAcl('/', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }])
  expect((await get<Problem>(other, '/api/past/history?path=/app')).message).toContain(
    'an identity that has every permission on /',
  )
})

test.each(['directory', 'admin'] as const)('%s: the charts are from what the server keeps', async (from) => {
  const { servers } = await get<Figures>(from, '/api/figures?points=100')
  expect(servers).toMatchObject([{ server: server.connectString, isKept: true, everyMs: 30_000 }])
  // No half minute has passed: there is the point of now.
  expect(servers[0]?.values['znodes']?.at(-1)).toBeGreaterThan(4)
  expect(servers[0]?.values['avg_sync_time']?.at(-1)).toBeGreaterThan(0)
})

test('the page of the day refuses what is no number of points', async () => {
  const ask = async (query: string) => (await fetch(`http://${server.adminAddress}/commands/day${query}`)).status
  expect([await ask(''), await ask('?points=2880'), await ask('?points=0'), await ask('?points=x')]).toEqual([
    200, 200, 400, 400,
  ])
})
