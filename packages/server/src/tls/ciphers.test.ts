import { getCiphers } from 'node:tls'
import { expect, test } from 'vitest'
import { openSslCiphers } from './ciphers.ts'

test.each([
  ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_DHE_RSA_WITH_AES_256_CBC_SHA256', 'DHE-RSA-AES256-SHA256'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
])('%s is %s for OpenSSL', (java, openssl) => {
  expect(openSslCiphers([java])).toBe(openssl)
  expect(getCiphers()).toContain(openssl.toLowerCase())
})

test('a list keeps its order, without the signals in it', () => {
  const list = ' TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_256_GCM_SHA384 ,TLS_EMPTY_RENEGOTIATION_INFO_SCSV'
  expect(openSslCiphers(list.split(','))).toBe('TLS_AES_128_GCM_SHA256:AES256-GCM-SHA384')
})

test.each([
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265', /did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\?/],
  ['SSL_RSA_WITH_RC4_128_MD5', /a cipher suite that this server does not have/],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA256', /does not have/],
  ['TLS_EMPTY_RENEGOTIATION_INFO_SCSV', /names no cipher suite/],
])('%s is refused', (name, why) => {
  expect(() => openSslCiphers([name])).toThrow(why)
})
