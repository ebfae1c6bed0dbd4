/** Connect strings and addresses: what comes out names servers that can be dialled, or there is a TypeError; and it is stable. */

import { isIP, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseConnectString } from '../../packages/client/src/connect-string.ts'
import { formatAddress, isIpv6, parseAddress, parseHost } from '../../packages/runtime/src/address.ts'
import { fuzzParameters } from './parameters.ts'

/** Pieces that connect strings are made of, right and wrong. */
const piece = fc.constantFrom(
  ...[
    'zk1',
    'localhost',
    '10.0.0.1',
    '::1',
    '[::1]',
    'fe80::1%eth0',
    '[',
    ']',
    ':',
    ':2181',
    ':0',
    ':99999',
    ':x',
    ',',
    ', ',
    ';',
    '/',
  ],
  ...[
    '/app',
    '//',
    '/ ',
    ' ',
    '\n',
    '\t',
    '\u00a0',
    '"',
    "'",
    '://',
    'zk://',
    'srv:',
    'dns-srv://',
    '@',
    'a:b@',
    '%',
    '..',
    '\u0000',
    '\ud800',
  ],
)
const text = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
  fc
    .array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 })
    .map((pieces) => pieces.join('')),
)

const outcomeOf = <T>(call: () => T): T | undefined => {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    expect(error.message).toMatch(/\S{3}/)
    return undefined
  }
}

test('a connect string gives servers and a chroot, or TypeError', () => {
  fc.assert(
    fc.property(text, (given) => {
      const parsed = outcomeOf(() => parseConnectString(given))
      if (parsed === undefined) return
      const { servers, chroot, service } = parsed
      expect(servers.length > 0).toBe(service === undefined)
      for (const server of servers) {
        const { host, port } = parseAddress(server)
        expect(formatAddress(host, port)).toBe(server)
        expect(port).toBeGreaterThan(0)
        expect(host).not.toMatch(/[\s"'/,;@[\]]/)
        if (host.includes(':')) expect(isIP(host.replace(/%.*/, ''))).toBe(6)
      }
      expect(chroot).toMatch(/^$|^\/[^\s/](.*[^/])?$/s)
      expect(chroot.trim()).toBe(chroot)
      // What was understood can be written down and is understood as the same again.
      if (service === undefined) expect(parseConnectString(` ${servers.join(', ')}${chroot}\n`)).toEqual(parsed)
    }),
    fuzzParameters(20_000),
  )
})

test('an address is what formatAddress makes of it, or TypeError', () => {
  fc.assert(
    fc.property(text, fc.option(fc.nat(65535), { nil: undefined }), (given, defaultPort) => {
      const address = outcomeOf(() => parseAddress(given, defaultPort))
      if (address !== undefined) expect(parseAddress(formatAddress(address.host, address.port))).toEqual(address)
      const host = outcomeOf(() => parseHost(given))
      if (host !== undefined) expect(parseAddress(formatAddress(host, 1))).toEqual({ host, port: 1 })
    }),
    fuzzParameters(20_000),
  )
})

test('an IPv6 address is what the host takes for one', () => {
  const group = fc.constantFrom('0', '1', 'db8', 'ffff', '12345', 'g', '', '1.2.3.4', '1.2.3.256', '01.2.3.4')
  const looksLikeOne = fc.oneof(
    fc.ipV6(),
    fc.array(group, { maxLength: 10 }).map((groups) => groups.join(':')),
    fc.tuple(fc.ipV6(), fc.constantFrom('%eth0', '%', '%1', '%a%b')).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(looksLikeOne, (given) => {
      expect(isIpv6(given)).toBe(isIPv6(given))
    }),
    fuzzParameters(10_000),
  )
})
