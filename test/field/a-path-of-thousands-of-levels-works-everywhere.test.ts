/** A tree of 8,000 levels: nothing in server, client or tools goes down with its depth, also after a restart. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { addWatchMode, opCode, writeAddWatchRequest, writePathRequest } from '@lightkeeper/protocol'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { backup, inspect, type ServerOptions, startServer } from '@lightkeeper/server'
import { afterAll, expect, test, vi } from 'vitest'
import { RawClient } from '../support/raw-client.ts'

// Sixty megabytes of paths go to the log and to a snapshot.
vi.setConfig({ testTimeout: 240_000 })
const levels = 8_000
const deepest = `/${'d/'.repeat(levels - 1)}d` as const
const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-deep-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const options: ServerOptions = { port: 0, dataDir: join(directory, 'data'), preAllocSize: 1024, forceSync: false }

async function countBelow(client: RawClient, path: string): Promise<number> {
  const { err, body } = await client.call(opCode.getAllChildrenNumber, (writer) => writePathRequest(writer, { path }))
  expect(err).toBe(0)
  return body.int()
}

test('it is created, counted, watched, limited, written to a snapshot, inspected, backed up and found again', async () => {
  await using server = await startServer(options)
  await using raw = await RawClient.open(server.port)
  const created: Promise<{ err: number }>[] = []
  for (let level = 1; level <= levels; level++) created.push(raw.create(deepest.slice(0, 2 * level)))
  expect((await Promise.all(created)).every(({ err }) => err === 0)).toBe(true)

  expect(await countBelow(raw, '/d')).toBe(levels - 1)
  expect(await countBelow(raw, '/')).toBe(levels + 3)
  // Kept up to date.
  expect((await raw.create(`${deepest}/more`)).err).toBe(0)
  expect(await countBelow(raw, '/d')).toBe(levels)

  // A quota above it counts it.
  for (const path of ['/zookeeper/quota/d', '/zookeeper/quota/d/zookeeper_limits']) await raw.create(path)
  await raw.create('/zookeeper/quota/d/zookeeper_stats')
  await using zk = await connect(server.connectString)
  const usage = async (): Promise<string> =>
    new TextDecoder().decode((await zk.get('/zookeeper/quota/d/zookeeper_stats')).data)
  expect(await usage()).toMatch(/^count=8001,bytes=/)
  await raw.create(`${deepest}/limited`)
  expect(await usage()).toMatch(/^count=8002,bytes=/)

  // A recursive watch high above hears of it.
  await raw.call(opCode.addWatch, (writer) =>
    writeAddWatchRequest(writer, { path: '/', mode: addWatchMode.persistentRecursive }),
  )
  await zk.set(deepest, 'new')
  await raw.call(opCode.exists, (writer) => {
    writer.ustring('/')
    writer.boolean(false)
  })
  expect(raw.events).toBe(1)

  expect((await server.snapshot()).zxid).toBeGreaterThan(0n)
  let znodes = 0
  await inspect(nodeRuntime().disk, [join(directory, 'data')], (entry) => {
    expect(entry.kind).not.toBe('damage')
    if (entry.kind === 'znode' && entry.path.startsWith('/d')) znodes++
  })
  expect(znodes).toBe(levels + 2)
  const copy = await backup(nodeRuntime(), { dataDir: join(directory, 'data'), target: join(directory, 'backup') })
  expect(copy.znodes).toBeGreaterThan(levels)
})

test('a server that starts on it, from its snapshot or from its log alone, has it', async () => {
  for (const dataDir of [join(directory, 'data'), join(directory, 'backup')]) {
    await using server = await startServer({ ...options, dataDir })
    await using raw = await RawClient.open(server.port)
    expect(await countBelow(raw, '/d')).toBe(levels + 1)
    await using zk = await connect(server.connectString)
    expect(new TextDecoder().decode((await zk.get(deepest)).data)).toBe('new')
  }
})

test('our client reads it whole, and deletes it', async () => {
  await using server = await startServer(options)
  await using zk = await connect(server.connectString)
  const { nodes } = await zk.tree('/d')
  expect(nodes.size).toBe(levels + 2)
  await zk.delete('/d', { recursive: true, timeout: 50_000 })
  expect(await zk.exists('/d')).toBeFalsy()
  await using raw = await RawClient.open(server.port)
  expect(await countBelow(raw, '/')).toBeLessThan(10)
})
