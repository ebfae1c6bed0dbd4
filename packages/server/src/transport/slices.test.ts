import { beforeEach, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { Turn } from '../turn.ts'
import { type Share, Slices } from './slices.ts'

let clock: HandClock
let turn: Turn
let slices: Slices

beforeEach(() => {
  clock = new HandClock()
  turn = new Turn(clock)
  slices = new Slices(turn)
  turn.atEnd(() => slices.beginTurn())
})

const newShare = (): Share => ({ turn: -1, usedMs: 0, usedRequests: 0, endedAt: 0 })
/** One request of `ms`; false where the connection is not served in this turn any more. */
const serve = (share: Share, ms: number): boolean => {
  if (!slices.begin(share)) return false
  expect(slices.goesOn()).toBe(true)
  clock.time += ms
  slices.look()
  expect(slices.goesOn()).toBe(ms < 1)
  slices.end(share)
  return true
}
const nextTurn = (): void => {
  turn.askForEnd()
  clock.oneTurn()
}
/** Turns until the connection is served. */
const turnsUntilServed = (share: Share, most = 100): number => {
  for (let turns = 1; turns <= most; turns++) {
    nextTurn()
    if (serve(share, 0)) return turns
  }
  return Number.POSITIVE_INFINITY
}

test.each([
  [0.5, 1],
  [1, 1],
  [2, 2],
  [7, 7],
  [400, 32],
])('a connection whose request took %d ms is served again after %d turns', (ms, turns) => {
  const share = newShare()
  expect(serve(share, ms)).toBe(true)
  expect(turnsUntilServed(share)).toBe(turns)
})

test('turns in which it asked for nothing pay back what it took', () => {
  const share = newShare()
  serve(share, 20)
  for (let i = 0; i < 20; i++) nextTurn()
  expect(serve(share, 0)).toBe(true)
})

test('where turns are long it waits for no longer than it took', () => {
  const share = newShare()
  serve(share, 20)
  clock.time += 12
  nextTurn()
  expect(serve(share, 0)).toBe(false)
  clock.time += 12
  nextTurn()
  expect(serve(share, 0)).toBe(true)
})

test('others are served in each turn meanwhile', () => {
  const [busy, other] = [newShare(), newShare()]
  serve(busy, 6)
  for (let i = 0; i < 5; i++) {
    nextTurn()
    expect([serve(busy, 6), serve(other, 0.125)]).toEqual([false, true])
  }
  nextTurn()
  expect(serve(busy, 6)).toBe(true)
})

test('all connections take eight milliseconds of a turn, and less where other parts of the server took much of it', () => {
  const served = (): number => {
    let count = 0
    while (serve(newShare(), 1)) count++
    return count
  }
  expect(served()).toBe(8)
  nextTurn()
  turn.use(9)
  expect(served()).toBe(3)
  nextTurn()
  // However much they took: nobody waits for ever.
  turn.use(50)
  expect(served()).toBe(1)
  nextTurn()
  expect(served()).toBe(8)
})
