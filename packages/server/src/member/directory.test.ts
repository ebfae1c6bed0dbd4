/** What a directory says to the machines: what the log has, and whether this server may vote with it. */
import { makeZxid as z } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { Bench, directory } from '../storage/storage.harness.ts'
import type { Storage } from '../storage/storage.ts'
import { HeldZxids } from '../zab/held-zxids.ts'
import { planSync, type SyncPlan } from '../zab/sync-plan.ts'
import { type MemberDirectory, readDirectory } from './directory.ts'

async function read(bench: Bench, hasVote = true): Promise<MemberDirectory> {
  await bench.open({ damage: 'report' })
  return bench.world.run(readDirectory(bench.world.runtime('server'), bench.storage as Storage, hasVote))
}

async function filled(): Promise<Bench> {
  const bench = new Bench()
  await bench.open()
  await bench.creates(3)
  await bench.snapshot()
  await bench.creates(2)
  await bench.close()
  return bench
}

test('the log is whole, and what the newest snapshot has is committed', async () => {
  const { recovered } = await read(await filled())
  expect(recovered).toEqual({
    acceptedEpoch: 0,
    currentEpoch: 0,
    base: 0n,
    ranges: [{ from: 1n, to: 5n }],
    committed: 3n,
    state: 'whole',
  })
})

test('an empty directory may be that of a replaced disk, unless its server has no vote', async () => {
  expect((await read(new Bench())).recovered.state).toBe('fresh')
  expect((await read(new Bench(), false)).recovered.state).toBe('whole')
})

test('the file initialize says that the server is new, until it has joined', async () => {
  const bench = new Bench()
  await bench.world.run(bench.world.runtime('server').disk.makeDirectory('/data'))
  bench.disk.put('/data/initialize', new Uint8Array(0))
  const { recovered, joined } = await read(bench)
  expect(recovered.state).toBe('whole')
  expect(bench.disk.files('/data').has('initialize')).toBe(true)
  await bench.world.run(joined())
  await bench.world.run(joined())
  expect(bench.disk.files('/data').has('initialize')).toBe(false)
})

test('an empty directory whose server promised an epoch is not that of a replaced disk', async () => {
  const bench = new Bench()
  await bench.world.run(bench.world.runtime('server').disk.makeDirectory(directory))
  bench.disk.put(`${directory}/acceptedEpoch`, new TextEncoder().encode('1'))
  bench.disk.put(`${directory}/currentEpoch`, new TextEncoder().encode('0'))
  expect((await read(bench)).recovered).toMatchObject({ state: 'whole', acceptedEpoch: 1 })
})

test('a damaged directory gives no vote, and keeps its promise', async () => {
  const bench = await filled()
  bench.disk.put(`${directory}/acceptedEpoch`, new TextEncoder().encode('4'))
  bench.disk.put(`${directory}/currentEpoch`, new TextEncoder().encode('3'))
  const [log] = bench
    .names()
    .filter((name) => name.startsWith('log.'))
    .reverse()
  bench.damage(log as string, () => new TextEncoder().encode('this was a log'))
  expect((await read(bench)).recovered).toEqual({
    acceptedEpoch: 4,
    currentEpoch: 3,
    base: 0n,
    ranges: [],
    committed: 0n,
    state: 'damaged',
  })
})

test('a snapshot that is newer than the log stands for what the log lacks', async () => {
  const bench = await filled()
  const [log] = bench
    .names()
    .filter((name) => name.startsWith('log.'))
    .reverse()
  await bench.open()
  await bench.snapshot()
  await bench.close()
  bench.disk.lose(`${directory}/${log}`)
  bench.forgetMark()
  expect((await read(bench)).recovered).toMatchObject({ base: 5n, ranges: [], committed: 5n, state: 'whole' })
})

describe('what a learner gets from a member that has started on a directory', () => {
  async function planFor(bench: Bench, learner: bigint): Promise<SyncPlan> {
    const { recovered } = await read(bench)
    const held = new HeldZxids(recovered.base, recovered.ranges)
    const plan = planSync(learner, held, held.last, () => true)
    await bench.close()
    return plan
  }

  /** Logs of twenty transactions each, one for each of these epochs; a snapshot is in the middle of the last one. */
  async function ofEpochs(...epochs: readonly number[]): Promise<Bench> {
    const bench = new Bench()
    for (const epoch of epochs) {
      await bench.open()
      bench.lastZxid = z(epoch, 0)
      await bench.creates(10)
      if (epoch === epochs.at(-1)) await bench.snapshot()
      await bench.creates(10)
      await bench.close()
    }
    return bench
  }

  test('all of a log that has everything', async () => {
    expect(await planFor(await ofEpochs(4), 0n)).toEqual({ kind: 'diff', after: 0n })
    expect(await planFor(await ofEpochs(0), 0n)).toEqual({ kind: 'diff', after: 0n })
    expect(await planFor(await ofEpochs(4, 5), z(4, 9))).toEqual({ kind: 'diff', after: z(4, 9) })
  })

  test.each([1, 5])('an image, where a purge has left a log that begins with epoch %i', async (epoch) => {
    const bench = await ofEpochs(epoch)
    bench.disk.lose(`${directory}/snapshot.0`)
    expect(await planFor(bench, 0n)).toEqual({ kind: 'snap' })
    expect(await planFor(bench, z(epoch - 1, 7))).toEqual({ kind: 'snap' })
    expect(await planFor(bench, z(epoch, 1))).toEqual({ kind: 'diff', after: z(epoch, 1) })
  })

  test('all of a log of the first epoch, whose snapshots a purge has removed', async () => {
    const bench = await ofEpochs(0)
    bench.disk.lose(`${directory}/snapshot.0`)
    expect(await planFor(bench, 0n)).toEqual({ kind: 'diff', after: 0n })
  })

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['flipped bits', (bytes) => bytes.fill(0x55, 700, 710)],
    ['zeros', (bytes) => bytes.fill(0, 512, 1024)],
    ['no header', (bytes) => bytes.fill(0, 0, 512)],
    ['a missing end', (bytes) => bytes.subarray(0, 700)],
  ])('an image, where an old log has %s and the next one begins an epoch', async (_what, change) => {
    for (const isKept of [true, false]) {
      const bench = await ofEpochs(4, 5)
      if (!isKept) bench.disk.lose(`${directory}/snapshot.0`)
      bench.damage('log.400000001', change)
      for (const learner of [0n, z(4, 1), z(4, 19), z(4, 20)])
        expect(await planFor(bench, learner)).toEqual({ kind: 'snap' })
      expect(await planFor(bench, z(5, 3))).toEqual({ kind: 'diff', after: z(5, 3) })
    }
  })

  test('an image, where a snapshot shows that an old log had more', async () => {
    const bench = new Bench()
    await bench.open()
    bench.lastZxid = z(4, 0)
    await bench.creates(20)
    await bench.snapshot()
    await bench.close()
    // It ends behind a whole record.
    bench.damage('log.400000001', (bytes) => bytes.subarray(0, endOf(bytes, 7)))
    await bench.open()
    bench.lastZxid = z(5, 0)
    await bench.creates(3)
    await bench.close()
    expect(await planFor(bench, z(4, 3))).toEqual({ kind: 'snap' })
    expect(await planFor(bench, z(5, 2))).toEqual({ kind: 'diff', after: z(5, 2) })
  })
})

/** The offset behind the n-th record of a log. */
function endOf(bytes: Uint8Array, n: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = 16
  for (let i = 0; i < n; i++) at += 13 + view.getInt32(at + 8)
  return at
}
