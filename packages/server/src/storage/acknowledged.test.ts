/** The promise of this server: exact after a kill, never ahead of the log, and lowered for good before a cut. */
import { World } from '@lightkeeper/testing/sim'
import { expect, test } from 'vitest'
import { AcknowledgedMark } from './acknowledged.ts'

const directory = '/data/version-2'

async function opened(world: World): Promise<AcknowledgedMark> {
  const runtime = world.runtime('server')
  await world.run(runtime.disk.makeDirectory(directory))
  const mark = await world.run(AcknowledgedMark.open(runtime, directory))
  // As a server does when it starts.
  await world.run(runtime.disk.syncDirectory(directory))
  return mark
}

const read = async (world: World): Promise<bigint> =>
  (await world.run(AcknowledgedMark.read(world.runtime('server').disk, directory))) ?? -1n

test('is what was noted last, also after a kill', async () => {
  const world = new World(1)
  const mark = await opened(world)
  expect(mark.zxid).toBe(0n)
  expect(await read(world)).toBe(-1n)
  for (let zxid = 1n; zxid <= 5n; zxid++) mark.note(zxid)
  expect(mark.zxid).toBe(5n)
  world.crash('server', 'kill')
  expect(await read(world)).toBe(5n)
})

test('is lowered durably, and only lowered', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World(seed)
    const mark = await opened(world)
    for (let zxid = 1n; zxid <= 9n; zxid++) mark.note(zxid)
    await world.run(mark.lower(12n))
    expect(mark.zxid).toBe(9n)
    await world.run(mark.lower(4n))
    expect(mark.zxid).toBe(4n)
    world.crash('server', 'power')
    expect(await read(world)).toBe(4n)
  }
})

test('a crash while it is lowered leaves no more than was promised, and a promise that is lowered never comes back', async () => {
  const seen = new Set<bigint>()
  for (let seed = 1; seed <= 80; seed++) {
    const world = new World(seed)
    const mark = await opened(world)
    mark.note(8n)
    await world.run(mark.set(9n))
    let isLowered = false
    mark.lower(4n).then(
      () => void (isLowered = true),
      () => {},
    )
    await world.advance(seed / 16)
    world.crash('server', 'power')
    const left = await read(world)
    expect([4n, 9n]).toContain(left)
    if (isLowered) expect(left).toBe(4n)
    seen.add(left)
  }
  expect(seen.size).toBe(2)
})
