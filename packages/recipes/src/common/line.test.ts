import { expect, test } from 'vitest'
import { placeInLine } from './line.ts'

const waiting = (id: string, sequence: string): string =>
  `_c_${id.repeat(8)}-0000-4000-8000-000000000000-waiting-${sequence}`

test('the line stands in the order of its numbers, whatever the marks in front of them', () => {
  const line = [
    waiting('f', '0000000001'),
    waiting('a', '0000000003'),
    waiting('0', '0000000002'),
    'foreign',
    'x-waiting-1',
  ]
  expect(placeInLine(line, waiting('f', '0000000001'))).toBe('first')
  expect(placeInLine(line, waiting('0', '0000000002'))).toEqual({ behind: waiting('f', '0000000001') })
  expect(placeInLine(line, waiting('a', '0000000003'))).toEqual({ behind: waiting('0', '0000000002') })
  expect(placeInLine(line, waiting('b', '0000000009'))).toBeUndefined()
})

test('a number that wrapped around stands in front', () => {
  const line = [waiting('a', '2147483647'), waiting('b', '-2147483648')]
  expect(placeInLine(line, waiting('b', '-2147483648'))).toBe('first')
})
