/** A multi that is rolled back must find each change as it was: the copies it keeps have every field. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Znode, ZnodeStore } from '../tree/znode.ts'
import { Change } from './pending-changes.ts'

/** Belong to the list that a change stands in, not to the znode it describes. */
const ofTheList = new Set(['isTouched', 'multi'])
/** Fixed when the change is made. */
const fixed = new Set(['source'])
const accessors = ['ephemeralOwner', 'data']

const stored = (): Znode => {
  const node = new ZnodeStore().make([])
  node.data = new Uint8Array([1, 2, 3])
  node.version = 7
  return node
}

const fieldsOf = (change: Change): string[] => [
  ...Object.keys(change).filter((key) => !ofTheList.has(key) && !fixed.has(key)),
  ...accessors,
]

const valuesOf = (change: Change): Record<string, unknown> => {
  const fields = change as unknown as Record<string, unknown>
  return Object.fromEntries(fieldsOf(change).map((key) => [key, fields[key]]))
}

test.each([
  ['a znode that is stored', stored],
  ['a znode that is not stored yet', () => undefined],
])('a copy of a change of %s has every field', (_what, source) => {
  const count = fieldsOf(new Change(undefined)).length
  expect(count).toBeGreaterThan(14)
  // Any field may be filled in or left as it is, each with a value of its own.
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: count, maxLength: count }), (isFilled) => {
      const change = new Change(source())
      const fields = change as unknown as Record<string, unknown>
      for (const [i, key] of fieldsOf(change).entries()) if (isFilled[i]) fields[key] = { value: i }
      const before = valuesOf(change)
      const copy = change.copy()
      expect(valuesOf(copy)).toEqual(before)
      expect(copy.source).toBe(change.source)
      expect(copy.dataLength).toBe(change.dataLength)
      // They are two: what happens to the change afterwards does not reach its copy.
      for (const key of fieldsOf(change)) fields[key] = { value: 'later' }
      expect(valuesOf(copy)).toEqual(before)
    }),
  )
})
