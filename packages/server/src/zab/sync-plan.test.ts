/** A table of learners, and what each gets. */
import { makeZxid } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { HeldZxids } from './held-zxids.ts'
import { planSync } from './sync-plan.ts'

const z = makeZxid
/** Purged up to (1, 5); then (1, 6) to (1, 9), (2, 1) to (2, 4), (5, 1) to (5, 3). */
const held = new HeldZxids(z(1, 5), [
  { from: z(1, 6), to: z(1, 9) },
  { from: z(2, 1), to: z(2, 4) },
  { from: z(5, 1), to: z(5, 3) },
])
const knows = (epoch: number): boolean => epoch <= 5

test.each([
  ['the same as we have', z(5, 3), { kind: 'diff', after: z(5, 3) }],
  ['a part of it', z(2, 2), { kind: 'diff', after: z(2, 2) }],
  ['what the oldest snapshot has', z(1, 5), { kind: 'diff', after: z(1, 5) }],
  ['more of our last epoch', z(5, 9), { kind: 'trunc', after: z(5, 3) }],
  ['a tail of a later epoch', z(7, 2), { kind: 'trunc', after: z(5, 3) }],
  ['a tail of an epoch that went on without it', z(2, 7), { kind: 'trunc', after: z(2, 4) }],
  ['a tail of an epoch that we have nothing of', z(3, 2), { kind: 'snap' }],
  ['less than our log reaches back to', z(1, 4), { kind: 'snap' }],
  ['nothing', 0n, { kind: 'snap' }],
  ['lost something', -1n, { kind: 'snap' }],
  ['the beginning of an epoch that it saw begin', z(5, 0), { kind: 'diff', after: z(2, 4) }],
  ['the beginning of an epoch that we have nothing of, but were in', z(4, 0), { kind: 'diff', after: z(2, 4) }],
  ['the beginning of an epoch that we were not in', z(6, 0), { kind: 'snap' }],
])('a learner that has %s', (_what, learner, plan) => {
  expect(planSync(learner, held, z(5, 3), knows)).toEqual(plan)
})

test('what is not committed yet is not handed on, and cut where a learner has it', () => {
  expect(planSync(z(5, 3), held, z(5, 2), knows)).toEqual({ kind: 'trunc', after: z(5, 2) })
})

test('an empty server gets everything from a log that has everything, and an image from one that does not (ZOOKEEPER-4352)', () => {
  const whole = new HeldZxids(0n, [{ from: z(1, 1), to: z(1, 9) }])
  expect(planSync(0n, whole, z(1, 9), knows)).toEqual({ kind: 'diff', after: 0n })
  const withoutBeginning = new HeldZxids(0n, [{ from: z(1, 4), to: z(1, 9) }])
  expect(planSync(0n, withoutBeginning, z(1, 9), knows)).toEqual({ kind: 'snap' })
})

test('a log with a hole reaches back to the hole (ZOOKEEPER-2418, 4925)', () => {
  const holed = new HeldZxids(0n, [
    { from: z(1, 1), to: z(1, 3) },
    { from: z(1, 5), to: z(1, 9) },
  ])
  expect(planSync(z(1, 2), holed, z(1, 9), knows)).toEqual({ kind: 'snap' })
  expect(planSync(z(1, 6), holed, z(1, 9), knows)).toEqual({ kind: 'diff', after: z(1, 6) })
})

test('a log that was purged reaches back to what it was purged to', () => {
  const purged = new HeldZxids(0n, [{ from: z(1, 1), to: z(1, 9) }])
  purged.purge(z(1, 4))
  expect(planSync(z(1, 3), purged, z(1, 9), knows)).toEqual({ kind: 'snap' })
  expect(planSync(z(1, 4), purged, z(1, 9), knows)).toEqual({ kind: 'diff', after: z(1, 4) })
  purged.truncate(z(1, 4))
  expect(purged.last).toBe(z(1, 4))
  expect(purged.isNext(z(1, 5))).toBe(true)
  expect(purged.isNext(z(1, 6))).toBe(false)
  expect(purged.isNext(z(2, 1))).toBe(true)
  expect(purged.isNext(z(2, 2))).toBe(false)
})
