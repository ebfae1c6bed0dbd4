import { expect, test } from 'vitest'
import { valueDiff } from './value-diff.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const diff = (before: string, after: string): unknown => valueDiff(bytes(before), bytes(after))

test('equal values are the same, and what is not known is said', () => {
  expect(diff('a', 'a')).toEqual({ kind: 'same' })
  expect(valueDiff(undefined, bytes('a'))).toEqual({ kind: 'unknown' })
})

test.each([
  ['{"a":1,"b":2}', '{"a":1,"b":3}', [{ pointer: '/b', before: 2, after: 3 }]],
  ['{"a":{"b":[1,2]}}', '{"a":{"b":[1]}}', [{ pointer: '/a/b/1', before: 2 }]],
  ['{}', '{"x/y~z":null}', [{ pointer: '/x~1y~0z', after: null }]],
  ['{"a":[1]}', '{"a":{"0":1}}', [{ pointer: '/a', before: [1], after: { 0: 1 } }]],
  ['[1]', '{"a":1}', [{ pointer: '', before: [1], after: { a: 1 } }]],
  ['{"a":"x"}', '{"a":null}', [{ pointer: '/a', before: 'x', after: null }]],
])('JSON %s becomes %s', (before, after, members) => {
  expect(diff(before, after)).toEqual({ kind: 'json', members })
})

test('JSON as deep as it can be sent does not end the program', () => {
  const deep = (value: string): string => `${'{"a":'.repeat(3_000)}${value}${'}'.repeat(3_000)}`
  expect(diff(deep('1'), deep('2'))).toMatchObject({ kind: 'json', members: [{ before: 1, after: 2 }] })
})

test.each([
  ['a\nb\nc', 'a\nx\nc', ['-2 b', '+2 x']],
  ['a\nb', 'a\nb\nc', ['+3 c']],
  ['a\nb\nc\nd', 'b\nc\nd\ne', ['-1 a', '+4 e']],
  ['1', '2', ['-1 1', '+1 2']],
  ['', 'new', ['-1 ', '+1 new']],
  ['{"a":1}', '{ "a": 1 }', ['-1 {"a":1}', '+1 { "a": 1 }']],
])('text %j becomes %j', (before, after, lines) => {
  const found = diff(before, after) as { kind: string; lines: { sign: string; line: number; text: string }[] }
  expect([found.kind, found.lines.map(({ sign, line, text }) => `${sign}${line} ${text}`)]).toEqual(['text', lines])
})

test('more lines than can be compared are one block', () => {
  const lines = (mark: string): string => Array.from({ length: 3_000 }, (_, i) => `${mark}${i}`).join('\n')
  const found = diff(lines('a'), lines('b')) as { lines: readonly unknown[] }
  expect(found.lines).toHaveLength(6_000)
})

test('bytes that are no text differ from a place on', () => {
  expect(valueDiff(Uint8Array.of(1, 0, 2), Uint8Array.of(1, 0, 3, 4))).toEqual({
    kind: 'bytes',
    before: 3,
    after: 4,
    firstDifference: 2,
  })
})
