import { describe, expect, test } from 'vitest'
import { holderCount, lockLine, lockStanding, type Side } from './decide.ts'

const children = (line: string): string[] =>
  line.split(' ').map((each, i) => {
    const marker = { m: 'lock-', k: '__lock__', w: '__WRIT__', r: '__READ__', l: '__rlock__' }[each] ?? each
    return `x-${marker}${String(i).padStart(10, '0')}`
  })

/** A line of mutexes (m, k of kazoo), writers (w) and readers (r, l of kazoo); the last one asks. */
const cases: [string, Side, number | 'first'][] = [
  ['m', 'write', 'first'],
  ['m m', 'write', 0],
  ['m m m', 'write', 1],
  ['k m', 'write', 0],
  ['m k', 'write', 0],
  ['foreign- m', 'write', 'first'],
  ['r w', 'write', 0],
  ['l m', 'write', 0],
  ['w r w', 'write', 1],
  ['r r', 'read', 'first'],
  ['r l r', 'read', 'first'],
  ['w r', 'read', 0],
  ['w w r', 'read', 1],
  ['w r r r', 'read', 0],
  ['r w r r', 'read', 1],
  ['k l', 'read', 0],
  ['m r', 'read', 0],
]

describe('who waits for whom', () => {
  test.each(cases)('%s: the last one, to %s, waits for %s', (line, side, expected) => {
    const names = children(line)
    const own = names.at(-1) as string
    const standing = expected === 'first' ? { kind: 'first' } : { kind: 'behind', name: names[expected] }
    expect(lockStanding([...names].reverse(), own, side)).toEqual(standing)
  })

  test('a contender without a znode waits for no other', () => {
    expect(lockStanding(children('m m'), 'x-lock-0000000009', 'write')).toEqual({ kind: 'gone' })
  })

  test('a writer that has become a reader of the same number lets readers in, and no writer', () => {
    const downgraded = 'x-__READ__0000000004'
    expect(lockStanding([downgraded, 'y-__READ__0000000005'], 'y-__READ__0000000005', 'read').kind).toBe('first')
    expect(lockStanding([downgraded, 'y-__WRIT__0000000005'], 'y-__WRIT__0000000005', 'write')).toEqual({
      kind: 'behind',
      name: downgraded,
    })
  })
})

test('the names of Curator, go-zk and kazoo stand in one line', () => {
  const names = [
    '_c_348f73d5-2d92-4ea9-9822-c60d16084c1a-lock-0000000001',
    '_c_0123456789abcdef0123456789abcdef-lock-0000000002',
    '0123456789abcdef0123456789abcdef__lock__0000000003',
    '_c_348f73d5-2d92-4ea9-9822-c60d16084c1b-__READ__0000000004',
    '0123456789abcdef0123456789abcdef__rlock__0000000005',
    '_c_348f73d5-2d92-4ea9-9822-c60d16084c1c-__WRIT__0000000006',
  ]
  const foreign = [
    '_c_348f73d5-2d92-4ea9-9822-c60d16084c1a-latch-0000000000',
    'qn-0000000000',
    'config',
    'x-99-0000000000',
  ]
  expect(lockLine([...foreign, ...names].reverse()).map(({ name }) => name)).toEqual(names)
})

test.each([
  ['m m m', 1],
  ['r r w r', 2],
  ['w r r', 1],
  ['r l r', 3],
  ['foreign-', 0],
])('of %s the first %i hold the lock', (line, count) => {
  expect(holderCount(lockLine(children(line)))).toBe(count)
})
