import { expect, test } from 'vitest'
import { differences } from './discover.ts'

test.each([
  [[], ['a h:1'], ['+ a h:1']],
  [['a h:1'], ['a h:1'], []],
  [['a h:1'], ['a h:2'], ['= a h:2']],
  [
    ['a h:1', 'b h:1'],
    ['b h:1', 'c h:1'],
    ['- a h:1', '+ c h:1'],
  ],
  [['a h:1'], [], ['- a h:1']],
])('from %j to %j prints %j', (before, now, lines) => {
  expect(differences(before, now)).toEqual(lines)
})
