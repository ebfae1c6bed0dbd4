import { expect, test } from 'vitest'
import { jsonDelete, jsonGet, jsonSet } from './json-text.ts'

const text = `{
  "pool": 10,
  "big": 12345678901234567890.10,
  "hosts": ["a", {"b": [1,2]}],
  "a/b~c": "q\\"{[,",
  "none": []
}
`

test.each([
  ['', text.trim()],
  ['/pool', '10'],
  ['/big', '12345678901234567890.10'],
  ['/hosts/1', '{"b": [1,2]}'],
  ['/hosts/1/b/1', '2'],
  ['/a~1b~0c', '"q\\"{[,"'],
])('the value at %j', (pointer, value) => {
  expect(jsonGet(text, pointer)).toBe(value)
})

test.each([
  ['/pool', '20', text.replace('10,', '20,')],
  ['/hosts/0', '"z"', text.replace('"a",', '"z",')],
  ['/hosts/-', 'null', text.replace('[1,2]}]', '[1,2]}, null]')],
  ['/hosts/1/b/2', '3', text.replace('[1,2]', '[1,2,3]')],
  ['/none/0', '1', text.replace('[]', '[1]')],
  ['/new', '{"x":1}', text.replace('"none": []', '"none": [],\n  "new": {"x":1}')],
  ['', '7', '7\n'],
])('a value set at %j leaves the rest as it was', (pointer, value, after) => {
  expect(jsonSet(text, pointer, value)).toBe(after)
})

test('into an empty object, and into one line', () => {
  expect(jsonSet('{}', '/a', '1')).toBe('{"a":1}')
  expect(jsonSet('{"a":1}', '/b', '2')).toBe('{"a":1,"b":2}')
})

test.each([
  ['/pool', text.replace('  "pool": 10,\n', '')],
  ['/none', text.replace(',\n  "none": []', '')],
  ['/hosts/0', text.replace('"a", ', '')],
  ['/hosts/1', text.replace(', {"b": [1,2]}', '')],
])('a value taken out at %j leaves the rest as it was', (pointer, after) => {
  expect(jsonDelete(text, pointer)).toBe(after)
})

test('every change is JSON again, with the value there', () => {
  for (const pointer of ['/pool', '/hosts', '/hosts/1/b/0', '/fresh', '/hosts/2']) {
    const changed = jsonSet(text, pointer, '{"k":[true]}')
    expect(jsonGet(changed, pointer)).toBe('{"k":[true]}')
    expect(() => JSON.parse(changed) as unknown).not.toThrow()
    expect(() => JSON.parse(jsonDelete(changed, pointer)) as unknown).not.toThrow()
  }
})

test.each([
  [() => jsonGet('{a:1}', '/a'), /^no JSON: /],
  [() => jsonGet(text, 'pool'), /must be empty or begin with \//],
  [() => jsonGet(text, '/a~b'), /~ must be ~0/],
  [() => jsonGet(text, '/hosts/7/b'), /^\/hosts\/7: there is no such value$/],
  [() => jsonSet(text, '/pool/x', '1'), /what would contain it is neither an object nor an array/],
  [() => jsonSet(text, '/hosts/5', '1'), /the array has 2 elements/],
  [() => jsonSet(text, '/pool', 'no json'), /^no JSON: /],
  [() => jsonDelete(text, '/gone'), /there is no such value/],
  [() => jsonDelete(text, ''), /cannot be taken out/],
])('what cannot be done says why', (act, message) => {
  expect(act).toThrow(message)
})
