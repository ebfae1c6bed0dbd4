/** F20, F23 and what Apache 3.9 leaves in a log: directories that Apache opens without a word, byte by byte as it writes them. */
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { backup, type InspectedEntry, inspect, type ServerOptions, startServer } from '@lightkeeper/server'
import { afterEach, describe, expect, test } from 'vitest'
import {
  bodies,
  logFile,
  snapshotFile,
  stat,
  systemNodes,
  txn,
  types,
  writeDirectory,
} from '../support/apache-files.ts'
import { temporaryFolders } from '../support/folders.ts'

const folder = temporaryFolders('wild')

const lines: string[] = []
afterEach(() => void lines.splice(0))
const start = (dataDir: string, options: ServerOptions = {}) =>
  startServer(
    { port: 0, dataDir, preAllocSize: 64, superDigest: 'super:8PTbqM7bJ4i6UHhXKqIPKbJMTKA=', ...options },
    { log: (level, message, facts) => void lines.push(`${level} ${message} ${facts?.['cause'] ?? ''}`) },
  )

async function inspected(path: string): Promise<InspectedEntry[]> {
  const entries: InspectedEntry[] = []
  await inspect(nodeRuntime().disk, [path], (entry) => void entries.push(entry))
  return entries
}

describe('a snapshot that names an ACL list its table lacks', () => {
  const joe = [[31, 'digest', 'joe:nlPGj29tMTmb9rVDGNzzTKWVcOM=']] as const
  const snapshot = (path = '/x'): Buffer => snapshotFile([...systemNodes, [path, 'v', 2, stat({ czxid: 6 })]])
  const log = logFile([txn({ zxid: 6, type: types.create, body: bodies.create('/x', 'v', { acl: joe }) })])

  test('opens where the log has the list, and the list holds', async () => {
    const dataDir = folder()
    writeDirectory(dataDir, { 'snapshot.5': snapshot(), 'log.6': log })
    const damage = (await inspected(dataDir)).filter(({ kind }) => kind === 'damage')
    expect(damage).toEqual([])
    for (const round of ['from the snapshot and the log', 'from a snapshot of ours']) {
      const server = await start(dataDir)
      await using zk = await connect(server.connectString)
      await expect(zk.get('/x'), round).rejects.toMatchObject({ code: 'NO_AUTH' })
      await expect(zk.set('/x', ''), round).rejects.toMatchObject({ code: 'NO_AUTH' })
      await server.snapshot()
      await server.close()
    }
    const copy = join(folder(), 'copy')
    await backup(nodeRuntime(), { dataDir, target: copy })
    const znode = (await inspected(copy)).find((entry) => entry.kind === 'znode' && entry.path === '/x')
    expect(znode).toMatchObject({ detail: expect.stringContaining('acl=31:digest:joe:x') })
  })

  test.each([
    ['setACL', txn({ zxid: 6, type: types.setAcl, body: bodies.setAcl('/x', joe, 1) })],
    ['delete', txn({ zxid: 6, type: types.delete, body: bodies.delete('/x') })],
  ])('opens where the log makes it good by %s', async (_how, record) => {
    const dataDir = folder()
    writeDirectory(dataDir, { 'snapshot.5': snapshot(), 'log.6': logFile([record]) })
    await using server = await start(dataDir)
    await using zk = await connect(server.connectString)
    await expect(zk.get('/x')).rejects.toMatchObject({ code: expect.stringMatching(/NO_AUTH|NO_NODE/) })
  })

  test('is refused with the path of the znode if the list never comes; with the option to go on it opens for the super user alone', async () => {
    const dataDir = folder()
    writeDirectory(dataDir, { 'snapshot.5': snapshot() })
    const shown = (await inspected(dataDir)).map((entry) => ('text' in entry ? entry.text : ''))
    expect(shown).toContainEqual(expect.stringContaining('/x has the ACL list 2, which is not in this snapshot'))
    await expect(start(dataDir)).rejects.toMatchObject({
      code: 'DATA_DAMAGED',
      message: expect.stringContaining('/x has the ACL list 2, which neither the snapshot nor the log has'),
    })
    await expect(backup(nodeRuntime(), { dataDir, target: join(folder(), 'b') })).rejects.toThrow(
      '/x has the ACL list 2',
    )
    for (const acceptLoss of [true, false]) {
      const server = await start(dataDir, { acceptLoss })
      await using zk = await connect(server.connectString)
      await expect(zk.get('/x')).rejects.toMatchObject({ code: 'NO_AUTH' })
      await expect(zk.setAcl('/x', [])).rejects.toMatchObject({ code: expect.stringMatching(/NO_AUTH|INVALID_ACL/) })
      await server.close()
    }
  })

  test('gives way to an older one that is whole', async () => {
    const dataDir = folder()
    writeDirectory(dataDir, { 'snapshot.5': snapshotFile(systemNodes), 'snapshot.6': snapshot(), 'log.6': log })
    await using server = await start(dataDir)
    expect(lines).toContainEqual(
      expect.stringMatching(/^error a snapshot cannot be used, trying an older one .*\/x has/),
    )
    await using zk = await connect(server.connectString)
    await expect(zk.get('/x')).rejects.toMatchObject({ code: 'NO_AUTH' })
  })

  test('is never read as open, not even the root', async () => {
    const dataDir = folder()
    const [, ...others] = systemNodes
    writeDirectory(dataDir, { 'snapshot.5': snapshotFile([['', '', 9, stat({ czxid: 0, cversion: -1 })], ...others]) })
    await expect(start(dataDir)).rejects.toThrow('/ has the ACL list 9')
  })
})

