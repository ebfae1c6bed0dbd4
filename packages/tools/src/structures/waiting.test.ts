import type { ZnodePath } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import type { Party, Structure, StructureKind } from './structure.ts'
import { cyclesOf, edgesOf } from './waiting.ts'

let count = 0
const party = (session: number): Party => ({
  path: `/p/${++count}`,
  session: BigInt(session),
  since: new Date(0),
  id: undefined,
  data: new Uint8Array(0),
})

function structure(
  path: ZnodePath,
  holders: readonly number[],
  waiters: readonly number[],
  kind: StructureKind = 'lock',
): Structure {
  const held = holders.map(party)
  const needs = kind === 'semaphore' ? ('any' as const) : ('all' as const)
  const behind = held.map((each) => each.path)
  const waiting = waiters.map((session) => ({ ...party(session), behind, needs }))
  return { kind, path, layouts: ['curator'], holders: held, waiters: waiting, notes: [] }
}

const named = (structures: readonly Structure[]): string[] =>
  cyclesOf(structures).map((cycle) =>
    cycle
      .map(({ waiter, holder, structure: at }) => `${waiter.session} at ${at.path} for ${holder.session}`)
      .join(', '),
  )

test('an edge goes from each waiter to each holder of another session', () => {
  const edges = edgesOf([structure('/a', [1, 2], [3, 1])])
  expect(edges.map(({ waiter, holder }) => [waiter.session, holder.session])).toEqual([
    [3n, 1n],
    [3n, 2n],
    [1n, 2n],
  ])
})

test('two sessions that wait for what the other holds are a circle', () => {
  expect(named([structure('/a', [1], [2]), structure('/b', [2], [1])])).toEqual(['2 at /a for 1, 1 at /b for 2'])
})

test('a circle of three is reported once, without sessions that only wait for a member of it', () => {
  const locks = [structure('/a', [1], [3, 4]), structure('/b', [2], [1]), structure('/c', [3], [2])]
  expect(named(locks)).toEqual(['3 at /a for 1, 1 at /b for 2, 2 at /c for 3'])
})

test('two circles are both named', () => {
  const locks = [
    structure('/a', [1], [2]),
    structure('/b', [2], [1]),
    structure('/c', [5], [6]),
    structure('/d', [6], [5]),
  ]
  expect(named(locks)).toHaveLength(2)
})

test('a chain has no circle', () => {
  expect(named([structure('/a', [1], [2]), structure('/b', [2], [3]), structure('/c', [3], [4])])).toEqual([])
})

test('who waits for a lock that its own session holds is no circle: another task of it may go on', () => {
  expect(named([structure('/a', [1], [1]), structure('/b', [1], [1])])).toEqual([])
})

test('a semaphore is a part of a circle where every lease is', () => {
  const free = structure('/s', [1, 9], [2], 'semaphore')
  expect(named([free, structure('/b', [2], [1])])).toEqual([])
  const taken = structure('/s', [1, 3], [2], 'semaphore')
  expect(named([taken, structure('/b', [2], [1, 3])])).toEqual(['2 at /s for 1, 1 at /b for 2'])
})

test('candidates of an election block nothing', () => {
  expect(named([structure('/a', [1], [2], 'election'), structure('/b', [2], [1], 'election')])).toEqual([])
})
