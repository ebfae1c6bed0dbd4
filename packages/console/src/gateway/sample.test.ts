/** What a stream shows when changes come faster than anybody reads. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChangeItem } from '../api.ts'
import { Sample } from './sample.ts'

const item = (n: number): ChangeItem => ({ kind: 'changed', path: `/${n}` })

test('gives everything in order while there is room', () => {
  const sample = new Sample(3)
  for (const n of [1, 2, 3]) sample.add(item(n))
  expect(sample.take()).toEqual({ items: [item(1), item(2), item(3)], leftOut: 0 })
  expect(sample.isEmpty).toBe(true)
  expect(sample.take()).toEqual({ items: [], leftOut: 0 })
})

test('keeps the newest, and counts each of the others once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.array(fc.nat({ max: 30 }), { maxLength: 20 }), (max, bursts) => {
      const sample = new Sample(max)
      let added = 0
      let seen = 0
      for (const burst of bursts) {
        for (let i = 0; i < burst; i++) sample.add(item(added++))
        const { items, leftOut } = sample.take()
        seen += items.length + leftOut
        expect(items).toEqual(
          Array.from({ length: Math.min(max, burst) }, (_, i) => item(added - Math.min(max, burst) + i)),
        )
      }
      expect(seen).toBe(added)
    }),
  )
})
