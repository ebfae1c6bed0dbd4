import type { Random } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import type { ServiceInstance } from './instance.ts'
import {
  consistentHash,
  leastOutstanding,
  random,
  roundRobin,
  type Strategy,
  sticky,
  weighted,
  zoneFirst,
} from './strategies.ts'

/** Mulberry32: the same chance in every run. */
function seeded(seed: number): Random {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  return {
    below: (bound) => Math.floor((next() / 2 ** 32) * bound),
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  }
}

function instance(id: string, weight = 1, zone?: string): ServiceInstance {
  return {
    name: 's',
    id,
    address: '10.0.0.1',
    port: 1,
    sslPort: undefined,
    weight,
    zone,
    metadata: {},
    enabled: true,
    registeredAt: undefined,
    payload: undefined,
  }
}

function balancer(strategy: Strategy, instances: ServiceInstance[], outstanding = new Map<string, number>()) {
  const made = strategy({ random: seeded(7), outstanding: ({ id }) => outstanding.get(id) ?? 0 })
  made.update(instances)
  return made
}

function counts(picks: number, pick: (i: number) => ServiceInstance | undefined): Record<string, number> {
  const found: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const id = pick(i)?.id ?? 'none'
    found[id] = (found[id] ?? 0) + 1
  }
  return found
}

/** Pearson's statistic of `found` against shares by weight. */
function chiSquare(found: Record<string, number>, instances: readonly ServiceInstance[]): number {
  const picks = Object.values(found).reduce((sum, n) => sum + n, 0)
  const total = instances.reduce((sum, { weight }) => sum + weight, 0)
  return instances.reduce((sum, { id, weight }) => {
    const expected = (picks * weight) / total
    return sum + ((found[id] ?? 0) - expected) ** 2 / expected
  }, 0)
}

/** What chi-square exceeds once in a thousand times, by degrees of freedom. */
const critical = { 3: 16.27, 9: 27.88 } as const

const four = [instance('a', 1), instance('b', 2), instance('c', 5), instance('d', 12)]
const all = { random, weighted, roundRobin, sticky, leastOutstanding, consistentHash }

test.each(Object.entries(all))(
  '%s gives nothing where there is nothing, and the only one where there is one',
  (_, strategy) => {
    const made = balancer(strategy, [])
    expect([made.pick(undefined), made.pick('key')]).toEqual([undefined, undefined])
    made.update([instance('a')])
    expect([made.pick(undefined)?.id, made.pick('key')?.id]).toEqual(['a', 'a'])
    made.update([])
    expect(made.pick('key')).toBeUndefined()
  },
)

test('random picks all alike', () => {
  const made = balancer(random, four)
  const alike = four.map(({ id }) => instance(id))
  expect(
    chiSquare(
      counts(40_000, () => made.pick(undefined)),
      alike,
    ),
  ).toBeLessThan(critical[3])
})

test.each(Object.entries(all))('%s picks among the heaviest and the lightest weights that there are', (_, strategy) => {
  for (const weight of [Number.MAX_VALUE, Number.MIN_VALUE]) {
    const made = balancer(strategy, [instance('a', weight), instance('b', weight), instance('c', weight)])
    const found = counts(300, () => made.pick(undefined))
    expect(found).not.toHaveProperty('none')
    if (strategy !== sticky) expect(Object.keys(found).sort()).toEqual(['a', 'b', 'c'])
    expect(['a', 'b', 'c']).toContain(made.pick('key')?.id)
  }
})

test('weighted picks by weight', () => {
  const made = balancer(weighted, four)
  expect(
    chiSquare(
      counts(40_000, () => made.pick(undefined)),
      four,
    ),
  ).toBeLessThan(critical[3])
  const ten = Array.from({ length: 10 }, (_, i) => instance(`i${i}`, i + 0.5))
  made.update(ten)
  expect(
    chiSquare(
      counts(40_000, () => made.pick(undefined)),
      ten,
    ),
  ).toBeLessThan(critical[9])
})

