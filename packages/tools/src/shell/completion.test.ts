import { expect, test } from 'vitest'
import { type CompletionVerb, commonStart, completionAt, offersFor } from './completion.ts'

const verbs: CompletionVerb[] = [
  {
    name: 'get',
    options: [
      { name: 'stat', short: 's' },
      { name: 'encoding', short: 'e', value: { completes: ['utf8', 'hex'] } },
      { name: 'from', value: { completes: undefined } },
    ],
    arguments: ['path'],
  },
  { name: 'cp', options: [], arguments: ['path', 'path'] },
  { name: 'help', options: [], arguments: ['verb'] },
  { name: 'txn', options: [], arguments: [undefined], isLastMany: true },
  { name: 'rm', options: [], arguments: ['path'], isLastMany: true },
]

test.each([
  ['', 'verb', ''],
  ['  ge', 'verb', 'ge'],
  ['get ', 'path', ''],
  ['get /a/b', 'path', '/a/b'],
  ['get -s /a', 'path', '/a'],
  ['get -', ['-s', '--stat', '-e', '--encoding', '--from'], '-'],
  ['get --st', ['-s', '--stat', '-e', '--encoding', '--from'], '--st'],
  ['get -e ', ['utf8', 'hex'], ''],
  ['get --encoding he', ['utf8', 'hex'], 'he'],
  ['get --encoding=hex /', 'path', '/'],
  ['get --from ', undefined, ''],
  ['get -- -', 'path', '-'],
  ['get /a /b', undefined, ''],
  ['cp /a ', 'path', ''],
  ['help g', 'verb', 'g'],
  ['txn a', undefined, ''],
  ['rm /a /b /c', 'path', '/c'],
  ['nonsense /a', undefined, ''],
])('at the end of %j', (line, completes, typed) => {
  const found = completionAt(line, verbs)
  if (completes === undefined) expect(found).toBeUndefined()
  else expect(found).toMatchObject({ completes, typed, raw: typed, quote: undefined })
})

test('a quoted word keeps its quote', () => {
  expect(completionAt('get "/a b', verbs)).toEqual({ completes: 'path', typed: '/a b', raw: '"/a b', quote: '"' })
})

test('offers', () => {
  expect(offersFor('g', ['set', 'get', 'getAcl'])).toEqual(['get', 'getAcl'])
  expect(commonStart(['getAcl', 'getAllChildrenNumber', 'getA'])).toBe('getA')
  expect(commonStart([])).toBe('')
})
