import { expect, test } from 'vitest'
import { JavaDouble, jsonText } from './json.ts'

test('objects stand in lines, lists in one, as Jackson prints them', () => {
  const value = { a: 1, list: [{ b: true }, 'x'], none: [], empty: {}, missing: null }
  expect(jsonText(value)).toBe(
    '{\n  "a" : 1,\n  "list" : [ {\n    "b" : true\n  }, "x" ],\n  "none" : [ ],\n  "empty" : { },\n  "missing" : null\n}'.replace(
      '    "b" : true\n  }',
      '    "b" : true\n  }',
    ),
  )
})

test('numbers of 64 bits keep all their digits, and keys of maps are texts', () => {
  expect(jsonText(new Map([['-9223372036854775808', [0x100_0000_0000_0001n]]]))).toBe(
    '{\n  "-9223372036854775808" : [ 72057594037927937 ]\n}',
  )
})

test.each([
  [0, '0.0'],
  [4.25, '4.25'],
  [1 / 3, '0.3333'],
  [12, '12.0'],
])('a double of Java has a fraction: %d is %s', (value, text) => {
  expect(new JavaDouble(value).toString()).toBe(text)
  expect(jsonText(new JavaDouble(value))).toBe(text)
})

test('what a client named is text, whatever it holds', () => {
  const path = '/a"b\\c\u0000\n</script>'
  expect(JSON.parse(jsonText({ [path]: path }))).toEqual({ [path]: path })
})
