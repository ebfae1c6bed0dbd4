import { describe, expect, test } from 'vitest'
import { lineOf, standingIn } from './line.ts'

const names = (children: string[], ...markers: string[]): string[] => lineOf(children, markers).map(({ name }) => name)

describe('a line', () => {
  test('is in the order of the numbers after the last marker, whatever comes before', () => {
    const children = ['_c_ff-lock-0000000010', '_c_00-lock-0000000009', 'zz-lock-5-lock-0000000002']
    expect(names(children, 'lock-')).toEqual([children[2], children[1], children[0]])
  })

  test('leaves out what others put there', () => {
    const foreign = ['lock-', 'lock-12', 'lock-00000000001', 'lock-0000000001x', 'latch-0000000001', 'lock-9999999999']
    expect(names([...foreign, 'lock-0000000003'], 'lock-')).toEqual(['lock-0000000003'])
  })

  test('goes on where the counter of the parent wraps', () => {
    const children = ['lock--2147483648', 'lock-2147483647', 'lock--2147483647', 'lock-2147483646']
    expect(names(children, 'lock-')).toEqual([children[3], children[1], children[0], children[2]])
    expect(names(['lock--000000002', 'lock-0000000000'], 'lock-')).toEqual(['lock--000000002', 'lock-0000000000'])
  })

  test('holds contenders of several libraries, who share one counter', () => {
    const children = ['aa__lock__0000000002', '_c_bb-lock-0000000001', 'cc__lock__-000000007']
    expect(lineOf(children, ['lock-', '__lock__']).map(({ marker, sequence }) => [marker, sequence])).toEqual([
      ['__lock__', -7],
      ['lock-', 1],
      ['__lock__', 2],
    ])
  })
})

describe('a place in it', () => {
  const line = lineOf(['a-1-0000000001', 'b-0000000002', 'a-2-0000000003', 'b-0000000004'], ['1-', 'b-', '2-'])

  test.each([
    ['a-1-0000000001', { kind: 'first' }],
    ['b-0000000002', { kind: 'behind', name: 'a-1-0000000001' }],
    ['b-0000000004', { kind: 'behind', name: 'a-2-0000000003' }],
    ['b-0000000005', { kind: 'gone' }],
  ])('%s: %o', (own, expected) => {
    expect(standingIn(line, own)).toEqual(expected)
  })

  test('is behind the nearest of those that keep it out', () => {
    expect(standingIn(line, 'b-0000000004', ({ marker }) => marker === '1-').kind).toBe('behind')
    expect(standingIn(line, 'b-0000000004', ({ marker }) => marker === '1-')).toEqual({
      kind: 'behind',
      name: 'a-1-0000000001',
    })
    expect(standingIn(line, 'b-0000000004', () => false)).toEqual({ kind: 'first' })
  })
})
