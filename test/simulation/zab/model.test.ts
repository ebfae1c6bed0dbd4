import { describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { Ensemble } from './ensemble.ts'
import { endWell, runSchedule } from './schedule.ts'

describe('without faults', () => {
  test.each([1, 2, 3, 4, 5, 7])('%i servers elect a leader and commit', (voters) => {
    const ensemble = new Ensemble(voters, { voters })
    for (const host of ensemble.hosts) host.start()
    endWell(ensemble)
    expect(ensemble.checker.committed.length).toBe(1)
  })
})

test('whatever breaks, no invariant does', () => {
  for (const seed of seeds(300)) {
    try {
      runSchedule(seed)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

const threeGroups = [1, 1, 2, 2, 3].map((group) => [group, 1] as const)
const twoWithoutWeight = [1, 1, 1, 0, 0].map((weight) => [1, weight] as const)
const oneHeavy = [3, 1, 1, 1, 1].map((weight) => [1, weight] as const)

test.each([
  ['three groups', threeGroups],
  ['two without weight', twoWithoutWeight],
  ['one that counts three times', oneHeavy],
])('nor where the votes do not count the same: %s', (_, shares) => {
  for (const seed of seeds(100)) {
    try {
      runSchedule(seed, { voters: 5, shares })
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test('an image to a server that is gone ends for its leader too: schedule 5009165', () => {
  runSchedule(5_009_165, { shares: twoWithoutWeight })
})

test.each([703_469, 805_413, 807_773, 812_749, 814_669])(
  'two servers that cannot cut their logs do not keep three from electing a leader: schedule %i',
  (seed) => {
    runSchedule(seed)
  },
)

test('of five servers that look, one does not wait for a leader that waits for it: schedule 938839', () => {
  runSchedule(938_839)
})
