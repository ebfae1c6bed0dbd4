import { expect, test } from 'vitest'
import { resolvePath } from './path-text.ts'
import { parseOperation } from './transaction-text.ts'

const encoded = (text: string): object =>
  parseOperation(text, (word, sequential) => resolvePath('/app', word, sequential)).encode((path) => path)
const textIn = (operation: object): unknown => {
  const { data } = operation as { readonly data?: Uint8Array }
  return data === undefined ? undefined : new TextDecoder().decode(data)
}

test.each([
  ['create /a "two words"', { path: '/a' }, 'two words'],
  ['create -e -s q- x', { path: '/app/q-', flags: 3 }, 'x'],
  ['create -c box', { path: '/app/box', flags: 4 }, ''],
  ['set config 10', { path: '/app/config', version: -1 }, '10'],
  ["set config 'a b' 3", { path: '/app/config', version: 3 }, 'a b'],
  ['delete config', { path: '/app/config', version: -1 }, undefined],
  ['delete config 0', { path: '/app/config', version: 0 }, undefined],
  ['check /epoch 7', { path: '/epoch', version: 7 }, undefined],
])('%s', (text, operation, data) => {
  const found = encoded(text)
  expect(found).toMatchObject(operation)
  if (data !== undefined && data !== '') expect(textIn(found)).toBe(data)
})

test.each([
  ['get /a', /an operation begins with create, set, delete or check/],
  ['', /an operation begins with/],
  ['set /a', /expected set PATH DATA \[VERSION\]/],
  ['set /a b c', /expected set PATH DATA \[VERSION\]/],
  ['check /a new', /expected check PATH \[VERSION\]/],
  ['create -x /a', /expected create/],
  ['create -c -e /a', /expected create/],
  ['delete', /expected delete PATH/],
])('%j is refused', (text, message) => {
  expect(() => encoded(text)).toThrow(message)
})
