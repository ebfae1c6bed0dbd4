import type { Acl } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { AclTable } from './acl-table.ts'

const entry = (scheme: string, id: string, perms = 31): Acl => ({ perms, id: { scheme, id } })

test.each([
  [
    'the signs that once stood between entries',
    'CN=app\u00011\u0000world\u0000anyone',
    [entry('x509', 'CN=app'), entry('world', 'anyone', 1)],
  ],
  ['lengths and commas', 'a1,5,6,worldanyone', [entry('x509', 'a'), entry('world', 'anyone', 1)]],
])('no id makes two lists one: %s', (_what, id, other) => {
  const table = new AclTable()
  expect(table.acquire([entry('x509', id)])).toEqual([entry('x509', id)])
  expect(table.acquire(other)).toEqual(other)
  expect(table.size).toBe(2)
})

test('equal lists are one, until the last user is gone', () => {
  const table = new AclTable()
  const first = table.acquire([entry('digest', 'a:b')])
  expect(table.acquire([entry('digest', 'a:b')])).toBe(first)
  table.release(first)
  expect(table.size).toBe(1)
  table.release(first)
  expect(table.size).toBe(0)
})
