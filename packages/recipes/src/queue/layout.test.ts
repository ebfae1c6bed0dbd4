import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeItems, encodeItems } from './frame.ts'
import { inOrder, layouts, nextItem } from './layout.ts'

const hex = (data: Uint8Array): string => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('')

describe('the frame of an item', () => {
  test('is what Curator writes', () => {
    expect(hex(encodeItems([new TextEncoder().encode('hello')]))).toBe('00010001010000000568656c6c6f02')
  })

  test('holds any number of items', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (items) => {
        expect(decodeItems(encodeItems(items)).map(hex)).toEqual(items.map(hex))
      }),
    )
  })

  test('is refused where it is cut off, and where it is something else', () => {
    const whole = encodeItems([new Uint8Array([1, 2, 3]), new Uint8Array([4])])
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeItems(whole.subarray(0, length)), `${length} bytes`).toThrow(RangeError)
    }
    expect(() => decodeItems(new TextEncoder().encode('raw data of a queue'))).toThrow(RangeError)
    const damaged = whole.slice()
    damaged[4] = 9
    expect(() => decodeItems(damaged)).toThrow(RangeError)
  })
})

const name = (stem: string, sequence: number): string => `${stem}${String(sequence).padStart(10, '0')}`

describe('items stand in the order', () => {
  test.each([
    [5, 'queue-100000005'],
    [0, 'queue-100000000'],
    [-5, 'queue-0FFFFFFFB'],
  ])('of their priorities, named as Curator does: %d', (priority, stem) => {
    expect(layouts.priority.name(priority)).toBe(stem)
    expect(layouts.priority.place(name(stem, 7))).toEqual({ name: name(stem, 7), rank: priority, sequence: 7 })
  })

  test('of the time they are due, named as Curator does', () => {
    expect(layouts.delay.name(0x18bcfe56800)).toBe('queue-|18BCFE56800|')
    expect(layouts.delay.place('queue-|18BCFE56800|0000000003')).toMatchObject({ rank: 0x18bcfe56800, sequence: 3 })
    expect(layouts.delay.name(1)).toBe('queue-|00000001|')
  })

  test('of their priorities, named as kazoo does', () => {
    expect(layouts.kazooLocking.name(7)).toBe('entry-007-')
    expect(layouts.kazooQueue.place('entry-100-0000000002')).toMatchObject({ rank: 100, sequence: 2 })
  })

  test.each(Object.entries(layouts))('of numbers, also where the counter wraps around: %s', (_, layout) => {
    const stem = layout.name(layout.defaultRank)
    const wrapping = ['2147483646', '2147483647', '-2147483648', '-2147483647'].map((digits) => stem + digits)
    expect(inOrder(layout, wrapping.toReversed()).map((each) => each.name)).toEqual(wrapping)
    const rising = ['-1000000000', '-999999999', '-000000001', '0000000000', '0000000010'].map(
      (digits) => stem + digits,
    )
    expect(inOrder(layout, rising.toReversed()).map((each) => each.name)).toEqual(rising)
    expect(
      inOrder(
        layout,
        ['9999999999', '-9999999999', '-00000001', ''].map((digits) => stem + digits),
      ),
    ).toEqual([])
  })

  test('and what is no item is left alone', () => {
    const foreign = ['queue-', 'queue-12', 'entry-100-0000000000', 'lock', 'queue-|x|0000000000', '_c_a-mark']
    expect(inOrder(layouts.plain, foreign)).toEqual([])
    expect(inOrder(layouts.delay, foreign)).toEqual([])
    expect(inOrder(layouts.kazooLocking, ['queue-0000000000', 'entry-1000-0000000000'])).toEqual([])
  })

  test('whatever it is, every priority is found again', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.nat(), (priority, sequence) => {
        expect(layouts.priority.place(name(layouts.priority.name(priority), sequence))).toMatchObject({
          rank: priority,
          sequence,
        })
      }),
    )
  })
})

describe('the next item', () => {
  const places = inOrder(layouts.delay, ['queue-|00000064|0000000000', 'queue-|000000C8|0000000001'])

  test.each([
    ['is the first that is due', 150, [], { kind: 'take', place: places[0] }],
    ['is not taken before it is due', 99, [], { kind: 'wait', at: 100 }],
    ['is another where the first is claimed', 200, ['queue-|00000064|0000000000'], { kind: 'take', place: places[1] }],
    ['is waited for where the first is claimed', 150, ['queue-|00000064|0000000000'], { kind: 'wait', at: 200 }],
  ] as const)('%s', (_, now, claimed: readonly string[], expected) => {
    expect(nextItem(layouts.delay, places, (each) => claimed.includes(each), now)).toEqual(expected)
  })

  test('is waited for without end where there is none', () => {
    expect(nextItem(layouts.plain, [], () => false, 0)).toEqual({ kind: 'wait', at: Number.POSITIVE_INFINITY })
  })
})
