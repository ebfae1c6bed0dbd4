import { describe, expect, test } from 'vitest'
import { digestHash, digestId, isDigestOf } from './digest.ts'
import { isKerberosName } from './kerberos-name.ts'
import { authProviders } from './providers.ts'
import { isSameText } from './secrets.ts'
import type { AuthSettings } from './settings.ts'

const settings: AuthSettings = {
  skipACL: false,
  maxIdentities: 64,
  digestAuthEnabled: true,
  digestAlg: 'SHA1',
  superDigest: undefined,
  authProviders: [],
  x509SuperUser: undefined,
  saslUsers: undefined,
  superUsers: [],
  allowSaslFailedClients: false,
  letAnySaslUserDoX: undefined,
  ensembleAuthName: [],
  enforcedAuthSchemes: [],
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const client = { remoteHost: '10.0.0.1' }

test('a server has ip and digest, and what its settings add', () => {
  const schemes = (more: Partial<AuthSettings>): string[] => [...authProviders({ ...settings, ...more }).keys()].sort()
  expect(schemes({})).toEqual(['digest', 'ip'])
  expect(schemes({ digestAuthEnabled: false })).toEqual(['ip'])
  expect(schemes({ authProviders: ['sasl', 'x509', 'ensemble', 'ip'] })).toEqual([
    'digest',
    'ensemble',
    'ip',
    'sasl',
    'x509',
  ])
})

describe('digests', () => {
  test.each([
    ['SHA1', 'sha1'],
    ['sha-1', 'sha1'],
    ['MD5', 'md5'],
    ['SHA-256', 'sha256'],
    ['SHA-512/256', 'sha512-256'],
    ['SHA3-384', 'sha3-384'],
    ['MD2', undefined],
    ['', undefined],
    ['md5, sha1', undefined],
    ['RSA-SHA256', undefined],
  ])('the algorithm %j of Java is %j here', (java, node) => {
    expect(digestHash(java)).toBe(node)
  })

  test('an id is of an algorithm by the length of its hash', () => {
    const id = digestId(bytes('joe:pw'), 'sha256')
    expect([isDigestOf(id, 'sha256'), isDigestOf(id, 'sha1'), isDigestOf('joe:pw', 'sha1')]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('the super digest may change, and counts at once', () => {
    const changing = { ...settings, superDigest: digestId(bytes('super:one')) }
    const digest = authProviders(changing).get('digest')
    const isSuper = (credentials: string): boolean =>
      digest?.authenticate(bytes(credentials), client)?.some(({ scheme }) => scheme === 'super') === true
    expect([isSuper('super:one'), isSuper('super:two')]).toEqual([true, false])
    changing.superDigest = digestId(bytes('super:two'))
    expect([isSuper('super:one'), isSuper('super:two')]).toEqual([false, true])
    expect(digest?.isSuspect?.(digestId(bytes('super:three')))).toBe(true)
  })
})

describe('certificates', () => {
  const x509 = authProviders({ ...settings, authProviders: ['x509'], x509SuperUser: 'CN=root' }).get('x509')

  test('the subject is the identity, and one subject passes every ACL', () => {
    expect(x509?.authenticateCertificate?.({ subject: 'CN=bob' })).toEqual([{ scheme: 'x509', id: 'CN=bob' }])
    expect(x509?.authenticateCertificate?.({ subject: 'CN=root' })).toEqual([
      { scheme: 'super', id: 'CN=root' },
      { scheme: 'x509', id: 'CN=root' },
    ])
  })

  test('an auth packet adds the identity of the certificate of its connection, whatever it says', () => {
    expect(x509?.authenticate(bytes('CN=root'), client)).toBeUndefined()
    const shown = { ...client, certificate: { subject: 'CN=bob' } }
    expect(x509?.authenticate(bytes('CN=root'), shown)).toEqual([{ scheme: 'x509', id: 'CN=bob' }])
  })

  test('subjects are compared letter by letter', () => {
    expect([x509?.matches('CN=bob', 'CN=bob'), x509?.matches('CN=bob', 'cn=bob')]).toEqual([true, false])
    expect([x509?.matches('CN=root', 'CN=bob'), x509?.matches('CN=bob', 'CN=root')]).toEqual([true, false])
  })
})

test.each([
  ['bob', true],
  ['bob/host', true],
  ['bob@REALM', true],
  ['bob/host@REALM', true],
  ['a@b@c', false],
  ['a@b/c', false],
])('%j as the name of a SASL user is %j', (name, isValid) => {
  expect(isKerberosName(name)).toBe(isValid)
})

test('texts are the same where every character and the length are', () => {
  for (const [given, expected, isSame] of [
    ['', '', true],
    ['abc', 'abc', true],
    ['abd', 'abc', false],
    ['ab', 'abc', false],
    ['abcd', 'abc', false],
    ['', 'abc', false],
  ] as const) {
    expect([given, isSameText(given, expected)]).toEqual([given, isSame])
  }
})
