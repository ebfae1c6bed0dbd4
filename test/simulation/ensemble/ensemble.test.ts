import { expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { tellOfEnsemble } from './story.ts'

test.each(seeds(3))(
  'clients of an ensemble lose nothing and all members agree, whatever happens: seed %i',
  async (seed) => {
    const { acknowledged } = await tellOfEnsemble(seed)
    expect(acknowledged).toBeGreaterThan(0)
  },
)

test('two runs of one seed leave the same trace', async () => {
  const [first, second] = [await tellOfEnsemble(3), await tellOfEnsemble(3)]
  expect(first.trace).toEqual(second.trace)
  expect(first.hash).toBe(second.hash)
})