describe('a directory of 3.3 and 3.4', () => {
  const session = 0x1000_0001n

  test('opens from logs alone: creates without a version of the parent, errors, closes without a list', async () => {
    const dataDir = folder()
    const txns = [
      txn({ session, zxid: 1, type: types.createSession, body: bodies.createSession(30_000) }),
      txn({ session, zxid: 2, type: types.create, body: bodies.create('/a', 'one') }),
      txn({ session, zxid: 3, type: types.error, body: bodies.error(-101) }),
      txn({ session, zxid: 4, type: types.setAcl, body: bodies.setAcl('/a', [[31, 'world', 'anyone']], 1) }),
      txn({ session, zxid: 5, type: types.setData, body: bodies.setData('/a', 'two', 1) }),
      txn({ session, zxid: 6, type: types.create, body: bodies.create('/e', '', { ephemeral: true }) }),
      txn({ session, zxid: 7, type: types.closeSession }),
    ]
    writeDirectory(dataDir, { 'log.1': logFile(txns) })
    await using server = await start(dataDir)
    await using zk = await connect(server.connectString)
    const { data, stat: found } = await zk.get('/a')
    expect([new TextDecoder().decode(data), found.version, found.aversion]).toEqual(['two', 1, 1])
    expect(await zk.exists('/e')).toBeUndefined()
    expect((await zk.children('/')).children.toSorted()).toEqual(['a', 'zookeeper'])
  })

  test('opens from a snapshot without a digest, with a session that goes on', async () => {
    const dataDir = folder()
    const nodes = [...systemNodes, ['/e', '', -1, stat({ czxid: 3, owner: session })] as const]
    const next = txn({ session, zxid: 4, type: types.create, body: bodies.create('/a', '', { parentCVersion: 2 }) })
    writeDirectory(dataDir, { 'snapshot.3': snapshotFile(nodes, [[session, 40_000]]), 'log.4': logFile([next]) })
    await using server = await start(dataDir, { fourLetterWordWhitelist: '*' })
    await using zk = await connect(server.connectString)
    expect((await zk.exists('/e'))?.ephemeralOwner).toBe(session)
    expect(await zk.exists('/a')).toBeDefined()
  })
})

describe('a write that Apache 3.9 could not read', () => {
  const unread = (zxid: number, cxid: number): Buffer => txn({ zxid, cxid, type: types.error, body: bodies.error(-5) })
  const create = (zxid: number, path: string): Buffer =>
    txn({ zxid, type: types.create, body: bodies.create(path, '', { parentCVersion: zxid }) })

  test('stands in the log with the number of the last transaction again, and changes nothing', async () => {
    const dataDir = folder()
    writeDirectory(dataDir, {
      'snapshot.0': snapshotFile(systemNodes),
      'log.1': logFile([create(1, '/a'), unread(1, 2), unread(1, 3), create(2, '/b'), unread(2, 4)]),
      // A new file may begin with one.
      'log.3': logFile([create(3, '/c'), unread(3, 5)]),
    })
    expect((await inspected(dataDir)).filter(({ kind }) => kind === 'damage')).toEqual([])
    await using server = await start(dataDir)
    await using zk = await connect(server.connectString)
    expect((await zk.children('/')).children.toSorted()).toEqual(['a', 'b', 'c', 'zookeeper'])
  })

  test('is the only kind that may have a number twice', async () => {
    const dataDir = folder()
    writeDirectory(dataDir, {
      'snapshot.0': snapshotFile(systemNodes),
      'log.1': logFile([create(1, '/a'), create(1, '/b'), create(2, '/c')]),
    })
    await expect(start(dataDir)).rejects.toThrow('transaction 0x1 again')
    expect((await inspected(dataDir)).filter(({ kind }) => kind === 'damage')).toHaveLength(1)
  })
})

test('a copy that was made file by file while a server used it is refused, and the words name a better way', async () => {
  const dataDir = folder()
  const first = await start(dataDir)
  await using zk = await connect(first.connectString)
  for (let i = 0; i < 5; i++) await zk.create(`/x${i}`, '')
  await first.close()
  const { readFileSync } = await import('node:fs')
  const read = (name: string): Buffer => readFileSync(join(dataDir, 'version-2', name))
  const { readdirSync } = await import('node:fs')
  const names = readdirSync(join(dataDir, 'version-2'))
  const log = names.find((name) => name.startsWith('log.')) as string
  const copy = folder()
  // The log was copied first, the mark when more had been acknowledged.
  const files = Object.fromEntries(names.map((name) => [name, read(name)]))
  writeDirectory(copy, { ...files, [log]: Buffer.concat([read(log).subarray(0, 300), Buffer.alloc(65_236)]) })
  await expect(start(copy)).rejects.toThrow(/made file by file while a server used it .*lightkeeper backup/)
})
