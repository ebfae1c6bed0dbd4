import type { Log } from '@lightkeeper/runtime'
import { beforeEach, expect, test } from 'vitest'
import { HeapGuard } from './heap-guard.ts'

const mebibyte = 1024 * 1024
let live = 0
let garbage = 0
let now = 0
let collections = 0
const lines: string[] = []
const log: Log = (level, message) => void lines.push(`${level} ${message.slice(0, 25)}`)
const memory = {
  heap: () => ({ used: live + garbage, limit: 100 }),
  collect() {
    collections++
    garbage = 0
  },
}
const clock = { now: () => now, wall: () => 0, after: () => ({ cancel() {} }), turnEnd() {} }
let guard = new HeapGuard({ memory, clock, log })

beforeEach(() => {
  live = garbage = now = collections = 0
  lines.length = 0
  guard = new HeapGuard({ memory, clock, log })
})

test('takes every write while there is room, and does not collect for that', () => {
  live = 84
  for (let i = 0; i < 100; i++) expect(guard.admits(mebibyte)).toBe(true)
  expect([collections, lines]).toEqual([0, []])
})

test('refuses none for garbage', () => {
  live = 60
  for (let i = 0; i < 10; i++) {
    garbage = 34
    now += 500
    expect(guard.admits(mebibyte)).toBe(true)
  }
  // Not at each look: the heap stands still meanwhile.
  expect(collections).toBe(3)
})

test('refuses, with one line, from where what is in use leaves little room', () => {
  live = 86
  for (let i = 0; i < 10; i++) expect(guard.admits(mebibyte)).toBe(false)
  expect(lines).toEqual(['error THE HEAP IS NEARLY FULL: '])
  expect(collections).toBe(1)
})

test('refuses at once where the heap is full and was just collected', () => {
  live = 60
  garbage = 30
  expect(guard.admits(mebibyte)).toBe(true)
  garbage = 37
  expect(guard.admits(mebibyte)).toBe(false)
  now = 1000
  expect(guard.admits(1)).toBe(true)
})

test('looks again after many small writes, not at each', () => {
  live = 90
  let taken = 0
  while (guard.admits(10)) taken++
  expect(taken).toBeGreaterThan(100)
  expect(taken).toBeLessThan(1000)
})

test('takes writes again, with one line, once there is room, and looks for it at most once a second', () => {
  live = 90
  expect(guard.admits(mebibyte)).toBe(false)
  live = 50
  garbage = 45
  expect(guard.admits(1)).toBe(false)
  now = 1000
  expect(guard.admits(1)).toBe(true)
  expect(lines).toEqual(['error THE HEAP IS NEARLY FULL: ', 'info there is room in the heap'])
  live = 90
  garbage = 0
  now = 4000
  expect(guard.admits(mebibyte)).toBe(false)
  live = 78
  now = 6000
  expect(guard.admits(mebibyte)).toBe(false)
  expect(lines).toHaveLength(3)
})
