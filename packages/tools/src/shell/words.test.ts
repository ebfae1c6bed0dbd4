import { expect, test } from 'vitest'
import { commandsOf, isOpen, quoted, wordsOf } from './words.ts'

const texts = (line: string): string[] => wordsOf(line).map(({ text }) => text)

test.each([
  ['get /a', ['get', '/a']],
  ['  get\t-s   /a  ', ['get', '-s', '/a']],
  ['', []],
  ['create /a "two words"', ['create', '/a', 'two words']],
  ['create /a \'it "is" so\'', ['create', '/a', 'it "is" so']],
  ['set /a {"pool":10}', ['set', '/a', '{"pool":10}']],
  ['set /a "a\\nb\\t\\"c\\" \\\\ \\d"', ['set', '/a', 'a\nb\t"c" \\ \\d']],
  ["set /a 'a\\nb'", ['set', '/a', 'a\\nb']],
  ['set /a ""', ['set', '/a', '']],
  ['"a"b', ['a', 'b']],
])('the words of %j', (line, words) => {
  expect(texts(line)).toEqual(words)
})

test('a word knows where it stands', () => {
  expect(wordsOf('ls "a b" c')).toEqual([
    { text: 'ls', start: 0, end: 2, quote: undefined },
    { text: 'a b', start: 3, end: 8, quote: '"' },
    { text: 'c', start: 9, end: 10, quote: undefined },
  ])
})

test('a quote that does not end is refused with its place', () => {
  expect(() => wordsOf('set /a "b')).toThrow('the quote at character 8 does not end')
  expect(isOpen("set /a 'b")).toBe(true)
  expect(isOpen('set /a b"')).toBe(false)
})

test.each([
  '',
  'a',
  'a b',
  "it's",
  'say "so"',
  'two\nlines',
  "it's\ttab",
  '#hash',
  "'",
  '"',
  'back\\slash and "quote"\n\'',
  'ü ',
])('quoted %j reads as itself', (text) => {
  expect(texts(`x ${quoted(text)} y`)).toEqual(['x', text, 'y'])
})

test('a script is a command a line, without comments and empty lines; quotes join lines', () => {
  expect(commandsOf('ls /\n\n# no\n  get /a  \r\nset /a "one\n# two"\nls')).toEqual([
    'ls /',
    'get /a',
    'set /a "one\n# two"',
    'ls',
  ])
  expect(commandsOf('ls\nset /a "open\nrest')).toEqual(['ls', 'set /a "open\nrest'])
})
