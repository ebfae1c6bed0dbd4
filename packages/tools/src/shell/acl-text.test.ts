import { expect, test } from 'vitest'
import { aclEntryText, parseAclText, permissionsText } from './acl-text.ts'

test.each([
  'world:anyone:cdrwa',
  'digest:joe:U1BzMCXgXRPQQHfVpOZBGyIkFvw=:r',
  'world:anyone:r,ip:10.0.0.0/8:cdrw',
  'auth::cdrwa',
  'ip:fe80::1:r',
  'x509:CN=joe,O=shop:cdrwa,world:anyone:r',
])('%s reads as it prints', (text) => {
  expect(parseAclText(text).map(aclEntryText).join(',')).toBe(text)
})

test('the letters come in the order of Apache', () => {
  expect(permissionsText(31)).toBe('cdrwa')
  expect(parseAclText('world:anyone:awr')).toEqual([{ perms: 19, id: { scheme: 'world', id: 'anyone' } }])
})

test.each([
  ['', '"" is not SCHEME:ID:PERMS'],
  ['world', '"world" is not SCHEME:ID:PERMS'],
  ['world:anyone', '"world:anyone" is not SCHEME:ID:PERMS'],
  ['world:anyone:rx', '"x" in "rx" is not a permission; permissions are c, d, r, w and a'],
  ['world:anyone:', '"world:anyone:" has no permissions'],
  ['world:anyone:r,', '"," in "r," is not a permission'],
  ['world:anyone:r,bad', '"," in "r,bad" is not a permission'],
  ['world:all:r', 'the only id of world is anyone'],
  ['ip:10.0.0:r', 'the id of ip is an address, or ADDRESS/BITS'],
  ['ip:10.0.0.0/33:r', 'the id of ip is an address, or ADDRESS/BITS'],
  ['digest:bob:pw:r', 'the id of digest is USER:HASH'],
])('%j is refused: %s', (text, says) => {
  expect(() => parseAclText(text)).toThrow(says)
})
