/** The cache of the last transactions has no gap, and is bounded in transactions and bytes. */
import { makeZxid } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { RecentTxns } from './recent-txns.ts'

const payload = (bytes = 10): Uint8Array => new Uint8Array(bytes)
const zxids = (recent: RecentTxns, after: bigint, upTo = recent.last): bigint[] | undefined =>
  recent.between(after, upTo)?.map(({ zxid }) => zxid)

function filled(count: number, limits = {}, durable = 1n << 60n): RecentTxns {
  const recent = new RecentTxns(100n, limits)
  for (let i = 1; i <= count; i++) recent.add(100n + BigInt(i), payload(), durable)
  return recent
}

test('holds the last 500 by default', () => {
  const recent = filled(501)
  expect([recent.length, recent.first, recent.last, recent.bytes]).toEqual([500, 102n, 601n, 5000])
})

test('gives what stands between two transactions that it knows', () => {
  const recent = filled(5)
  expect(zxids(recent, 101n)).toEqual([102n, 103n, 104n, 105n])
  expect(zxids(recent, 101n, 103n)).toEqual([102n, 103n])
  expect(zxids(recent, 104n)).toEqual([105n])
  expect(zxids(recent, 105n)).toEqual([])
  expect(zxids(recent, 100n)).toEqual([101n, 102n, 103n, 104n, 105n])
  expect(zxids(recent, 99n)).toBeUndefined()
  expect(zxids(recent, 101n, 106n)).toBeUndefined()
  expect(zxids(new RecentTxns(9n), 9n)).toEqual([])
  expect(new RecentTxns(9n).first).toBeUndefined()
})

test('goes on over an epoch, and does not know numbers in between', () => {
  const recent = filled(2)
  recent.add(makeZxid(1, 1), payload(), 0n)
  recent.add(makeZxid(1, 2), payload(), 0n)
  recent.add(makeZxid(4, 1), payload(), 0n)
  expect(zxids(recent, 102n)).toEqual([makeZxid(1, 1), makeZxid(1, 2), makeZxid(4, 1)])
  expect(zxids(recent, 103n)).toBeUndefined()
  expect(zxids(recent, makeZxid(1, 3))).toBeUndefined()
})

test.each([[105n], [107n], [104n], [makeZxid(1, 2)], [0n]])(
  'refuses %s behind 105, which would leave a gap',
  (zxid) => {
    const recent = filled(5)
    expect(() => recent.add(zxid, payload(), 0n)).toThrow('a transaction is appended right behind the one before it')
    expect(recent.last).toBe(105n)
  },
)

test('keeps no more bytes than it may, however large one transaction is', () => {
  const recent = filled(10, { bytes: 45 })
  expect([recent.length, recent.bytes, recent.first]).toEqual([4, 40, 107n])
  recent.add(111n, payload(46), 111n)
  expect([recent.length, recent.bytes, recent.last]).toEqual([0, 0, 111n])
  recent.add(112n, payload(45), 112n)
  expect([recent.length, recent.bytes, recent.first]).toEqual([1, 45, 112n])
  expect(zxids(recent, 111n)).toEqual([112n])
  expect(zxids(recent, 110n)).toBeUndefined()
})

test('keeps what the disk does not have yet, however much that is', () => {
  const recent = filled(10, { txns: 3 }, 104n)
  expect([recent.length, recent.first]).toEqual([6, 105n])
  recent.add(111n, payload(), 110n)
  expect([recent.length, recent.first]).toEqual([3, 109n])
})

test('is empty after another history took the place of this one', () => {
  const recent = filled(10)
  recent.restart(50n)
  expect([recent.length, recent.bytes, recent.first, recent.last]).toEqual([0, 0, undefined, 50n])
  recent.add(51n, payload(), 51n)
  expect(zxids(recent, 50n)).toEqual([51n])
  expect(zxids(recent, 49n)).toBeUndefined()
})
