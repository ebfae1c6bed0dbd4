import { describe, expect, test } from 'vitest'
import { type BarrierMember, fullRound, isOpen, leave } from './decide.ts'

const members = (...czxids: readonly number[]): BarrierMember[] =>
  czxids.map((czxid) => ({ name: `m${czxid}`, czxid: BigInt(czxid) }))

describe('a round', () => {
  test.each([
    ['is open where ready came after the member', 9n, 5n, true],
    ['is not open by what an earlier one left', 3n, 5n, false],
    ['is not open without ready', undefined, 5n, false],
  ])('%s', (_, stamp, czxid, expected) => expect(isOpen(stamp, czxid)).toBe(expected))

  test.each([
    ['is full with all who came', [4, 5], undefined, true],
    ['is not full with fewer', [4], undefined, false],
    ['is not full with those who have not yet left the one before', [4, 5, 8], 6n, false],
    ['is full with newcomers alone', [4, 8, 9], 6n, true],
  ])('%s', (_, czxids: readonly number[], stamp, expected) => {
    const round = fullRound(members(...czxids), stamp, 2)
    expect(round !== undefined).toBe(expected)
    for (const { czxid } of round ?? []) expect(czxid > (stamp ?? 0n)).toBe(true)
  })
})

describe('a member that leaves', () => {
  const three = members(1, 2, 3)

  test.each([
    ['goes, and waits on the smallest', three, 'm2', { kind: 'goAndWait', behind: 'm1' }],
    ['stays as the smallest, and waits on the largest', three, 'm1', { kind: 'stayAndWait', behind: 'm3' }],
    ['waits on the smallest when it is gone', members(1, 3), 'm2', { kind: 'goAndWait', behind: 'm1' }],
    ['is the last', members(2), 'm2', { kind: 'last' }],
    ['is done when nobody is left', [], 'm2', { kind: 'done' }],
    ['does not wait on those of the next round', members(2, 11, 12), 'm2', { kind: 'last' }],
    ['is done though those of the next round are there', members(11, 12), 'm2', { kind: 'done' }],
  ] as const)('%s', (_, there, mine, expected) => expect(leave(there, 10n, mine)).toEqual(expected))

  test('leaves no other member waiting at the end', () => {
    // Every member acts on its decision, in any order, until no member is left.
    const names = ['m1', 'm2', 'm3', 'm4']
    const there = new Set(names)
    const done = new Set<string>()
    for (let step = 0; step < 20 && done.size < names.length; step++) {
      const mine = names[(step * 3) % 4] as string
      const next = leave(members(...[...there].map((name) => Number(name.slice(1)))), 10n, mine)
      if (next.kind === 'done') done.add(mine)
      else if (next.kind !== 'stayAndWait') there.delete(mine)
      if (next.kind === 'stayAndWait' || next.kind === 'goAndWait') expect(there.has(next.behind)).toBe(true)
    }
    expect([...done].sort()).toEqual(names)
  })
})
