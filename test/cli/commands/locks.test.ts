/** `lightkeeper locks`, as an operator reads it. */
import { connect } from '@lightkeeper/client'
import { lock, readWriteLock, semaphore } from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import { Running } from '../running.ts'

let server: RunningServer
beforeAll(async () => {
  // `cons` says where clients are.
  server = await startServer({ port: 0, fourLetterWordWhitelist: 'srvr,cons' })
})
afterAll(() => server.close())

async function run(...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Running(['locks', ...args], { LIGHTKEEPER_SERVER: server.connectString }).closed
}

test('prints who holds and who waits in order, and sessions that wait for each other', async () => {
  await using a = await connect(server.connectString)
  await using b = await connect(server.connectString)
  const abort = new AbortController()
  const { signal } = abort
  await using _one = await lock(a, '/locks/one', { data: 'host-a' }).acquire()
  await using _two = await lock(b, '/locks/two', { data: 'host-b' }).acquire()
  const waiting = [
    lock(b, '/locks/one', { data: 'host-b' }).acquire({ signal }),
    lock(a, '/locks/two', { data: 'host-a' }).acquire({ signal }),
  ].map((each) => each.catch(() => {}))
  for (const path of ['/locks/one', '/locks/two'] as const) {
    await until(async () => (await a.children(path)).children.length === 2)
  }
  const [sa, sb] = [a, b].map(({ sessionId }) => `0x${sessionId.toString(16)}`)
  const { code, output, errors } = await run('/locks')
  expect([code, errors]).toEqual([0, ''])
  const time = '\\d{4}-[^ ]*Z'
  const name = '_c_[0-9a-f-]{36}-lock-000000000'
  expect(output.split('\n')).toEqual([
    '/locks/one lock (curator)',
    expect.stringMatching(`^  holds ${name}0 session=${sa} address=127\\.0\\.0\\.1:\\d+ since=${time} id=host-a$`),
    expect.stringMatching(
      `^  waits 1 ${name}1 session=${sb} address=127\\.0\\.0\\.1:\\d+ since=${time} id=host-b behind ${name}0$`,
    ),
    '/locks/two lock (curator)',
    expect.stringMatching(`^  holds ${name}0 session=${sb} address=127\\.0\\.0\\.1:\\d+ since=${time} id=host-b$`),
    expect.stringMatching(
      `^  waits 1 ${name}1 session=${sa} address=127\\.0\\.0\\.1:\\d+ since=${time} id=host-a behind ${name}0$`,
    ),
    `circle: ${sb} waits at /locks/one for ${sa}, ${sa} waits at /locks/two for ${sb}`,
    '',
  ])
  const facts = (await run('/locks', '--json')).output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(facts.map(({ kind, path }) => [kind, path])).toEqual([
    ['lock', '/locks/one'],
    ['lock', '/locks/two'],
    [undefined, undefined],
  ])
  const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/)
  expect(facts[0]).toMatchObject({ holders: [{ address }], waiters: [{ address }] })
  expect(facts[2]).toMatchObject({
    cycle: [
      { session: sb, waitsAt: '/locks/one', for: sa },
      { session: sa, waitsAt: '/locks/two', for: sb },
    ],
  })
  abort.abort()
  await Promise.all(waiting)
})

test('a lock alone, a semaphore by its path, and with -w only where a client waits', async () => {
  await using a = await connect(server.connectString)
  await using _reader = await readWriteLock(a, '/w/lock').read.acquire()
  const two = semaphore(a, '/w/semaphore', { leases: 2, names: 'kazoo' })
  await using _first = await two.acquire()
  await using _second = await two.acquire()
  const abort = new AbortController()
  const waiting = two.acquire({ signal: abort.signal }).catch(() => {})
  // It makes its lease, and waits until another one goes.
  await until(async () => (await a.children('/w/semaphore')).children.length === 3)
  expect((await run('/w/semaphore')).output).toMatch(
    /^\/w\/semaphore semaphore \(kazoo\) 2 of 2 leases taken\n {2}holds .*\n {2}holds .*\n {2}waits 1 .* behind one of 2 from [0-9a-f]{32} on\n {2}note {2}.* its owner still stands in line\n$/,
  )
  expect((await run('/w/lock')).output).toMatch(/^\/w\/lock read-write lock \(curator\)\n {2}holds .* read session=/)
  expect((await run('/w', '-w')).output.match(/^\S+/gm)).toEqual(['/w/semaphore'])
  abort.abort()
  await waiting
})

test('says what it may not read, and shows the rest', async () => {
  await using owner = await connect(server.connectString, { auth: [{ scheme: 'digest', credentials: 'joe:pw' }] })
  await owner.create('/mixed/secret', 'x', {
    parents: true,
    acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }],
  })
  await using _held = await lock(owner, '/mixed/lock').acquire()
  const { code, output, errors } = await run('/mixed')
  expect(code).toBe(0)
  expect(output).toMatch(/^\/mixed\/lock lock \(curator\)\n/)
  expect(errors).toBe('lightkeeper locks: may not read /mixed/secret, so what is there is not shown\n')
})

test.each([
  [['/nowhere'], 1, /^lightkeeper locks: .*\/nowhere/],
  [
    ['nowhere'],
    2,
    /^lightkeeper locks: PATH must be the path of a znode, like \/a\/b, not "nowhere": a path must start with \/\n$/,
  ],
  [['/a', '/b'], 2, /takes one argument, and got \/b too: lightkeeper locks \[PATH\] \[options\]/],
  [['--waitin'], 2, /no option --waitin; did you mean --waiting\?/],
  [['/a', '--', 'true'], 2, /takes one argument, and got true too/],
])('%j ends with %i', async (args, code, message) => {
  const end = await run(...args)
  expect([end.code, end.output]).toEqual([code, ''])
  expect(end.errors).toMatch(message)
})
