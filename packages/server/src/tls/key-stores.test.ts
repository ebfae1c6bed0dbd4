/** Files that keytool and openssl wrote; the key and the certificates in them are the same. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { keyStores } from '../../../../test/support/key-stores.ts'
import { DerError } from './der.ts'
import { readJks } from './jks.ts'
import { readPem } from './pem.ts'
import { readPkcs12 } from './pkcs12.ts'
import { StoreError } from './store-error.ts'

const password = 'changeit'
const subject = (der: Uint8Array): string => new X509Certificate(der).subject
const publicOf = (pkcs8: Uint8Array): Buffer =>
  createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'der' })
const wanted = publicOf(
  readPem(new TextEncoder().encode(keyStores.serverKeyPem), '').keys[0]?.pkcs8 ?? new Uint8Array(0),
)

describe.each([
  ['JKS of keytool', () => readJks(keyStores.serverJks, password)],
  ['PKCS#12 of JDK 17', () => readPkcs12(keyStores.serverP12, password)],
  ['PKCS#12 as JDK 8 writes it, with RC2 of 40 bits', () => readPkcs12(keyStores.serverJdk8P12, password)],
  ['PKCS#12 of openssl', () => readPkcs12(keyStores.serverOpensslP12, password)],
  ['PKCS#12 of openssl with an empty password', () => readPkcs12(keyStores.serverNoPasswordP12, '')],
  [
    'PEM',
    () =>
      readPem(new TextEncoder().encode(`${keyStores.serverKeyPem}${keyStores.serverPem}${keyStores.authorityPem}`), ''),
  ],
  [
    'PEM, the key encrypted and at the end',
    () =>
      readPem(
        new TextEncoder().encode(`${keyStores.serverPem}${keyStores.authorityPem}${keyStores.serverEncryptedKeyPem}`),
        password,
      ),
  ],
])('a key store, %s,', (_, read) => {
  test('has one key, with its certificate and the one that signed it', () => {
    const { keys } = read()
    expect(keys).toHaveLength(1)
    expect(keys[0]?.chain.map(subject)).toEqual(['CN=localhost', 'CN=Fixture Authority'])
    expect(publicOf(keys[0]?.pkcs8 ?? new Uint8Array(0))).toEqual(wanted)
  })
})

describe('a trust store', () => {
  test.each([
    ['JKS of keytool', () => readJks(keyStores.trustJks, password)],
    ['PKCS#12 of JDK 17', () => readPkcs12(keyStores.trustP12, password)],
    ['PKCS#12 as JDK 8 writes it', () => readPkcs12(keyStores.trustJdk8P12, password)],
    ['PEM', () => readPem(new TextEncoder().encode(keyStores.authorityPem), '')],
  ])('%s trusts its certificate', (_, read) => {
    expect(read().trusted.map(subject)).toEqual(['CN=Fixture Authority'])
  })

  test('PKCS#12 without the mark of Java trusts nothing, as in Java', () => {
    expect(readPkcs12(keyStores.trustOpensslP12, password)).toEqual({ keys: [], trusted: [] })
  })

  test('a key store trusts what was imported into it, not the chain of its key', () => {
    expect(readJks(keyStores.serverJks, password).trusted.map(subject)).toEqual(['CN=Fixture Authority'])
    expect(readPkcs12(keyStores.serverOpensslP12, password).trusted).toEqual([])
  })
})

describe('a password that is wrong or missing is said', () => {
  test.each([
    ['JKS', (guess: string) => readJks(keyStores.serverJks, guess)],
    ['PKCS#12', (guess: string) => readPkcs12(keyStores.serverP12, guess)],
    ['old PKCS#12', (guess: string) => readPkcs12(keyStores.serverJdk8P12, guess)],
  ])('%s', (_, read) => {
    expect(() => read('guess')).toThrow('was not written under this password, or is damaged')
    expect(() => read('')).toThrow('needs a password, and none is given')
  })

  test('PEM', () => {
    const bytes = new TextEncoder().encode(keyStores.serverEncryptedKeyPem)
    expect(() => readPem(bytes, 'guess')).toThrow('has a key that this password does not open')
    expect(() => readPem(bytes, '')).toThrow('has an encrypted key, and no password is given')
  })
})

test('damage anywhere is an error of the store, never another one, and never a key', () => {
  let refused = 0
  for (const [bytes, read] of [
    [keyStores.serverJks, readJks],
    [keyStores.serverOpensslP12, readPkcs12],
    [keyStores.serverNoPasswordP12, readPkcs12],
  ] as const) {
    const word = bytes === keyStores.serverNoPasswordP12 ? '' : password
    for (let at = 0; at < bytes.length; at += 29) {
      for (const spoilt of [bytes.subarray(0, at), bytes.map((byte, i) => (i === at ? byte ^ 0x55 : byte))]) {
        try {
          read(spoilt, word)
        } catch (error) {
          refused++
          expect(error instanceof StoreError || error instanceof DerError, String(error)).toBe(true)
        }
      }
    }
  }
  expect(refused).toBeGreaterThan(200)
})
