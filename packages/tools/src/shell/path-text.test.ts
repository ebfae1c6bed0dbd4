import { expect, test } from 'vitest'
import { resolvePath } from './path-text.ts'

test.each([
  ['/', 'a', '/a'],
  ['/a', 'b/c', '/a/b/c'],
  ['/a', '/b', '/b'],
  ['/a/b', '..', '/a'],
  ['/a/b', '../../..', '/'],
  ['/a', '.', '/a'],
  ['/a', './b/', '/a/b'],
  ['/a', '/b//c', '/b/c'],
  ['/', '/', '/'],
] as const)('at %s, %s is %s', (at, text, path) => {
  expect(resolvePath(at, text)).toBe(path)
})

test('a sequential create may leave the name to its counter', () => {
  expect(resolvePath('/a', 'q/', true)).toBe('/a/q/')
  expect(resolvePath('/a', '/', true)).toBe('/')
})

test('names that no znode can have are refused', () => {
  expect(() => resolvePath('/', '')).toThrow('a path must not be empty')
  expect(() => resolvePath('/', 'a\u0000b')).toThrow('"a\u0000b": character U+0000 at 2 is not allowed')
})
