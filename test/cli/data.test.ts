/** The commands over data directories, as an operator uses them. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { type OurProcess, ourProcess } from '../support/our-process.ts'
import { dumpTree } from '../support/tree-dump.ts'
import { writeVariedTree } from '../support/varied-tree.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
const auth = [{ scheme: 'digest', credentials: 'joe:pw' }]

function run(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

const folder = temporaryFolders('data')

interface Filled {
  readonly dataDir: string
  readonly server: OurProcess
  readonly dump: string[]
  /** Their sessions own ephemerals, so they are closed last. */
  readonly clients: readonly Client[]
}

async function filled(): Promise<Filled> {
  const dataDir = join(folder(), 'data')
  const server = await ourProcess(['--port', '0', '--data-dir', dataDir, '--set', 'extendedTypesEnabled=true'])
  const zk = await connect(server.connectString, { auth })
  const other = await connect(server.connectString)
  await writeVariedTree(zk, other)
  return { dataDir, server, dump: await dumpTree(zk), clients: [zk, other] }
}

test('a server keeps its data across SIGKILL, and says that it holds the directory', async () => {
  const { dataDir, server, dump, clients } = await filled()
  await expect(ourProcess(['--port', '0', '--data-dir', dataDir])).rejects.toThrow(
    new RegExp(`version-2 is in use by process ${server.child.pid}`),
  )
  await server.end('SIGKILL')
  await using again = await ourProcess(['--port', '0', '--data-dir', dataDir, '--set', 'extendedTypesEnabled=true'])
  await using zk = await connect(again.connectString, { auth })
  expect(await dumpTree(zk)).toEqual(dump)
  await Promise.all(clients.map((client) => client.close()))
})

test('inspect prints transactions and znodes as lines or JSON, and finds them by path, zxid, session and time', async () => {
  const { dataDir, server, clients } = await filled()
  await Promise.all(clients.map((client) => client.close()))
  await server.end('SIGKILL')
  const all = run('inspect', dataDir)
  expect(all.code).toBe(0)
  expect(all.out).toMatch(/^0x1 \d{4}-.* session=0x[0-9a-f]+ cxid=0 createSession timeout=\d+$/m)
  expect(all.out).toMatch(/ create2 \/plain bytes=4 acl=31:world:anyone$/m)
  expect(all.out).toMatch(/ multi \[create2? \/multi bytes=3 .*\] .*\[delete \/multi\/a\]$/m)
  expect(all.out).toMatch(/ error err=-101$/m)
  expect(all.out).toMatch(/31:digest:joe:x$/m)
  expect(all.out).toMatch(/snapshot\.0: whole: 4 znodes, 0 sessions/)
  expect(all.out).toMatch(/acknowledged: everything up to 0x[0-9a-f]+ was acknowledged/)
  const lines = (...args: readonly string[]): string[] =>
    run('inspect', dataDir, ...args)
      .out.trim()
      .split('\n')
  expect(lines('--path', '/multi').every((line) => line.includes('/multi'))).toBe(true)
  expect(lines('--zxid', '2-4')).toHaveLength(3)
  expect(lines('--since', '2001-01-01', '--until', '2001-01-02')).toEqual([''])
  const session = /session=(0x[0-9a-f]+)/.exec(all.out)?.[1] as string
  expect(lines('--session', session).length).toBeGreaterThan(10)
  const entries = lines('--json').map((line) => JSON.parse(line) as { kind: string; operation?: string })
  expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(['znode', 'note', 'txn']))
  expect(run('inspect').code).toBe(2)
  expect(run('inspect', '/nowhere/log.1').code).toBe(1)
  expect(run('inspect', dataDir, '--zxid', 'xyz').err).toContain(
    '--zxid must be one zxid like 0x1a, or two with - between them, not "xyz"',
  )
})

test('inspect knows the directory of a member: its epochs, and what a leader has replaced', async () => {
  const { dataDir, server, clients } = await filled()
  await Promise.all(clients.map((client) => client.close()))
  await server.end('SIGKILL')
  const put = (name: string, text: string): void => writeFileSync(join(dataDir, 'version-2', name), text)
  put('acceptedEpoch', '4')
  put('currentEpoch', '3')
  put('replaced.log.1', '')
  const seen = run('inspect', dataDir, '--zxid', '0x1')
  expect(seen.code).toBe(0)
  const all = run('inspect', dataDir).out
  expect(all).toMatch(/version-2: acceptedEpoch 4, currentEpoch 3: the directory of a member of an ensemble$/m)
  expect(all).toMatch(
    /version-2: a leader has sent everything: the files from before have names that begin with replaced\.$/m,
  )
  put('currentEpoch', '5')
  const wrong = run('inspect', dataDir)
  expect(wrong.code).toBe(1)
  expect(wrong.out).toMatch(/^DAMAGED .*acceptedEpoch is 4, below currentEpoch, which is 5/m)
})

test('inspect says where a file is damaged, the server refuses it and names the way out, and accepts it with --accept-loss', async () => {
  const { dataDir, server, clients } = await filled()
  await Promise.all(clients.map((client) => client.close()))
  await server.end('SIGKILL')
  const version = join(dataDir, 'version-2')
  const log = join(version, 'log.1')
  const bytes = readFileSync(log)
  bytes.fill(0, 2000, 2200)
  writeFileSync(log, bytes)
  const seen = run('inspect', dataDir)
  expect(seen.code).toBe(1)
  expect(seen.out).toMatch(
    /^DAMAGED .*log\.1 at offset \d+: .*good transactions go on with 0x[0-9a-f]+ at offset \d+$/m,
  )
  const refused = run('server', '--port', '0', '--data-dir', dataDir)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(
    /log\.1 at offset \d+.*Transactions 0x[0-9a-f]+ to 0x[0-9a-f]+ are missing.*--accept-loss/s,
  )
  await using accepted = await ourProcess(['--port', '0', '--data-dir', dataDir, '--accept-loss'])
  expect(accepted.errors()).toContain('continuing without transactions')
  expect(readdirSync(version)).toContain('damaged.log.1')
  await using zk = await connect(accepted.connectString)
  expect((await zk.get('/plain')).data.length).toBeGreaterThan(0)
})

test('backup copies a directory in use; a server on the copy has an equal tree', async () => {
  const { dataDir, server, dump, clients } = await filled()
  const target = join(folder(), 'backup')
  const done = run('backup', dataDir, target, '--compress', 'gz')
  expect(done.err).toBe('')
  expect(done.out).toMatch(/version-2\/snapshot\.[0-9a-f]+\.gz: \d+ znodes, everything up to 0x[0-9a-f]+\n$/)
  expect(run('backup', dataDir, target).err).toContain('holds data already')
  await using copy = await ourProcess(['--port', '0', '--data-dir', target, '--set', 'extendedTypesEnabled=true'])
  await using zk = await connect(copy.connectString, { auth })
  expect(await dumpTree(zk)).toEqual(dump)
  await Promise.all(clients.map((client) => client.close()))
  await server.end('SIGKILL')
})
