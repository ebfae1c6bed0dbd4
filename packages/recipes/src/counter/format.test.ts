import { describe, expect, test } from 'vitest'
import { formats } from './format.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (each) => Number.parseInt(each, 16))

describe('numbers are written', () => {
  test.each([
    [258, '00000102'],
    [-1, 'ffffffff'],
    [2 ** 31 - 1, '7fffffff'],
    [-(2 ** 31), '80000000'],
  ])('in 32 bits as SharedCount does: %d', (value, hex) => {
    expect(formats.int32.encode(value)).toEqual(bytes(hex))
    expect(formats.int32.decode(bytes(hex))).toBe(value)
  })

  test.each([
    [65536n, '0000000000010000'],
    [-2n, 'fffffffffffffffe'],
    [2n ** 63n - 1n, '7fffffffffffffff'],
  ])('in 64 bits as DistributedAtomicLong does: %d', (value, hex) => {
    expect(formats.int64.encode(value)).toEqual(bytes(hex))
    expect(formats.int64.decode(bytes(hex))).toBe(value)
  })

  test.each([
    [3, '3'],
    [2.5, '2.5'],
    [-7, '-7'],
  ])('in digits as kazoo does: %d', (value, digits) => {
    expect(formats.decimal.encode(value)).toEqual(new TextEncoder().encode(digits))
    expect(formats.decimal.decode(new TextEncoder().encode(digits))).toBe(value)
  })

  test('or not at all, where they do not fit', () => {
    for (const value of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN])
      expect(() => formats.int32.encode(value)).toThrow(RangeError)
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) expect(() => formats.int64.encode(value)).toThrow(RangeError)
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => formats.decimal.encode(value)).toThrow(RangeError)
    }
  })
})

test('data that is no number of the format is refused', () => {
  for (const hex of ['', '00', '0000000000']) expect(() => formats.int32.decode(bytes(hex))).toThrow(RangeError)
  expect(() => formats.int64.decode(bytes('00000001'))).toThrow(RangeError)
  for (const digits of ['', 'x', '1x', '0x10', '--1', '1 2']) {
    expect(() => formats.decimal.decode(new TextEncoder().encode(digits)), digits).toThrow(RangeError)
  }
})
