/** Ids of sessions are given once. */
import { expect, test } from 'vitest'
import { SessionIds } from './session-ids.ts'
import { SessionKeys, secretBytes } from './session-keys.ts'

const keys = new SessionKeys(new Uint8Array(secretBytes).fill(7))
const none = new Set<bigint>()

test('an id that the tree has is skipped', () => {
  const tree = new Map([[keys.idOf(1, 1000), 0]])
  expect(new SessionIds(keys, 1, 1000).next(tree)).toBe(keys.idOf(1, 1001))
})

test('the numbers go on where the wall clock is, and begin again after 2^40', () => {
  const ids = new SessionIds(keys, 1, 2 ** 40 - 1)
  expect([ids.next(none), ids.next(none)]).toEqual([keys.idOf(1, 2 ** 40 - 1), keys.idOf(1, 0)])
})

test('two servers give different ids at the same time', () => {
  expect(new SessionIds(keys, 1, 5).next(none)).not.toBe(new SessionIds(keys, 2, 5).next(none))
})
