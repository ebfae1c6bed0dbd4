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

  test('one whose znode is not there waits for nobody', () => {
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

test.each([
  ['m m m', 1],
  ['r r w r', 2],
  ['w r r', 1],
  ['r l r', 3],
  ['foreign-', 0],
])('of %s the first %i hold the lock', (line, count) => {
  expect(holderCount(lockLine(children(line)))).toBe(count)
})
