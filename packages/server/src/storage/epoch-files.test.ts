/** Epochs are in the files of Apache, never go back, and a crash between two of them never leaves a member that cannot start. */
import { makeZxid } from '@lightkeeper/protocol'
import { World } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { EpochFileError, EpochFiles, judgeEpochs } from './epoch-files.ts'

const directory = '/data/version-2'

async function worldWith(files: Readonly<Record<string, string>>, seed = 1): Promise<World> {
  const world = new World(seed)
  await world.run(world.runtime('server').disk.makeDirectory(directory))
  for (const [name, text] of Object.entries(files)) {
    world.disk('server').put(`${directory}/${name}`, new TextEncoder().encode(text))
  }
  return world
}

const open = (world: World, lastZxid = 0n): Promise<EpochFiles> =>
  world.run(EpochFiles.open(world.runtime('server').disk, directory, lastZxid))
const content = (world: World): Record<string, string> =>
  Object.fromEntries(
    [...world.disk('server').files(directory)].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]),
  )

test('are decimal numbers without a newline, as Apache writes them', async () => {
  const world = await worldWith({})
  const epochs = await open(world)
  await world.run(epochs.save(11, 10))
  expect(content(world)).toEqual({ acceptedEpoch: '11', currentEpoch: '10' })
  const again = await open(world)
  expect([again.accepted, again.current]).toEqual([11, 10])
})

test('that are missing are those of the last transaction', async () => {
  const epochs = await open(await worldWith({}), makeZxid(7, 3))
  expect([epochs.accepted, epochs.current]).toEqual([7, 7])
  const fresh = await open(await worldWith({}))
  expect([fresh.accepted, fresh.current]).toEqual([0, 0])
  const half = await open(await worldWith({ currentEpoch: '9' }), makeZxid(7, 3))
  expect([half.accepted, half.current]).toEqual([9, 9])
})

test('with a newline are read, as an editor leaves them', async () => {
  const epochs = await open(await worldWith({ acceptedEpoch: '5\n', currentEpoch: '4\r\n' }))
  expect([epochs.accepted, epochs.current]).toEqual([5, 4])
})

test('of an Apache server that never had anything are those of an empty directory', async () => {
  const epochs = await open(await worldWith({ acceptedEpoch: '-1', currentEpoch: '-1' }))
  expect([epochs.accepted, epochs.current]).toEqual([0, 0])
  const others = await worldWith({ acceptedEpoch: '-1', currentEpoch: '-1' })
  await expect(open(others, makeZxid(1, 1))).rejects.toThrow(EpochFileError)
})

test.each(['', ' ', '-2', '0x5', '5 6', 'five', '4294967296', '99999999999999999999999'])(
  '%j is no epoch',
  async (text) => {
    await expect(open(await worldWith({ acceptedEpoch: text }))).rejects.toThrow(
      /version-2\/acceptedEpoch holds no epoch: a decimal number from 0 to 4294967295/,
    )
  },
)

test('that contradict each other are refused', async () => {
  await expect(open(await worldWith({ acceptedEpoch: '4', currentEpoch: '5' }))).rejects.toThrow(EpochFileError)
})

test('never go back, and the current one is never above the accepted one', async () => {
  const world = await worldWith({ acceptedEpoch: '5', currentEpoch: '5' })
  const epochs = await open(world)
  await expect(world.run(epochs.save(4, 4))).rejects.toThrow('an epoch never goes back')
  await expect(world.run(epochs.save(6, 4))).rejects.toThrow('an epoch never goes back')
  await expect(world.run(epochs.save(5, 6))).rejects.toThrow('the accepted epoch is at or above the current one')
  expect(content(world)).toEqual({ acceptedEpoch: '5', currentEpoch: '5' })
})

test('a crash at any moment leaves each as it was or as it was to be, and both in order', async () => {
  const seen = new Set<string>()
  for (let seed = 1; seed <= 120; seed++) {
    const world = await worldWith({ acceptedEpoch: '3', currentEpoch: '2' }, seed)
    const epochs = await open(world)
    let isSaved = false
    epochs.save(9, 9).then(
      () => void (isSaved = true),
      () => {},
    )
    await world.advance(seed / 10)
    world.crash('server', seed % 3 === 0 ? 'kill' : 'power')
    const { accepted, current } = await open(world)
    expect([3, 9]).toContain(accepted)
    expect([2, 9]).toContain(current)
    expect(accepted).toBeGreaterThanOrEqual(current)
    if (isSaved) expect([accepted, current]).toEqual([9, 9])
    seen.add(`${accepted} ${current}`)
    // The next save works, whatever the last one left.
    const again = await open(world)
    await world.run(again.save(10, 9))
    expect((await open(world)).accepted).toBe(10)
  }
  expect([...seen].sort()).toEqual(['3 2', '9 2', '9 9'])
})

describe('at a start', () => {
  test.each<[string, number, number, bigint, ReturnType<typeof judgeEpochs>]>([
    ['an empty directory', 0, 0, 0n, { kind: 'start' }],
    ['a history of the current epoch', 5, 5, makeZxid(5, 9), { kind: 'start' }],
    ['a history that has nothing of the current epoch yet', 6, 6, makeZxid(5, 9), { kind: 'start' }],
    ['an accepted epoch without a history', 7, 5, makeZxid(5, 9), { kind: 'start' }],
    ['the process ended between history and epoch', 6, 5, makeZxid(6, 1), { kind: 'heal', current: 6 }],
    [
      'a history of an epoch that was never accepted',
      5,
      5,
      makeZxid(6, 1),
      { kind: 'abstain', reason: 'the history is of epoch 6, and the accepted epoch is 5' },
    ],
    ['a damaged directory', 5, 5, -1n, { kind: 'start' }],
  ])('%s', (_claim, accepted, current, lastZxid, is) => {
    expect(judgeEpochs(accepted, current, lastZxid)).toEqual(is)
  })
})
