import { expect, test } from 'vitest'
import { type Excess, excessOf, formatUsage, type Limits, parseLimits, parseUsage } from './quota.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const none: Limits = { count: -1, bytes: -1, countHard: -1, bytesHard: -1 }

test.each<[text: string, limits: Limits | undefined]>([
  ['count=5,bytes=-1', { ...none, count: 5 }],
  ['count=5,bytes=10', { ...none, count: 5, bytes: 10 }],
  ['count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3', { ...none, bytesHard: 10, countHard: 3 }],
  ['count=1,bytes=2=;countHardLimit=4;byteHardLimit=3', { count: 1, bytes: 2, countHard: 4, bytesHard: 3 }],
  ['count=,bytes=7', { ...none, bytes: 7 }],
  ['bytes=0', { ...none, bytes: 0 }],
  ['', none],
  ['somethingElse=1,,;;count=2', { ...none, count: 2 }],
  ['count=five', undefined],
  ['count=1e3', undefined],
  ['count=0x10', undefined],
])('limits %s', (text, limits) => {
  expect(parseLimits(bytes(text))).toEqual(limits)
})

test('a limits znode without data limits nothing', () => {
  expect(parseLimits(null)).toEqual(none)
})

test('usage is read as it was written', () => {
  expect(parseUsage(formatUsage({ count: 12, bytes: 3_456 }))).toEqual({ count: 12, bytes: 3_456 })
})

test('usage that a client overwrote with anything else counts from 0', () => {
  for (const text of ['', 'garbage', 'count=,bytes=', `count=${'9'.repeat(500)},bytes=1`]) {
    expect(parseUsage(bytes(text))).toEqual({ count: 0, bytes: 0 })
  }
})

const used = { count: 3, bytes: 30 }

test.each<[what: string, limits: Partial<Limits>, count: number, bytes: number, excess: Excess | undefined]>([
  ['no limit', {}, 1, 1_000, undefined],
  ['a soft count that is reached', { count: 4 }, 1, 0, undefined],
  ['a soft count', { count: 3 }, 1, 0, { of: 'count', value: 4, limit: 3, isHard: false }],
  ['a hard count', { countHard: 3 }, 1, 0, { of: 'count', value: 4, limit: 3, isHard: true }],
  ['a hard count above a soft one', { count: 1, countHard: 9 }, 1, 0, undefined],
  [
    'a soft count and hard bytes',
    { count: 3, bytesHard: 30 },
    1,
    1,
    { of: 'bytes', value: 31, limit: 30, isHard: true },
  ],
  ['soft bytes', { bytes: 35 }, 0, 6, { of: 'bytes', value: 36, limit: 35, isHard: false }],
  ['no change of the number', { countHard: 1 }, 0, 1, undefined],
  ['no change of the bytes', { bytesHard: 1 }, 1, 0, undefined],
  ['less, and still too much', { bytesHard: 10 }, 0, -5, { of: 'bytes', value: 25, limit: 10, isHard: true }],
  ['a limit of 0 bytes', { bytesHard: 0 }, 0, 1, { of: 'bytes', value: 31, limit: 0, isHard: true }],
])('%s', (_what, limits, count, by, excess) => {
  expect(excessOf({ ...none, ...limits }, used, count, by)).toEqual(excess)
})
