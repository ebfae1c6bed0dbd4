/** A copy that is made while a server uses the directory has one history, or is none. */
import { opCode, Writer } from '@lightkeeper/protocol'
import type { Disk, Runtime } from '@lightkeeper/runtime'
import { expect, test } from 'vitest'
import { DataTree } from '../tree/data-tree.ts'
import { backup } from './backup.ts'
import { Bench, create, directory, imageOf } from './storage.harness.ts'
import type { Storage } from './storage.ts'
import { writeTxn } from './txn-codec.ts'

async function filled(): Promise<Bench> {
  const bench = new Bench()
  await bench.open({ damage: 'report' })
  await bench.creates(5)
  await bench.snapshot()
  await bench.creates(3)
  return bench
}

/** A leader of epoch 2 sends everything: what it had of epoch 1, and its first transaction. */
async function replaceAll(storage: Storage): Promise<void> {
  const base = await storage.receive(0x1_0000_0009n)
  await base.push(imageOf(new DataTree(), 100))
  const writer = new Writer()
  const zxid = 0x2_0000_0001n
  writeTxn(writer, { clientId: 7n, cxid: 1, zxid, time: 1n, type: opCode.create }, create('/new'), undefined)
  await base.append(zxid, writer.written())
  await storage.install(base)
}

test('holds everything that was acknowledged', async () => {
  const bench = await filled()
  const runtime = bench.world.runtime('server')
  const { zxid, znodes } = await bench.world.run(backup(runtime, { dataDir: '/data', target: '/copy' }))
  expect([zxid, znodes]).toEqual([8n, bench.tree.nodes.size])
})

test('is refused where a leader replaces everything meanwhile', async () => {
  const bench = await filled()
  const runtime = bench.world.runtime('server')
  let isReplaced = false
  // The snapshot is open already, and the logs are not.
  const list = async (path: string): Promise<string[]> => {
    const names = await runtime.disk.list(path)
    if (path !== directory || isReplaced || !lists++) return names
    if (lists < 4) return names
    isReplaced = true
    await replaceAll(bench.storage as Storage)
    return runtime.disk.list(path)
  }
  let lists = 0
  const disk: Disk = { ...runtime.disk, list }
  const host: Runtime = { ...runtime, disk }
  await expect(bench.world.run(backup(host, { dataDir: '/data', target: '/copy' }))).rejects.toThrow(
    'a leader has replaced everything in /data/version-2 meanwhile: run the backup again',
  )
  expect(isReplaced).toBe(true)
})

test('is refused where the process ended while everything was replaced', async () => {
  const bench = await filled()
  await bench.close()
  bench.disk.put(`${directory}/installing`, new Uint8Array(1))
  const runtime = bench.world.runtime('server')
  await expect(bench.world.run(backup(runtime, { dataDir: '/data', target: '/copy' }))).rejects.toThrow(
    /is being put in place in \/data\/version-2: run the backup again/,
  )
})
