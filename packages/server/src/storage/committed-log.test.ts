/** The cache of committed transactions has no gap, and is bounded in transactions and bytes. */
import { makeZxid } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { CommittedLog } from './committed-log.ts'

const payload = (bytes = 10): Uint8Array => new Uint8Array(bytes)
const zxids = (log: CommittedLog, behind: bigint): bigint[] | undefined => log.behind(behind)?.map(({ zxid }) => zxid)

function filled(count: number, limits = {}): CommittedLog {
  const log = new CommittedLog(100n, limits)
  for (let i = 1; i <= count; i++) log.add(100n + BigInt(i), payload())
  return log
}

test('holds the last 500 by default', () => {
  const log = filled(501)
  expect([log.length, log.first, log.last, log.bytes]).toEqual([500, 102n, 601n, 5000])
})

test('gives what stands behind a transaction that it has, and behind the last one', () => {
  const log = filled(5)
  expect(zxids(log, 101n)).toEqual([102n, 103n, 104n, 105n])
  expect(zxids(log, 104n)).toEqual([105n])
  expect(zxids(log, 105n)).toEqual([])
  expect(zxids(log, 100n)).toBeUndefined()
  expect(zxids(log, 106n)).toBeUndefined()
  expect(zxids(new CommittedLog(9n), 9n)).toEqual([])
  expect(new CommittedLog(9n).first).toBeUndefined()
})

test('goes on over an epoch, and does not know numbers in between', () => {
  const log = filled(2)
  log.add(makeZxid(1, 1), payload())
  log.add(makeZxid(1, 2), payload())
  log.add(makeZxid(4, 1), payload())
  expect(zxids(log, 102n)).toEqual([makeZxid(1, 1), makeZxid(1, 2), makeZxid(4, 1)])
  expect(zxids(log, 103n)).toBeUndefined()
  expect(zxids(log, makeZxid(1, 3))).toBeUndefined()
})

test.each([[105n], [107n], [104n], [makeZxid(1, 2)], [0n]])(
  'refuses %s behind 105, which would leave a gap',
  (zxid) => {
    const log = filled(5)
    expect(() => log.add(zxid, payload())).toThrow('a transaction is committed right behind the one before it')
    expect(log.last).toBe(105n)
  },
)

test('keeps no more bytes than it may, however large one transaction is', () => {
  const log = filled(10, { bytes: 45 })
  expect([log.length, log.bytes, log.first]).toEqual([4, 40, 107n])
  log.add(111n, payload(46))
  expect([log.length, log.bytes, log.last]).toEqual([0, 0, 111n])
  log.add(112n, payload(45))
  expect([log.length, log.bytes, log.first]).toEqual([1, 45, 112n])
  expect(zxids(log, 111n)).toBeUndefined()
})

test('is empty after another history took the place of this one', () => {
  const log = filled(10)
  log.restart(50n)
  expect([log.length, log.bytes, log.first, log.last]).toEqual([0, 0, undefined, 50n])
  log.add(51n, payload())
  expect(zxids(log, 50n)).toBeUndefined()
})
