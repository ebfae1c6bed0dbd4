/** What a server keeps of its last day. */
import { expect, test } from 'vitest'
import { ServerStats } from '../stats.ts'
import { Day } from './day.ts'

/** A clock that the test moves. */
function dayAt() {
  let now = 0
  let task: (() => void) | undefined
  const stats = new ServerStats()
  const clock = {
    now: () => now,
    wall: () => 1_000_000 + now,
    after: (_delay: number, next: () => void) => {
      task = next
      return {
        cancel() {
          task = undefined
        },
      }
    },
    turnEnd() {},
  }
  const memory = { heap: () => ({ used: 7, limit: 9 }), collect() {} }
  const day = new Day(() => undefined, stats, { clock, memory })
  return {
    stats,
    day,
    /** Half a minute later. */
    pass() {
      now += 30_000
      task?.()
    },
    isWaiting: () => task !== undefined,
  }
}

test('a point has the requests and times since the point before, not those since the start', () => {
  const { stats, day, pass } = dayAt()
  day.start()
  stats.received = 300
  stats.answered(10, 100)
  stats.flushed(1, 40, true)
  pass()
  stats.received = 900
  stats.answered(10, 2)
  stats.updated(4)
  stats.flushed(1, 5, true)
  pass()
  pass()
  const { times, values } = day.figures(100)
  expect(times).toEqual([1_030_000, 1_060_000, 1_090_000, 1_090_000])
  const first = (name: string) => values[name]?.slice(0, 3)
  expect(first('requests_per_second')).toEqual([10, 20, 0])
  expect(first('avg_latency')?.[0]).toBe(100)
  expect(first('avg_latency')?.[1]).toBeCloseTo(24 / 11)
  expect(first('avg_latency')?.[2]).toBe(0)
  expect(first('max_latency')?.[0]).toBe(100)
  // Known to within a tenth.
  expect(first('max_latency')?.[1]).toBeGreaterThanOrEqual(4)
  expect(first('max_latency')?.[1]).toBeLessThan(4.4)
  expect(first('p99_read_latency')?.[1]).toBeLessThan(2.2)
  expect(first('max_sync_time')?.[1]).toBeLessThan(5.5)
  expect(first('max_latency')?.[2]).toBe(0)
})

test('counters that were set back begin again, and do not count backwards', () => {
  const { stats, day, pass } = dayAt()
  day.start()
  stats.received = 3_000
  stats.answered(3_000, 8)
  pass()
  stats.reset()
  stats.received = 30
  stats.answered(30, 2)
  pass()
  const { values } = day.figures(100)
  expect(values['requests_per_second']?.slice(0, 2)).toEqual([100, 1])
  expect(values['avg_latency']?.slice(0, 2)).toEqual([8, 2])
  expect(values['max_latency']?.[1]).toBe(2)
})

test('what the server does not know yet is a hole, and a stopped day waits for nothing', () => {
  const { day, pass, isWaiting } = dayAt()
  day.start()
  pass()
  const { values } = day.figures(100)
  expect([values['znodes']?.[0], values['avg_sync_time']?.[0], values['heap_bytes']?.[0]]).toEqual([null, null, 7])
  day.stop()
  expect(isWaiting()).toBe(false)
})
