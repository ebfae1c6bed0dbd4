import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextMap, TextSet } from './text-map.ts'

const long = (index: number): string => `${'p'.repeat(20_000)}${String(index).padStart(5, '0')}`
const key = fc.oneof(
  fc.constantFrom('a', '', '\u0000', '\u00001:2.0', `\u0000${'x'.repeat(9000)}`),
  fc.nat(5).map(long),
  fc.nat(5).map((index) => `${long(index)}\ud800`),
)

describe('a map of texts', () => {
  test('does what a Map does, with any keys', () => {
    const step = fc.tuple(fc.constantFrom('set', 'delete', 'get', 'clear'), key, fc.nat())
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ours = new TextMap<number>()
        const theirs = new Map<string, number>()
        for (const [operation, text, value] of steps) {
          if (operation === 'set') expect(ours.set(text, value)).toBe(ours)
          else if (operation === 'delete') expect(ours.delete(text)).toBe(theirs.delete(text))
          else if (operation === 'clear' && value % 10 === 0) ours.clear()
          else expect(ours.get(text)).toBe(theirs.get(text))
          if (operation === 'set') theirs.set(text, value)
          if (operation === 'clear' && value % 10 === 0) theirs.clear()
          expect(ours.has(text)).toBe(theirs.has(text))
          expect(ours.size).toBe(theirs.size)
        }
        expect([...ours]).toEqual([...theirs])
        expect([...ours.keys()]).toEqual([...theirs.keys()])
        const each: [string, number][] = []
        ours.forEach((value, text) => void each.push([text, value]))
        expect(each).toEqual([...theirs])
      }),
      { numRuns: 300 },
    )
  })

  test('lets what is added while it is walked along be met, as a Map does', () => {
    const map = new TextMap([])
    map.set(long(0), 0).set('a', 1)
    const keys = map.keys()
    expect(keys.next().value).toBe(long(0))
    map.set(long(1), 2)
    expect([...keys]).toEqual(['a', long(1)])
  })

  test('finds long keys of one length with the same number of looks, however many there are', () => {
    const set = new TextSet()
    for (let i = 0; i < 3000; i++) set.add(long(i))
    expect(set.size).toBe(3000)
    for (let i = 0; i < 3000; i++) expect(set.has(long(i))).toBe(true)
    expect(set.has(long(3000))).toBe(false)
    expect([...set][2999]).toBe(long(2999))
    for (let i = 0; i < 3000; i++) expect(set.delete(long(i))).toBe(true)
    expect(set.size).toBe(0)
  })
})
