import { describe, expect, test } from 'vitest'
import { graceMsFor, guardPlanFor, type Plan, planFor, stepFor } from './plan.ts'

const plan: Plan = { askBelowMs: 5_000, terminateBelowMs: 4_000, killBelowMs: 1_000 }

test.each([
  // rest of the lease, terminated ago → what, and when next
  [20_000, undefined, 'nothing', 15_000],
  [5_001, undefined, 'nothing', 1],
  [5_000, undefined, 'ask', 1_000],
  [4_001, undefined, 'ask', 1],
  [4_000, undefined, 'terminate', 3_000],
  [1_001, undefined, 'terminate', 1],
  [1_000, undefined, 'kill', 0],
  [0, undefined, 'kill', 0],
  [4_000, 0, 'nothing', 3_000],
  [2_000, 2_000, 'nothing', 1_000],
  [1_000, 2_999, 'kill', 0],
  // Renewed after it was terminated: it gets its grace, not more.
  [20_000, 1_000, 'nothing', 2_000],
  [20_000, 3_000, 'kill', 0],
])('with %i ms left, terminated %s ms ago: %s, and looks again after %i ms', (remaining, ago, does, lookAfterMs) => {
  const terminated = ago === undefined ? undefined : { agoMs: ago, graceMs: 3_000 }
  expect(stepFor(plan, remaining, terminated)).toEqual({ does, lookAfterMs })
})

describe.each([100, 1_000, 2_000, 4_000, 10_000, 30_000, 600_000])('a session of %i ms', (timeout) => {
  test.each([0, 1_000, 10_000, 1_000_000])('with a grace of %i ms keeps all it reserves within half of it', (grace) => {
    const { askBelowMs, terminateBelowMs, killBelowMs } = planFor(timeout, grace)
    expect(askBelowMs).toBeLessThan(timeout / 2)
    expect(askBelowMs).toBeGreaterThan(terminateBelowMs)
    expect(terminateBelowMs - killBelowMs).toBeCloseTo(graceMsFor(timeout, grace))
    expect(killBelowMs).toBeGreaterThan(0)
  })

  test('is guarded later than it is supervised, and before it may end', () => {
    const supervised = planFor(timeout, 1_000)
    const guarded = guardPlanFor(supervised)
    expect(guarded.terminateBelowMs).toBeLessThan(supervised.terminateBelowMs)
    expect(guarded.killBelowMs).toBeLessThan(supervised.killBelowMs)
    expect(guarded.killBelowMs).toBeGreaterThan(0)
  })
})

test('followed to the end, terminates once and kills in time, at any interval of looks', () => {
  const does: string[] = []
  let terminated: number | undefined
  for (let left = 6_000; ; ) {
    const step = stepFor(
      plan,
      left,
      terminated === undefined ? undefined : { agoMs: terminated - left, graceMs: 3_000 },
    )
    does.push(step.does)
    if (step.does === 'kill') {
      expect(left).toBeGreaterThanOrEqual(900)
      break
    }
    if (step.does === 'terminate') terminated = left
    left -= Math.min(step.lookAfterMs, 700)
  }
  expect(does.filter((each) => each === 'terminate')).toHaveLength(1)
})
