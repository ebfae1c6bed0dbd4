import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress } from './address.ts'
import { assert } from './assert.ts'
import { Deque } from './deque.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { formatLine } from './log.ts'

describe('a deque', () => {
  test('gives items back in order, however it grew and wrapped', () => {
    const deque = new Deque<number>()
    const out: (number | undefined)[] = []
    let next = 0
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 7; i++) deque.push(next++)
      for (let i = 0; i < 5; i++) out.push(deque.shift())
    }
    expect([deque.length, deque.peek(), deque.at(1), [...deque].at(-1)]).toEqual([100, 250, 251, 349])
    while (deque.length > 0) out.push(deque.shift())
    expect(out).toEqual(Array.from({ length: 350 }, (_, i) => i))
    expect([deque.shift(), deque.peek(), deque.at(0)]).toEqual([undefined, undefined, undefined])
  })
})

describe('an expiry queue', () => {
  test('expires a key between timeout and timeout plus a tick after its last touch', () => {
    for (let start = 0; start < 1000; start += 37) {
      const queue = new ExpiryQueue<string>(500, 0)
      queue.expire(start)
      queue.touch('a', start, 1200)
      expect(queue.expire(start + 1199)).toEqual([])
      expect(queue.expire(start + 1700)).toEqual(['a'])
    }
  })
  test('counts from the last touch, and forgets what is removed', () => {
    const queue = new ExpiryQueue<string>(100, 0)
    queue.touch('a', 0, 300)
    queue.touch('b', 0, 300)
    queue.touch('a', 250, 300)
    queue.remove('b')
    expect([queue.expire(500), queue.size]).toEqual([[], 1])
    expect(queue.expire(700)).toEqual(['a'])
    expect(queue.size).toBe(0)
  })
  test('returns all keys of a bucket together, earlier buckets first', () => {
    const queue = new ExpiryQueue<string>(100, 0)
    queue.touch('late', 0, 500)
    queue.touch('early', 0, 120)
    queue.touch('early too', 0, 180)
    expect(queue.expire(10_000)).toEqual(['early', 'early too', 'late'])
    expect(queue.nextExpiryAt).toBeGreaterThan(10_000)
  })
})

describe('addresses', () => {
  test.each([
    ['a:1', 'a', 1],
    ['a', 'a', 2181],
    ['a:', 'a', 2181],
    ['[::1]:5', '::1', 5],
    ['[::1]', '::1', 2181],
  ])('%s', (text, host, port) => {
    expect(parseAddress(text, 2181)).toEqual({ host, port })
  })
  test.each(['', ':5', '[::1', '[::1]x', 'a:70000'])('%j is refused', (text) => {
    expect(() => parseAddress(text, 2181)).toThrow(TypeError)
  })
  test('are put together again', () => {
    expect([formatAddress('a', 1), formatAddress('::1', 2)]).toEqual(['a:1', '[::1]:2'])
  })
})

test('a log line shows ids in hex, quotes what has spaces, and leaves out what is not known', () => {
  expect(formatLine('hello', { session: 255n, why: 'two words', count: 3, missing: undefined })).toBe(
    'hello session=0xff why="two words" count=3',
  )
})

test('an assertion that fails says what should have held', () => {
  expect(() => assert(false, 'water is wet')).toThrow('water is wet')
})
