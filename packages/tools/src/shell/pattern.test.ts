import { expect, test } from 'vitest'
import { globPattern, parseDuration, textPattern } from './pattern.ts'

test.each([
  ['lock-*', ['lock-', 'lock-0001'], ['xlock-1', 'lock-a/b']],
  ['/a/**/c', ['/a/b/c', '/a/x/y/c'], ['/a/c', '/a/b/c/d']],
  ['n?de', ['node'], ['nde', 'n/de', 'noode']],
  ['[a-c][!0-9]', ['ax', 'c-'], ['dx', 'a1']],
  ['{get,set}-{1,22}', ['get-1', 'set-22'], ['get', 'put-1']],
  ['a.b+(c)', ['a.b+(c)'], ['aXb+(c)']],
  ['}', ['}'], ['']],
])('%s', (glob, matching, others) => {
  const pattern = globPattern(glob)
  expect(matching.filter((each) => !pattern.test(each))).toEqual([])
  expect(others.filter((each) => pattern.test(each))).toEqual([])
})

test('what does not end is refused', () => {
  expect(() => globPattern('[ab')).toThrow('"[ab": the [ at character 1 does not end')
  expect(() => globPattern('{ab')).toThrow('"{ab": a { does not end')
  expect(() => textPattern('(')).toThrow(/Invalid regular expression/)
})

test('a text pattern may be fixed, and blind to case', () => {
  expect(textPattern('a.c', { isFixed: true }).test('abc')).toBe(false)
  expect(textPattern('a.c', { isCaseless: true }).test('xABCx')).toBe(true)
})

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5d', 129_600_000],
  ['250ms', 250],
  ['2w', 1_209_600_000],
  ['5', undefined],
  ['1y', undefined],
  ['', undefined],
])('the duration %j', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})
