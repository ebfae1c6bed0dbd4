/** A link is read no faster than its messages may come, and none of them is lost or comes out of turn. */
import type { Link } from '@lightkeeper/runtime'
import { beforeEach, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { Pace } from './pace.ts'

const clock = new HandClock()
let taken: number[]
let waiting: number[]
let isPaused: boolean
let pace: Pace

/** Each byte of a chunk is a message. */
beforeEach(() => {
  taken = []
  waiting = []
  isPaused = false
  const link = {
    pause: () => void (isPaused = true),
    resume: () => void (isPaused = false),
  } as unknown as Link
  pace = new Pace(link, clock, { messages: 3, everyMs: 100 }, (chunk) => {
    if (chunk !== undefined) waiting = [...chunk]
    while (waiting.length > 0 && pace.goesOn()) taken.push(waiting.shift() as number)
  })
})

const send = (...bytes: readonly number[]): void => pace.received(Uint8Array.from(bytes))

test('what comes too fast waits, also what was on its way when the link was paused', () => {
  send(1, 2, 3, 4, 5)
  expect(taken).toEqual([1, 2, 3])
  expect(isPaused).toBe(true)
  send(6, 7)
  clock.advance(100)
  expect(taken).toEqual([1, 2, 3, 4, 5, 6])
  expect(isPaused).toBe(true)
  clock.advance(100)
  expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(isPaused).toBe(false)
})

test('what comes slowly does not', () => {
  for (let i = 0; i < 20; i++) {
    send(i)
    clock.advance(50)
    expect(isPaused).toBe(false)
  }
  expect(taken).toHaveLength(20)
})

test('a link that is over takes nothing any more', () => {
  send(1, 2, 3, 4)
  pace.stop()
  clock.advance(1_000)
  expect(taken).toEqual([1, 2, 3])
})
