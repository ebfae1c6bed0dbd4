/** The pace at which containers and TTL znodes are removed. */
import { describe, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { Reaper } from './reaper.ts'

function world(maxPerMinute: number, candidates: readonly string[]) {
  const clock = new HandClock()
  const begun = clock.now()
  const reaped: [ms: number, path: string][] = []
  let rounds = 0
  const reaper = new Reaper(
    clock,
    { checkIntervalMs: 60_000, maxPerMinute },
    {
      candidates() {
        rounds++
        return candidates
      },
      reap: (path) => void reaped.push([clock.now() - begun, path]),
    },
  )
  reaper.start()
  return { clock, reaped, reaper, rounds: () => rounds }
}

describe('znodes that may go', () => {
  test('are removed one by one, as far apart as the pace says', () => {
    const { clock, reaped } = world(60, ['/a', '/b', '/c'])
    clock.advance(62_500)
    expect(reaped).toEqual([
      [60_000, '/a'],
      [61_000, '/b'],
      [62_000, '/c'],
    ])
  })

  test('are at no pace more in a minute than it allows', () => {
    for (const maxPerMinute of [1, 60, 10_000, 1_000_000]) {
      const { clock, reaped } = world(
        maxPerMinute,
        Array.from({ length: 3_000 }, (_, i) => `/${i}`),
      )
      clock.advance(60_000)
      const inFirstStep = reaped.length
      clock.advance(1_000)
      expect(reaped.length - inFirstStep).toBeLessThanOrEqual(Math.ceil(maxPerMinute / 60))
    }
  })

  test('are looked for again when the interval has passed after the last was removed', () => {
    const { clock, rounds } = world(60, ['/a', '/b', '/c'])
    clock.advance(62_000 + 59_999)
    expect(rounds()).toBe(1)
    clock.advance(1)
    expect(rounds()).toBe(2)
  })

  test('stay where it is stopped between two of them', () => {
    const { clock, reaped, reaper } = world(60, ['/a', '/b', '/c'])
    clock.advance(61_000)
    reaper.stop()
    clock.advance(600_000)
    expect(reaped.length).toBe(2)
  })
})
