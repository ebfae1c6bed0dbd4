/** `lightkeeper diff` between subtrees and between clusters. */
import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Running } from '../running.ts'

let servers: readonly [RunningServer, RunningServer]
let clients: readonly [Client, Client]
beforeAll(async () => {
  servers = [await startServer({ port: 0 }), await startServer({ port: 0 })]
  clients = [await connect(servers[0]), await connect(servers[1])]
  const [a, b] = clients
  for (const zk of clients) {
    await zk.create('/app/same', 'same', { parents: true })
    await zk.create('/app/config', '{"pool":10,"host":"db"}')
    await zk.create('/app/text', 'one\ntwo\nthree')
  }
  await a.create('/app/mine', Uint8Array.of(0xff, 0))
  await b.create('/app/yours', 'y', { mode: 'ephemeral' })
  await b.set('/app/config', '{"pool":20,"host":"db","tls":true}')
  await b.set('/app/text', 'one\nTWO\nthree')
  await b.setAcl('/app/same', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }])
  await a.create('/copy/same', 'same', { parents: true })
})
afterAll(async () => {
  for (const zk of clients) await zk.close()
  for (const server of servers) await server.close()
})

async function run(...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Running(['diff', '-s', servers[0].connectString, ...args]).closed
}

test('two clusters: what only one has, members of JSON, lines of text, types and ACLs', async () => {
  const { code, output, errors } = await run('/app', '--to-server', servers[1].connectString)
  expect([code, errors]).toEqual([0, ''])
  expect(output.split('\n')).toEqual([
    '= /app/config',
    '  /pool: 10 → 20',
    '  /tls: new, true',
    '- /app/mine persistent hex ff00',
    '= /app/same',
    '  acl 31:world:anyone → 1:world:anyone',
    '= /app/text',
    '  - two',
    '  + TWO',
    '+ /app/yours ephemeral "y"',
    '',
  ])
})

test('two subtrees of one cluster, as JSON', async () => {
  const { output } = await run('/app', '/copy', '--json')
  const facts = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(facts.map(({ path, kind }) => `${String(path)} ${String(kind)}`)).toEqual([
    '/config only in a',
    '/mine only in a',
    '/text only in a',
  ])
  expect(facts[1]).toMatchObject({ znode: { data: '/wA=', type: 'persistent' } })
})

test('--exit-code says by its exit code whether anything differs, --no-acl leaves ACLs out', async () => {
  const other = servers[1].connectString
  expect((await run('/app/same', '--to-server', other, '--exit-code')).code).toBe(1)
  expect(await run('/app/same', '--to-server', other, '--exit-code', '--no-acl')).toMatchObject({ code: 0, output: '' })
  expect((await run('/app/same', '/copy/same', '--exit-code')).code).toBe(0)
})

test.each([
  [['/app', '/none'], 1, /^lightkeeper diff: \/none does not exist on 127\.0\.0\.1:\d+\n$/],
  [['/app'], 2, /^lightkeeper diff: needs two paths, or one path and --to-server\n$/],
  [
    ['/app', 'copy'],
    2,
    /^lightkeeper diff: PATH must be the path of a znode, like \/a\/b, not "copy": a path must start with \/\n$/,
  ],
  [['/app', '--to-server', '127.0.0.1:1', '--connect-timeout', '300'], 1, /cannot connect to 127\.0\.0\.1:1/],
  [['/app', '--to', '0x5'], 2, /--from is missing: the earlier of two moments/],
  [['/app', '--from', '0x5', '--to', '0x4', '--data-dir', '/nowhere'], 1, /\/nowhere does not exist/],
])('%j ends with %i', async (args, code, message) => {
  const end = await run(...args)
  expect([end.code, end.output]).toEqual([code, ''])
  expect(end.errors).toMatch(message)
})
