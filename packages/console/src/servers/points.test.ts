/** What a chart gets from two answers to `mntr`. */
import { expect, test } from 'vitest'
import { pointNames, pointOf, type Reading } from './points.ts'

const reading = (at: number, figures: Record<string, string>): Reading => ({ at, figures })

test('rates and averages are those between two answers', () => {
  const before = reading(0, {
    packets_received: '100',
    sum_readlatency: '10',
    cnt_readlatency: '10',
    sum_updatelatency: '0',
    cnt_updatelatency: '0',
    sum_fsynctime: '50',
    cnt_fsynctime: '10',
  })
  const now = reading(10_000, {
    packets_received: '600',
    sum_readlatency: '40',
    cnt_readlatency: '20',
    sum_updatelatency: '20',
    cnt_updatelatency: '10',
    sum_fsynctime: '80',
    cnt_fsynctime: '20',
    max_fsynctime: '9',
    znode_count: '12',
  })
  const point = pointOf(now, before)
  expect(point).toEqual({
    requests_per_second: 50,
    avg_latency: 2.5,
    avg_sync_time: 3,
    max_sync_time: 9,
    znodes: 12,
  })
  expect(Object.keys(point).every((name) => pointNames.includes(name))).toBe(true)
})

test('a server that was started again counts from zero', () => {
  expect(pointOf(reading(2_000, { packets_received: '10' }), reading(0, { packets_received: '900' }))).toEqual({
    requests_per_second: 5,
  })
})

test('without sums the average since the start is what there is; without syncs there is no time of one', () => {
  const figures = { avg_latency: '0.5', cnt_fsynctime: '0', max_fsynctime: '0', packets_received: '?' }
  expect(pointOf(reading(1_000, figures), undefined)).toEqual({ avg_latency: 0.5 })
})
