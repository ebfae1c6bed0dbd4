import { expect, test } from 'vitest'
import { PasteFilter, withLineEnds } from './paste.ts'

const passed = (...pieces: readonly string[]): string => {
  const filter = new PasteFilter()
  return pieces.map((piece) => filter.feed(piece)).join('')
}

test('what is typed passes unchanged, keys and all', () => {
  expect(passed('get /a\r', '\u001b', '\u001b[A', '\t\u0003')).toBe('get /a\r\u001b\u001b[A\t\u0003')
})

test('what is pasted neither runs nor completes anything', () => {
  expect(passed('\u001b[200~set /a "x\r\ny"\nls\t/\u0003\u001b[201~\r')).toBe('set /a "x⏎y"⏎ls  /\r')
  expect(withLineEnds('set /a "x⏎y"⏎ls')).toBe('set /a "x\ny"\nls')
})

test('markers may come in pieces', () => {
  const whole = 'a\u001b[200~one\ntwo\u001b[201~b'
  for (let at = 3; at < whole.length; at++) {
    // The escape key alone, and with [, is passed on at once; a terminal sends a marker in one piece.
    if (at >= 2 && at <= 3) continue
    expect(passed(whole.slice(0, at), whole.slice(at))).toBe('aone⏎twob')
  }
  expect(passed(...['\u001b[200~x\ny', ...'\u001b[201~'.split(''), '!'])).toBe('x⏎y!')
})
