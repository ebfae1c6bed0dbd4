/** TLS for clients: Apache's keys `ssl.*`. A file that asks for TLS gets it, or is refused. */
import type { ServerTlsOptions } from '../../tls/options.ts'
import { ConfigError } from '../config-error.ts'
import { parsedInt } from '../java-values.ts'
import { type FamilyTools, idleKeys, isOff, type Room } from '../room.ts'
import type { SettingsFor } from '../setting.ts'
import { type TlsKeys, tlsOptionOf, tlsOptionsOf, tlsSetting } from './tls-keys.ts'

export interface TlsPortOptions {
  /** The certificate of the server and which clients it lets in, for `secureClientPort` and `clientPortUnification`. Default none. */
  readonly tls?: ServerTlsOptions
}

const settings = { tls: tlsSetting('tls') } satisfies SettingsFor<TlsPortOptions>

const reload = 'client.certReload'
const numbers: Readonly<Record<string, 'handshakeDetectionTimeoutMillis' | 'outstandingHandshakeLimit'>> = {
  'ssl.handshakeDetectionTimeoutMillis': 'handshakeDetectionTimeoutMillis',
  'netty.server.outstandingHandshake.limit': 'outstandingHandshakeLimit',
}
const keys: TlsKeys = {
  prefix: 'ssl.',
  others: { ...Object.fromEntries(Object.entries(numbers).map(([key, option]) => [option, key])), certReload: reload },
}

/** Keys without an effect: what a server does not do in Apache either, or what is built otherwise here. */
const without = new Set(['ssl.hostnameVerification', 'ssl.allowReverseDnsLookup', 'ssl.sslProvider'])

/** The options that the keys of a file give; undefined where none of them asks for TLS. */
function read(values: ReadonlyMap<string, string>, { note }: FamilyTools): ServerTlsOptions | undefined {
  // Empty values, and those of keys without an effect, ask for nothing.
  if (![...values].some(([key, value]) => tlsOptionOf(keys, key) !== undefined && value !== '')) return undefined
  const more: { -readonly [K in keyof ServerTlsOptions]: ServerTlsOptions[K] } = {}
  for (const [key, value] of values) {
    const number = numbers[key]
    if (number !== undefined) {
      const given = numberOf(key, value, note)
      if (given !== undefined) more[number] = given
    } else if (key === reload) more.certReload = !isOff(value)
    else if (tlsOptionOf(keys, key) === undefined && !without.has(key) && !isRefused(key)) {
      note(`${key} is no key of TLS that this server knows; it has no effect`)
    }
  }
  return tlsOptionsOf(keys, values, more)
}

function numberOf(key: string, value: string, note: FamilyTools['note']): number | undefined {
  const number = parsedInt(value, key)
  if (key === 'netty.server.outstandingHandshake.limit' || number >= 1) return Math.max(-1, number)
  note(`${key}=${number} counts as the default, as in Apache`)
  return undefined
}

/**
 * A file that asks for a port with TLS must say which certificate is shown there, and the other way round. `member` is the key of the line
 * that gives the port, where one does.
 * @throws ConfigError naming the key that has no other half.
 */
export function refuseHalfOfTls(options: ReadonlyMap<string, unknown>, member: string | undefined): void {
  const hasPort = options.has('secureClientPort')
  if (options.has('secureClientPortAddress') && !hasPort) {
    throw ConfigError.refused('secureClientPortAddress', 'is set, and secureClientPort is not')
  }
  const port = hasPort ? (member ?? 'secureClientPort') : undefined
  const asks = port ?? (options.get('clientPortUnification') === true ? 'client.portUnification' : undefined)
  if (asks !== undefined && options.get('tls') === undefined) {
    throw ConfigError.refused(
      asks,
      'asks for TLS, and there is no certificate for it: ssl.keyStore.location is missing',
    )
  }
  if (asks === undefined && options.get('tls') !== undefined) {
    const wanted = 'secureClientPort or client.portUnification=true'
    throw ConfigError.refused('ssl.keyStore.location', `asks for TLS, and there is no port for it: give ${wanted}`)
  }
}

const notVerified = 'asks that the names in the certificates of clients be checked, which this server does not do'

const refusals = [
  {
    keys: /^ssl\.(crl|ocsp)$/,
    why: 'asks that issuers be asked for revoked certificates, which this server does not do; give it their lists with ssl.crlLocation',
  },
  {
    keys: /^ssl\.clientHostnameVerification$/,
    why: notVerified,
    isHarmless: (value: string, other: (key: string) => string | undefined) =>
      isOff(value) || isOff(other('ssl.hostnameVerification') ?? 'unset'),
  },
  {
    keys: /^ssl\.context\.supplier\.class$/,
    why: 'names a class of Java',
    isHarmless: (value: string) => value === '',
  },
]

function isRefused(key: string): boolean {
  return refusals.some(({ keys }) => keys.test(key))
}

export const tls = {
  settings,
  families: [
    {
      keys: /^(ssl\.(?!quorum\.)|client\.certReload$|netty\.server\.outstandingHandshake\.limit$)/,
      option: 'tls',
      read,
    },
  ],
  idle: idleKeys([
    ...['fips-mode', 'serverCnxnFactory', 'netty.server.earlyDropSecureConnectionHandshakes'],
    'netty.advancedFlowControl.enabled',
  ]),
  idleFamilies: [/^ssl\.quorum\./],
  refusals,
  check(config: Readonly<Record<string, unknown>>) {
    const { secureClientPort, clientPortUnification, tls } = config
    const asks =
      secureClientPort === -1
        ? clientPortUnification === true
          ? 'clientPortUnification'
          : undefined
        : 'secureClientPort'
    if (asks !== undefined && tls === undefined) {
      throw ConfigError.refused(
        asks,
        'asks for TLS, and there is no certificate: ssl.keyStore.location, or the option tls, is missing',
      )
    }
    if (asks === undefined && tls !== undefined) {
      throw ConfigError.refused(
        'tls',
        'has no port: give secureClientPort, or clientPortUnification (client.portUnification=true)',
      )
    }
  },
} as const satisfies Room
