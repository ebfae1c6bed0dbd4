import { describe, expect, test } from 'vitest'
import { electionLine, electionStanding, isOutranked, markerOf } from './decide.ts'

const uuid = '6d7b1a0e-8f3c-4b57-9a37-0d2e6b1f4c55'
const hex = uuid.replaceAll('-', '')
const number = (i: number): string => String(i).padStart(10, '0')

/** Candidates of Curator (c, with a priority c7) and kazoo (k, k7), first come first. */
const line = (text: string): string[] =>
  text.split(' ').map((each, i) => {
    const priority = Number(each.slice(1) || 0)
    return each.startsWith('c')
      ? `_c_${uuid}-${markerOf('curator', priority)}${number(i)}`
      : `${hex}${markerOf('kazoo', priority)}${number(i)}`
  })

test('names are those of LeaderLatch and of kazoo, with a priority in front of what they look at', () => {
  expect(line('c c10 k k10')).toEqual([
    `_c_${uuid}-latch-0000000000`,
    `_c_${uuid}-p10-latch-0000000001`,
    `${hex}__lock__0000000002`,
    `${hex}p10__lock__0000000003`,
  ])
})

test.each<[string, number[]]>([
  ['c c k', [0, 0, 0]],
  ['c10 k2147483647 c', [10, 2147483647, 0]],
])('%s: the priorities are read from the names', (text, priorities) => {
  expect(electionLine(line(text).reverse()).map(({ priority }) => priority)).toEqual(priorities)
})

test('what only looks like a priority is none', () => {
  const names = [
    `_c_${uuid}-p-latch-0000000001`,
    `${hex}xp3__lock__0000000002`,
    'p4-latch-0000000003',
    'latch-0000000004',
  ]
  expect(electionLine(names).map(({ priority }) => priority)).toEqual([0, 0, 0, 0])
  expect(electionLine(['lock-0000000001', 'members', `_c_${uuid}-p1-latch-`])).toEqual([])
})

describe('who waits for whom', () => {
  test.each<[string, number, 'first' | 'outranked' | number]>([
    ['c', 0, 'first'],
    ['c c c', 2, 1],
    ['c k c', 1, 0],
    ['k c', 0, 'first'],
    ['c c1', 0, 'outranked'],
    ['c c1', 1, 0],
    ['c1 c1', 0, 'first'],
    ['c2 c1 k2', 0, 'first'],
    ['c2 c1 k3', 0, 'outranked'],
    ['c c k1', 1, 0],
  ])('%s: the one at %i: %s', (text, at, expected) => {
    const names = line(text)
    const standing = typeof expected === 'string' ? { kind: expected } : { kind: 'behind', name: names[expected] }
    expect(electionStanding([...names].reverse(), names[at] as string)).toEqual(standing)
  })

  test('a contender without a znode waits for no other', () => {
    expect(electionStanding(line('c c1'), `_c_${uuid}-latch-0000000009`)).toEqual({ kind: 'gone' })
  })

  test('a leader is outranked by anybody of a higher priority, wherever it stands', () => {
    const names = line('c1 c k2')
    expect(names.map((name) => isOutranked(electionLine(names), name))).toEqual([true, true, false])
  })
})
