import { permission } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { digestAcl } from './digest-acl.ts'

test('the hash is the one that DigestAuthenticationProvider of Apache prints', () => {
  // The example of Apache's administrator guide.
  expect(digestAcl('super:admin')).toEqual([
    { perms: 31, id: { scheme: 'digest', id: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=' } },
  ])
  expect(digestAcl('joe:a:b', permission.read)[0]).toMatchObject({ perms: 1, id: { scheme: 'digest' } })
})

test.each([undefined, null, '', 'joe', ':secret', 7, {}])(
  'credentials %o are refused, and not repeated',
  (credentials) => {
    expect(() => digestAcl(credentials as string)).toThrow(
      new TypeError('digestAcl: credentials must be a string of the form user:password'),
    )
  },
)

test.each([0, 32, 1.5, Number.NaN, '31'])('perms %o are refused', (perms) => {
  expect(() => digestAcl('joe:secret', perms as number)).toThrow(RangeError)
})
