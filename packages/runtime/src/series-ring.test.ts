/** What a ring of figures keeps, and how it thins it out. */
import { expect, test } from 'vitest'
import { SeriesRing } from './series-ring.ts'

test('keeps the newest points in order, and a hole where there was no value', () => {
  const ring = new SeriesRing(['znodes', 'latency'], 3)
  ring.add(1, { znodes: 1 })
  ring.add(2, { znodes: 2 })
  ring.add(3, {})
  ring.add(4, { znodes: 4, latency: 0.1, other: 7 })
  expect(ring.series(100)).toEqual({
    times: [2, 3, 4],
    values: { znodes: [2, null, 4], latency: [null, null, 0.1] },
  })
})

test('of several points it shows the greatest, so no peak is lost', () => {
  const ring = new SeriesRing(['latency'], 100)
  for (let i = 1; i <= 10; i++) ring.add(i, { latency: i === 4 ? 99 : 1 })
  expect(ring.series(5)).toEqual({ times: [2, 4, 6, 8, 10], values: { latency: [1, 99, 1, 1, 1] } })
})

test('what is so now stands behind the rest and is not kept', () => {
  const ring = new SeriesRing(['znodes'], 2)
  ring.add(1, { znodes: 1 })
  const now = { at: 2, point: { znodes: 16_777_217 } }
  expect(ring.series(10, now)).toEqual({ times: [1, 2], values: { znodes: [1, 16_777_217] } })
  expect(ring.series(10).times).toEqual([1])
})
