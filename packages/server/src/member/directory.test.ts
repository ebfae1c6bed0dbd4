/** What a directory says to the machines: what the log has, and whether this server may vote with it. */
import { expect, test } from 'vitest'
import { Bench, directory } from '../storage/storage.harness.ts'
import type { Storage } from '../storage/storage.ts'
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
