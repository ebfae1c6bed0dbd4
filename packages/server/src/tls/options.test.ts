import { describe, expect, test } from 'vitest'
import { ConfigError } from '../config/config-error.ts'
import { resolveTls } from './options.ts'

const store = { keyStoreLocation: '/k.jks', trustStoreLocation: '/t.p12' }

describe('the type of a store', () => {
  test.each([
    ['/a/k.jks', undefined, 'JKS'],
    ['/a/k.p12', undefined, 'PKCS12'],
    ['/a/k.pem', undefined, 'PEM'],
    ['/a/k.store', 'pkcs12', 'PKCS12'],
    ['/a/k.jks', 'PEM', 'PEM'],
    // Java takes an empty value for none.
    ['/a/k.jks', '', 'JKS'],
  ])('%s with the type %s is %s', (keyStoreLocation, keyStoreType, type) => {
    const given = { ...store, keyStoreLocation, ...(keyStoreType === undefined ? {} : { keyStoreType }) }
    expect(resolveTls(given).keyStore.type).toBe(type)
  })

  test.each([
    ['/a/k.bcfks', undefined, 'keyStoreLocation', /BCFKS.*convert it with keytool/],
    ['/a/k.jks', 'BCFKS', 'keyStoreType', /BCFKS/],
    ['/a/k.JKS', undefined, 'keyStoreLocation', /ends in none of \.jks, \.p12 and \.pem/],
    ['/a/k', undefined, 'keyStoreLocation', /say the format with tls\.keyStoreType/],
    ['/a/k', 'DKS', 'keyStoreType', /expected JKS, PKCS12 or PEM/],
  ])('%s with the type %s is refused', (keyStoreLocation, keyStoreType, option, why) => {
    const given = { ...store, keyStoreLocation, ...(keyStoreType === undefined ? {} : { keyStoreType }) }
    expect(refusal(given)).toMatchObject({ setting: `tls.${option}`, message: expect.stringMatching(why) })
  })
})

test('without a word clients need certificates, and both versions are spoken', () => {
  expect(resolveTls(store)).toMatchObject({
    clientAuth: 'need',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: undefined,
    authProvider: 'x509',
    isReloaded: true,
  })
})

test.each([
  [{ protocol: 'TLSv1.2' }, 'TLSv1.2', 'TLSv1.2'],
  [{ protocol: 'TLS' }, 'TLSv1.2', 'TLSv1.3'],
  [{ enabledProtocols: 'TLSv1.3' }, 'TLSv1.3', 'TLSv1.3'],
  [{ enabledProtocols: 'TLSv1.1, TLSv1.2' }, 'TLSv1.2', 'TLSv1.2'],
  // The list counts more, as in Apache.
  [{ enabledProtocols: 'TLSv1.3,TLSv1.2', protocol: 'TLSv1.2' }, 'TLSv1.2', 'TLSv1.3'],
])('%o speaks %s to %s', (options, minVersion, maxVersion) => {
  expect(resolveTls({ ...store, ...options })).toMatchObject({ minVersion, maxVersion })
})

test.each([
  [{}, 'keyStoreLocation', /is missing/],
  [{ keyStoreLocation: '/k.jks' }, 'trustStoreLocation', /clients must have certificates, and none is trusted/],
  [{ ...store, clientAuth: 'maybe' }, 'clientAuth', /expected need, want or none/],
  [{ ...store, protocol: 'SSLv3' }, 'protocol', /not safe/],
  [{ ...store, enabledProtocols: 'TLSv1,TLSv1.1' }, 'enabledProtocols', /not safe/],
  [{ ...store, enabledProtocols: 'TLSv1.4' }, 'enabledProtocols', /names "TLSv1.4"/],
  [{ ...store, ciphersuites: 'TLS_NONSENSE' }, 'ciphersuites', /names "TLS_NONSENSE"/],
  [{ ...store, keyStorePasswort: 'x' }, 'keyStorePasswort', /did you mean keyStorePassword\?/],
  [{ ...store, handshakeDetectionTimeoutMillis: 0 }, 'handshakeDetectionTimeoutMillis', /from 1/],
  [{ ...store, authProvider: 'own' }, 'authProvider', /expected x509/],
  [{ ...store, certReload: 'yes' }, 'certReload', /neither true nor false/],
  [{ ...store, cert: 'x' }, 'cert', /both given/],
  [{ key: 'x' }, 'cert', /is missing/],
  [{ ...store, keyStorePassword: 7 }, 'keyStorePassword', /is not a text/],
  [null, '', /not an object/],
])('%o is refused', (options, option, why) => {
  const setting = option === '' ? 'tls' : `tls.${option}`
  expect(refusal(options)).toMatchObject({ setting, message: expect.stringMatching(why) })
})

test('a client without a certificate may come where there is no list of authorities', () => {
  expect(resolveTls({ keyStoreLocation: '/k.pem', clientAuth: 'NONE' }).trustStore).toBeUndefined()
})

test('errors call an option as its owner wants', () => {
  const nameOf = (option: string): string => `ssl.${option}`
  expect(refusal({ keyStoreLocation: '/k.jks', nameOf })).toMatchObject({
    message: expect.stringMatching(
      /^ssl\.trustStoreLocation is missing: .* or let clients connect without one \(ssl\.clientAuth\)$/,
    ),
  })
})

function refusal(options: unknown): unknown {
  try {
    resolveTls(options)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return error
  }
  throw new Error('it was taken')
}
