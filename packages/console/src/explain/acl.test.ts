/** What an ACL means, as sentences. */
import { expect, test } from 'vitest'
import { allowedTo, pitfallsOf, sentenceOf } from './acl.ts'

test.each([
  [{ perms: 'cdrwa', scheme: 'world', id: 'anyone' }, 'Everybody may do everything.'],
  [{ perms: 'r', scheme: 'world', id: 'anyone' }, 'Everybody may read.'],
  [
    { perms: 'rw', scheme: 'digest', id: 'ann:xYz=' },
    'The user ann with the password of this digest may read and write data.',
  ],
  [
    { perms: 'cdr', scheme: 'ip', id: '10.0.0.0/8' },
    'Every client with an address in 10.0.0.0/8 may create children, delete children and read.',
  ],
])('%o', (entry, sentence) => {
  expect(sentenceOf(entry)).toBe(sentence)
})

test('an identity may do the union of what its entries allow', () => {
  const acl = [
    { perms: 'r', scheme: 'world', id: 'anyone' },
    { perms: 'cd', scheme: 'digest', id: 'ann:xYz=' },
    { perms: 'w', scheme: 'ip', id: '10.1.0.0/16' },
    { perms: 'a', scheme: 'x509', id: 'CN=root' },
  ]
  expect(allowedTo(acl, [])).toBe('r')
  expect(allowedTo(acl, ['digest:ann'])).toBe('cdr')
  expect(allowedTo(acl, ['digest:anna'])).toBe('r')
  expect(allowedTo(acl, ['ip:10.1.255.7'])).toBe('rw')
  expect(allowedTo(acl, ['ip:10.2.0.7'])).toBe('r')
  expect(allowedTo(acl, ['x509:CN=root', 'digest:ann', 'ip:10.1.0.1'])).toBe('cdrwa')
})

test('names what is easily overlooked', () => {
  expect(pitfallsOf([{ perms: 'cdrwa', scheme: 'world', id: 'anyone' }]).join(' ')).toContain(
    'give themselves the rest',
  )
  expect(pitfallsOf([{ perms: 'r', scheme: 'world', id: 'anyone' }])[0]).toContain('super user')
  expect(pitfallsOf([{ perms: 'cdrwa', scheme: 'x509', id: 'CN=root' }])).toHaveLength(1)
})