test('a share that is none in weighted would be found: the statistic is not deaf', () => {
  const made = balancer(random, four)
  expect(
    chiSquare(
      counts(40_000, () => made.pick(undefined)),
      four,
    ),
  ).toBeGreaterThan(critical[3])
})

test('round robin takes each in turn, and goes on where it was when others come and go', () => {
  const made = balancer(roundRobin, [instance('c'), instance('a'), instance('b')])
  const next = (n: number): string => Array.from({ length: n }, () => made.pick(undefined)?.id).join('')
  expect(next(5)).toBe('abcab')
  made.update([instance('a'), instance('aa'), instance('c'), instance('d')])
  expect(next(5)).toBe('cdaaac')
  made.update([instance('a')])
  expect(next(2)).toBe('aa')
})

test('sticky keeps to one until it goes', () => {
  const made = balancer(sticky, four)
  const first = made.pick(undefined)?.id
  expect(counts(100, () => made.pick(undefined))).toEqual({ [first as string]: 100 })
  made.update(four.map((each) => ({ ...each, weight: 3 })))
  expect(made.pick(undefined)?.id).toBe(first)
  made.update(four.filter(({ id }) => id !== first))
  const second = made.pick(undefined)?.id
  expect(second).not.toBe(first)
  made.update(four)
  expect(made.pick(undefined)?.id).toBe(second)
})

test('least outstanding evens out what is on its way, by weight', () => {
  const outstanding = new Map<string, number>()
  const instances = [instance('a', 1), instance('b', 1), instance('c', 2)]
  const made = balancer(leastOutstanding, instances, outstanding)
  for (let i = 0; i < 4_000; i++) {
    const { id } = made.pick(undefined) as ServiceInstance
    outstanding.set(id, (outstanding.get(id) ?? 0) + 1)
  }
  for (const [id, share] of [
    ['a', 1000],
    ['b', 1000],
    ['c', 2000],
  ] as const) {
    expect(Math.abs((outstanding.get(id) ?? 0) - share)).toBeLessThan(share / 20)
  }
})

describe('consistent hash', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `key-${i}`)

  test('gives the same one for a key, to every consumer and in whatever order the instances came', () => {
    const one = balancer(consistentHash, four)
    const other = balancer(consistentHash, [...four].reverse())
    for (const key of keys.slice(0, 1_000)) expect(one.pick(key)?.id).toBe(other.pick(key)?.id)
  })

  test('moves only the keys of who went, and only to who came', () => {
    const made = balancer(consistentHash, four)
    const before = keys.map((key) => made.pick(key)?.id)
    made.update(four.filter(({ id }) => id !== 'b'))
    keys.forEach((key, i) => {
      if (before[i] !== 'b') expect(made.pick(key)?.id).toBe(before[i])
    })
    made.update([...four, instance('e', 2)])
    keys.forEach((key, i) => {
      const now = made.pick(key)?.id
      if (now !== 'e') expect(now).toBe(before[i])
    })
  })

  test('shares keys by weight, to within a quarter', () => {
    const made = balancer(consistentHash, four)
    const found = counts(keys.length, (i) => made.pick(keys[i]))
    for (const { id, weight } of four) expect((found[id] ?? 0) / ((keys.length * weight) / 20)).toBeCloseTo(1, 0.3)
  })

  test('keeps its ring small whatever the weights', () => {
    const heavy = [instance('a', 1e9), instance('b', 1)]
    const made = balancer(consistentHash, heavy)
    expect(counts(1_000, (i) => made.pick(keys[i]))['a']).toBeGreaterThan(950)
  })
})

test('zone first stays in the zone while it has anybody', () => {
  const near = [instance('a', 1, 'x'), instance('b', 1, 'x')]
  const far = [instance('c', 1, 'y'), instance('d')]
  const made = balancer(zoneFirst('x', random), [...near, ...far])
  expect(Object.keys(counts(500, () => made.pick(undefined))).sort()).toEqual(['a', 'b'])
  made.update(far)
  expect(Object.keys(counts(500, () => made.pick(undefined))).sort()).toEqual(['c', 'd'])
})
