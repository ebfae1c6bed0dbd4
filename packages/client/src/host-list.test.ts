import { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { HostList } from './host-list.ts'

const backoff = { baseMs: 20, maxMs: 5_000 }
const seeds = Array.from({ length: 200 }, (_, i) => i + 1)

test('a host list tries every server before it repeats one, the first without a wait', () => {
  const hosts = new HostList(['a', 'b', 'c'], new SeededRandom(1), backoff)
  const tried = Array.from({ length: 3 }, () => hosts.next())
  expect(new Set(tried.map(({ server }) => server)).size).toBe(3)
  expect(tried[0]?.delayMs).toBe(0)
  hosts.succeeded()
  expect(hosts.next().delayMs).toBe(0)
})

test('each wait is any part of its bound: the base, or half of what was waited, up to the maximum', () => {
  const bounds: number[] = []
  const hosts = new HostList(
    ['a'],
    { below: (bound) => (bounds.push(bound), bound - 1), bytes: () => new Uint8Array() },
    { baseMs: 100, maxMs: 500 },
  )
  bounds.length = 0
  for (let i = 0; i < 9; i++) hosts.next()
  expect(bounds).toEqual([100, 100, 100, 148, 222, 332, 498, 500])
  hosts.next(70)
  expect(bounds.at(-1)).toBe(70)
})

test.each([0, 1, 2])('waits grow from a base of %i ms too', (baseMs) => {
  const hosts = new HostList(['a'], new SeededRandom(1), { baseMs, maxMs: 5_000 })
  let waitedMs = 0
  for (let i = 0; i < 100; i++) waitedMs += hosts.next().delayMs
  expect(waitedMs).toBeGreaterThan(50_000)
})

/** The attempts of one client that finds nobody before `awayMs` have passed: when each is made, milliseconds from the loss. */
function attempts(seed: number, servers: readonly string[], awayMs: number, back = servers): number[] {
  const hosts = new HostList(servers, new SeededRandom(seed), backoff)
  const times: number[] = []
  for (let now = 0; ; ) {
    const { server, delayMs } = hosts.next()
    now += delayMs
    times.push(now)
    if (now >= awayMs && back.includes(server)) return times
  }
}

const last = (times: readonly number[]): number => times.at(-1) ?? Number.NaN

describe.each([100, 1_000, 8_000])('servers that are away for %i ms', (awayMs) => {
  test('are found again within half of that time', () => {
    for (const seed of seeds) {
      expect(last(attempts(seed, ['a'], awayMs)), `seed ${seed}`).toBeLessThan(awayMs * 1.5)
      // One of three stays away, and may be the next in turn.
      expect(last(attempts(seed, ['a', 'b', 'c'], awayMs, ['a', 'b'])), `seed ${seed}`).toBeLessThan(awayMs * 1.5 * 1.5)
    }
  })

  test('see few attempts of a client, and fewer and fewer', () => {
    for (const seed of seeds) {
      const times = attempts(seed, ['a', 'b', 'c'], awayMs)
      expect(times.length, `seed ${seed}`).toBeLessThan(50)
      const early = times.filter((time) => time < awayMs / 2).length
      expect(times.length - early, `seed ${seed}`).toBeLessThan(16)
    }
  })

  test('are not tried again by all clients at the same moment', () => {
    const width = awayMs / 20
    const perSlot = new Map<number, number>()
    for (const seed of seeds) {
      const slot = Math.floor(last(attempts(seed, ['a'], awayMs)) / width)
      perSlot.set(slot, (perSlot.get(slot) ?? 0) + 1)
    }
    expect(Math.max(...perSlot.values())).toBeLessThan(seeds.length / 4)
  })
})
