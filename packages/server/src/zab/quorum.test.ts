import { describe, expect, test } from 'vitest'
import { equalMembers, type Membership } from '../config/membership.ts'
import { quorumOf } from './quorum.ts'

describe('a majority', () => {
  test.each([
    [1, [1], true],
    [2, [1], false],
    [3, [1, 3], true],
    [3, [2], false],
    [4, [1, 2], false],
    [4, [1, 2, 4], true],
    [5, [1, 2, 3], true],
  ])('of %i servers: %o', (count, sids, isQuorum) => {
    const quorum = quorumOf(equalMembers(Array.from({ length: count }, (_, i) => i + 1)))
    expect(quorum.has(sids)).toBe(isQuorum)
  })

  test('is not helped by servers without a vote', () => {
    expect(quorumOf(equalMembers([1, 2, 3], [4, 5])).has([1, 4, 5, 9])).toBe(false)
  })
})

test('with groups it is more than half of the groups, each by more than half of its weight', () => {
  const voter = (sid: number, group: number, weight: number) => ({ sid, group, weight })
  const voters = [
    ...[voter(1, 1, 1), voter(2, 1, 1), voter(3, 1, 1)],
    ...[voter(4, 2, 3), voter(5, 2, 1), voter(6, 2, 1)],
    ...[voter(7, 3, 1), voter(8, 3, 1)],
    ...[voter(9, 4, 0)],
  ]
  const quorum = quorumOf({ ...equalMembers([]), voters } satisfies Membership)
  expect(quorum.has([1, 2, 4])).toBe(true)
  expect(quorum.has([1, 2, 5, 6, 7])).toBe(false)
  expect(quorum.has([4, 7, 8])).toBe(true)
  // A majority of servers in one group alone.
  expect(quorum.has([1, 2, 3, 5, 6])).toBe(false)
  expect(quorum.weightOf(9)).toBe(0)
})

test('of two configurations both have to agree', () => {
  const joint = quorumOf(equalMembers([1, 2, 3]), equalMembers([3, 4, 5]))
  expect(joint.has([1, 2, 3])).toBe(false)
  expect(joint.has([3, 4, 5])).toBe(false)
  expect(joint.has([1, 3, 4])).toBe(true)
  expect(joint.voters).toEqual([1, 2, 3, 4, 5])
})
