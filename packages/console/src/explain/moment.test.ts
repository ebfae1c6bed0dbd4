import { expect, test } from 'vitest'
import { momentOf, momentText } from './moment.ts'

const utc = (text: string): string => `${Date.parse(text)}`

test.each([
  ['', undefined],
  ['0x1a', '0x1a'],
  ['1795978800000', '1795978800000'],
  ['2026-11-28 19:00', utc('2026-11-28T19:00:00Z')],
  ['2026-11-28T19:00:05.5', utc('2026-11-28T19:00:05.500Z')],
  ['2026-11-28', utc('2026-11-28T00:00:00Z')],
  ['2026-11-28T19:00:00Z', utc('2026-11-28T19:00:00Z')],
  ['2026-11-28T19:00:00+01:00', utc('2026-11-28T18:00:00Z')],
  ['2026-11-28 9:00', utc('2026-11-28T09:00:00Z')],
  ['yesterday', 'wrong'],
  ['2026-11-28 25:00', 'wrong'],
  ['0x', 'wrong'],
])('%s', (text, moment) => {
  expect(momentOf(text)).toBe(moment)
})

test.each(['0x1a', '2026-11-28T19:00:00.000Z'])(
  'what a field shows for %s is the same moment when it is read again',
  (text) => {
    expect(momentText(momentOf(text))).toBe(text)
  },
)

test('nothing is nothing, and a number that is no time is shown as it is', () => {
  expect(momentText(undefined)).toBe('')
  expect(momentText('999999999999999')).toMatch(/^9+$|Z$/)
})
