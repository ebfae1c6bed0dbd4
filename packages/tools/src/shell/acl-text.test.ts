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

test.each(['', 'world', 'world:anyone', 'world:anyone:zz', 'world:anyone:', 'world:anyone:r,', 'world:anyone:r,bad'])(
  '%j is refused with the expected form',
  (text) => {
    expect(() => parseAclText(text)).toThrow(/is no entry of an ACL; expected scheme:id:permissions/)
  },
)
