import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assign } from './assign.ts'

const items = (count: number): string[] => Array.from({ length: count }, (_, i) => `i${i}`)
const members = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 })
const before = fc.dictionary(
  fc.nat(20).map((i) => `i${i}`),
  fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'gone'),
)

function sizes(assignment: ReadonlyMap<string, string>, group: readonly string[]): number[] {
  return group.map((member) => [...assignment.values()].filter((each) => each === member).length)
}

describe('items are assigned', () => {
  test('each to a member, evenly, whatever the assignment was before', () => {
    fc.assert(
      fc.property(fc.nat(21), members, before, (count, group, was) => {
        const after = assign(items(count), group, new Map(Object.entries(was)))
        expect([...after.keys()].sort()).toEqual(items(count).sort())
        const shares = sizes(after, group)
        expect(shares.reduce((sum, n) => sum + n, 0)).toBe(count)
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('so that as few move as even shares allow', () => {
    fc.assert(
      fc.property(fc.nat(21), members, before, (count, group, was) => {
        const held = new Map(Object.entries(was))
        const after = assign(items(count), group, held)
        const stays = items(count).filter((item) => after.get(item) === held.get(item)).length
        // The most items that can stay: the larger shares go to the members with the most items.
        const kept = group
          .map((member) => items(count).filter((item) => held.get(item) === member).length)
          .sort((a, b) => b - a)
        const share = Math.floor(count / group.length)
        const larger = count % group.length
        const most = kept.reduce((sum, n, i) => sum + Math.min(n, i < larger ? share + 1 : share), 0)
        expect(stays).toBe(most)
      }),
    )
  })

  test('in the same way by every member, in whatever order members and items are listed', () => {
    fc.assert(
      fc.property(fc.nat(21), members, before, (count, group, was) => {
        const held = new Map(Object.entries(was))
        const after = assign(items(count), group, held)
        const again = assign(items(count).reverse(), [...group].reverse(), held)
        expect(new Map([...again].sort())).toEqual(new Map([...after].sort()))
        expect(new Map([...assign(items(count), group, after)].sort())).toEqual(new Map([...after].sort()))
      }),
    )
  })

  test('to no member, where there are none', () => {
    expect(assign(items(3), [], new Map()).size).toBe(0)
  })
})
