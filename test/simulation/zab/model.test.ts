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

test.each([703_469, 805_413, 807_773, 812_749, 814_669])(
  'two servers that cannot cut their logs do not keep three from electing a leader: schedule %i',
  (seed) => {
    runSchedule(seed)
  },
)

test('of five servers that look, one does not wait for a leader that waits for it: schedule 938839', () => {
  runSchedule(938_839)
})
