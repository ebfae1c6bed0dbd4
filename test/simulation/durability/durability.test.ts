import { expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { tell } from './story.ts'

test.each(seeds(100))('nothing acknowledged is lost, whatever is killed or cut off: seed %i', async (seed) => {
  const { acknowledged } = await tell(seed)
  expect(acknowledged).toBeGreaterThan(0)
})

test.each(seeds(60))('a disk that fails is never trusted: seed %i', async (seed) => {
  await tell(seed, { failingDisk: true, rounds: 8 })
})

test.each(seeds(60))('files that rot lead to the right data or to a refusal: seed %i', async (seed) => {
  await tell(seed, { rot: true, rounds: 8 })
})

/** Seeds that found something once: see docs/architecture/found.md. */
const found = [17, 89, 96, 136, 165, 195, 5914, 20238, 20579, 21117]

test.each(found)('what was found once stays away: seed %i', async (seed) => {
  await tell(seed)
  await tell(seed, { failingDisk: true, rounds: 8 })
})

test.each([176])('rot that was not noticed once is noticed: seed %i', async (seed) => {
  await tell(seed, { rot: true, rounds: 8 })
})

test('two runs of one seed leave the same trace', async () => {
  for (const seed of [3, 4]) {
    const [first, second] = [await tell(seed), await tell(seed)]
    expect(first.trace).toEqual(second.trace)
    expect(first.hash).toBe(second.hash)
  }
})
