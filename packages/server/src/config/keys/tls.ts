/** TLS for clients: Apache's keys `ssl.*`. A file that asks for TLS gets it, or is refused. */
import { resolveTls, type ServerTlsOptions, TlsOptionError, type TlsSettings } from '../../tls/options.ts'
import { ConfigError } from '../config-error.ts'
import { parsedInt } from '../java-values.ts'
import { type FamilyTools, idleKeys, isOff, type Room } from '../room.ts'
import { type SettingsFor, setting } from '../setting.ts'

export interface TlsPortOptions {
  /** The certificate of the server and which clients it lets in, for `secureClientPort` and `clientPortUnification`. Default none. */
  readonly tls?: ServerTlsOptions
}

const settings = {
  tls: setting<TlsSettings | undefined>({
    byDefault: undefined,
    check: (given, name) => resolved(given, (option) => (option === '' ? name : `tls.${option}`)),
    show: (tls) =>
      tls === undefined
        ? ''
        : `keyStore ${tls.keyStore.location ?? 'given'}, trustStore ${tls.trustStore?.location ?? (tls.trustStore === undefined ? 'none' : 'given')}, clientAuth ${tls.clientAuth}, ${tls.minVersion} to ${tls.maxVersion}`,
  }),
} satisfies SettingsFor<TlsPortOptions>

/** The options of `ServerTlsOptions` by their keys in a zoo.cfg. */
const texts: Readonly<Record<string, keyof ServerTlsOptions>> = {
  'ssl.keyStore.location': 'keyStoreLocation',
  'ssl.keyStore.password': 'keyStorePassword',
  'ssl.keyStore.passwordPath': 'keyStorePasswordPath',
  'ssl.keyStore.type': 'keyStoreType',
  'ssl.trustStore.location': 'trustStoreLocation',
  'ssl.trustStore.password': 'trustStorePassword',
  'ssl.trustStore.passwordPath': 'trustStorePasswordPath',
  'ssl.trustStore.type': 'trustStoreType',
  'ssl.clientAuth': 'clientAuth',
  'ssl.protocol': 'protocol',
  'ssl.enabledProtocols': 'enabledProtocols',
  'ssl.ciphersuites': 'ciphersuites',
  'ssl.crlLocation': 'crlLocation',
  'ssl.authProvider': 'authProvider',
}

const numbers: Readonly<Record<string, keyof ServerTlsOptions>> = {
  'ssl.handshakeDetectionTimeoutMillis': 'handshakeDetectionTimeoutMillis',
  'netty.server.outstandingHandshake.limit': 'outstandingHandshakeLimit',
}

/** Keys without an effect: what a server does not do in Apache either, or what is built otherwise here. */
const without = new Set(['ssl.hostnameVerification', 'ssl.allowReverseDnsLookup', 'ssl.sslProvider'])

const reload = 'client.certReload'

/** The options that the keys of a file give; undefined where none of them asks for TLS. */
function read(values: ReadonlyMap<string, string>, { note }: FamilyTools): ServerTlsOptions | undefined {
  // Empty values, and those of keys without an effect, ask for nothing.
  if (![...values].some(([key, value]) => key in texts && value !== '')) return undefined
  const options: Record<string, unknown> = {}
  for (const [key, value] of values) {
    const number = numbers[key]
    if (number !== undefined) options[number] = numberOf(key, value, note)
    else if (key === reload) options['certReload'] = !isOff(value)
    else if (texts[key] !== undefined) options[texts[key]] = value
    else if (!without.has(key) && !isRefused(key)) note(`${key} is no key of TLS that is known; it has no effect`)
  }
  resolved(options, (option) => keyOf(option) ?? 'ssl.keyStore.location')
  return options
}

function numberOf(key: string, value: string, note: FamilyTools['note']): number | undefined {
  const number = parsedInt(value, key)
  if (key === 'netty.server.outstandingHandshake.limit' || number >= 1) return Math.max(-1, number)
  note(`${key}=${number} counts as the default, as in Apache`)
  return undefined
}

function keyOf(option: string): string | undefined {
  return Object.entries({ ...texts, ...numbers }).find(([, name]) => name === option)?.[0]
}

function resolved(given: unknown, nameOf: (option: string) => string): TlsSettings {
  try {
    return resolveTls(given)
  } catch (error) {
    if (!(error instanceof TlsOptionError)) throw error
    throw ConfigError.refused(nameOf(error.option), error.message)
  }
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
    // With sslQuorum, for the ports of an ensemble.
    ...['netty.advancedFlowControl.enabled', 'portUnification'],
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
