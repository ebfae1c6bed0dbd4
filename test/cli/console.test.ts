/** `lightkeeper console`, and the console of `lightkeeper server`, as a user meets them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { Child } from '../support/process.ts'

const bin = fileURLToPath(new URL('../../node_modules/.bin/lightkeeper', import.meta.url))
const run = (...args: readonly string[]): Child => new Child([bin, ...args])
const folder = temporaryFolders('console-command')

let server: RunningServer
beforeAll(async () => {
  server = await startServer({ port: 0 })
})
afterAll(() => server.close())

/** The address in a line of output. */
async function addressOf(child: Child): Promise<string> {
  const line = await child.untilLine('lightkeeper console at ')
  return line.replace('lightkeeper console at ', '')
}

async function about(url: string, token?: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(new URL('/api/about', url), { headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('says on its first line where to look, only reads, and stops with exit 0 when asked to', async () => {
  const child = run('console', '-s', server.connectString, '--port', '0')
  const url = /^lightkeeper console at (http:\/\/127\.0\.0\.1:\d+\/)$/.exec(await child.firstLine())?.[1] ?? ''
  expect(await about(url)).toMatchObject({ status: 200, body: { servers: server.connectString, allowsWrites: false } })
  expect(await (await fetch(url)).text()).toContain('<title>Lightkeeper</title>')
  expect(child.errors).not.toContain(' DEBUG ')
  expect(await child.end('SIGTERM')).toBe(0)
})

test('with credentials it asks for the token of its file', async () => {
  const file = join(folder(), 'token')
  writeFileSync(file, 'a-token-of-the-operator\n')
  const child = run(
    'console',
    '-s',
    server.connectString,
    '--port',
    '0',
    '--auth',
    'digest:ann:secret',
    '--token-file',
    file,
  )
  const url = await addressOf(child)
  expect(url).toMatch(/#token=a-token-of-the-operator$/)
  expect((await about(url)).status).toBe(401)
  expect((await about(url, 'a-token-of-the-operator')).status).toBe(200)
  expect(await child.end('SIGTERM')).toBe(0)
})

test('a server serves its console too, with writes and its own past', async () => {
  const child = run('server', '--port', '0', '--data-dir', folder(), '--console-port', '0')
  expect(await child.firstLine()).toMatch(/^lightkeeper listening on /)
  expect((await about(await addressOf(child))).body).toMatchObject({ allowsWrites: true, hasPast: true })
  // Its client connects before the page is there, and says so at this level.
  expect(child.errors).not.toContain(' DEBUG ')
  expect(await child.end('SIGTERM')).toBe(0)
})

test('a port that is in use is named, and nothing is left running', async () => {
  const child = run('server', '--port', '0', '--in-memory', '--console-port', `${server.port}`)
  const { code, errors } = await child.closed
  expect([code, errors]).toEqual([1, expect.stringContaining(`the console cannot listen on port ${server.port}`)])
})

test.each([
  [['console', '--log-dir', '/x'], '--log-dir needs --data-dir'],
  [['console', '--port', '99999'], '--port must be'],
])('%j is wrong usage', async (args, message) => {
  const { code, errors } = await run(...args).closed
  expect([code, errors]).toEqual([2, expect.stringContaining(message)])
})
