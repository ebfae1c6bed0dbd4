/** Settings of TLS: Apache's keys `ssl.*` in camel case, checked before anything is opened. No file is read here. */
import { nearestName } from '@lightkeeper/runtime'
import { ConfigError } from '../config/config-error.ts'
import { openSslCiphers } from './ciphers.ts'

/** A server's certificate, who may connect, and how. Files are read at the start and again when they change. */
export interface ServerTlsOptions {
  /** Own certificate and the chain behind it, PEM, in place of a key store. */
  readonly cert?: string | Uint8Array
  /** The key of `cert`, PEM. */
  readonly key?: string | Uint8Array
  /** Authorities whose clients are let in, PEM, in place of a trust store. */
  readonly ca?: string | Uint8Array
  /** The file with own key and certificate: JKS, PKCS#12 or PEM. */
  readonly keyStoreLocation?: string
  /** The password of the key store. Default: the empty one. */
  readonly keyStorePassword?: string
  /** A file with the password; it counts more than `keyStorePassword`. */
  readonly keyStorePasswordPath?: string
  /** `JKS`, `PKCS12` or `PEM`. Default: what the ending of the name says, .jks, .p12 or .pem. */
  readonly keyStoreType?: string
  /** The file with the authorities whose clients are let in. */
  readonly trustStoreLocation?: string
  /** The password of the trust store. Default: the empty one. */
  readonly trustStorePassword?: string
  /** A file with the password; it counts more than `trustStorePassword`. */
  readonly trustStorePasswordPath?: string
  /** `JKS`, `PKCS12` or `PEM`. Default: what the ending of the name says, .jks, .p12 or .pem. */
  readonly trustStoreType?: string
  /** Certificates of clients: `need` refuses clients without one, `want` asks for one, `none` does not. Default need. */
  readonly clientAuth?: string
  /** `TLSv1.2` speaks that version alone; `TLSv1.3` and `TLS` speak both. Default TLSv1.3. */
  readonly protocol?: string
  /** Versions as a comma list, in place of `protocol`: TLSv1.3, TLSv1.2. */
  readonly enabledProtocols?: string
  /** Cipher suites as a comma list, by Java's names. Default: those of Node. */
  readonly ciphersuites?: string
  /** A file with lists of revoked certificates, PEM: one list for each authority. Not a key of Apache. */
  readonly crlLocation?: string
  /** The authentication scheme that makes an identity of a certificate: x509, the only one. */
  readonly authProvider?: string
  /** Time for a handshake, milliseconds, also for recognising one where plaintext is allowed. Default 10000. */
  readonly handshakeDetectionTimeoutMillis?: number
  /** Handshakes that may be unfinished at once; above it the oldest one is cut off. 0 or less: the default, 256. */
  readonly outstandingHandshakeLimit?: number
  /** Watch the files and use new ones without a restart. Default true. */
  readonly certReload?: boolean
  /**
   * What errors call an option of these: the key of the file that it came from, for example. `''` stands for all of them together.
   * Default: its name behind that of the option that holds them, `tls.keyStoreLocation`.
   */
  readonly nameOf?: (option: string) => string
}

export type ClientAuth = 'need' | 'want' | 'none'
export type StoreType = 'JKS' | 'PKCS12' | 'PEM'

export interface StoreSettings {
  /** Undefined where `content` is given. */
  readonly location: string | undefined
  readonly content: Uint8Array | undefined
  readonly type: StoreType
  readonly password: string
  readonly passwordPath: string | undefined
}

export interface TlsSettings {
  readonly keyStore: StoreSettings
  readonly trustStore: StoreSettings | undefined
  readonly crlLocation: string | undefined
  readonly clientAuth: ClientAuth
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** In Node's form; undefined for Node's own. */
  readonly ciphers: string | undefined
  readonly authProvider: 'x509'
  readonly handshakeMs: number
  readonly handshakesMax: number
  readonly isReloaded: boolean
  /** The option of the server that holds these: `tls`, `adminTls` or `metricsTls`. */
  readonly option: string
  /** What errors call one of them; see `ServerTlsOptions`. */
  readonly nameOf: (option: string) => string
}

const handshakeMsDefault = 10_000
const handshakesDefault = 256

/**
 * Checks options and fills in defaults: those of `defaults`, else those of a port for clients. `name` is the option that holds them.
 * @throws ConfigError for the first one that cannot be used. It shows no secret.
 */
export function resolveTls(options: unknown, name = 'tls', defaults: ServerTlsOptions = {}): TlsSettings {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw ConfigError.refused(name, 'is not an object; see ServerTlsOptions')
  }
  const given = new Given({ ...defaults, ...options }, name)
  const keyStore = storeOf(given, 'keyStore')
  if (keyStore === undefined) {
    throw given.refused('keyStoreLocation', 'is missing: a TLS port needs a certificate and its key')
  }
  const trustStore = storeOf(given, 'trustStore')
  const clientAuth = clientAuthOf(given)
  if (clientAuth === 'need' && trustStore === undefined) {
    const advice = `give one, or let clients connect without one (${given.nameOf('clientAuth')})`
    throw given.refused(
      'trustStoreLocation',
      `is missing: clients must have certificates, and none is trusted; ${advice}`,
    )
  }
  const [minVersion, maxVersion] = versionsOf(given)
  return {
    keyStore,
    trustStore,
    crlLocation: given.text('crlLocation'),
    clientAuth,
    minVersion,
    maxVersion,
    ciphers: ciphersOf(given),
    authProvider: authProviderOf(given),
    handshakeMs: given.number('handshakeDetectionTimeoutMillis', 1) ?? handshakeMsDefault,
    handshakesMax: Math.max(0, given.number('outstandingHandshakeLimit', -1) ?? 0) || handshakesDefault,
    isReloaded: given.flag('certReload', true),
    option: name,
    nameOf: given.nameOf,
  }
}

function storeOf(given: Given, name: 'keyStore' | 'trustStore'): StoreSettings | undefined {
  const location = given.text(`${name}Location`)
  const content = name === 'keyStore' ? ownPem(given) : given.pem('ca')
  const [short, long] = [name === 'keyStore' ? 'cert' : 'ca', `${name}Location`] as const
  if (content !== undefined && location !== undefined) {
    throw given.refused(short, `and ${given.nameOf(long)} are both given; one of them is enough`)
  }
  if (content !== undefined) {
    return { location: undefined, content, type: 'PEM', password: '', passwordPath: undefined }
  }
  if (location === undefined) return undefined
  return {
    location,
    content: undefined,
    type: typeOf(given, name, location),
    password: given.text(`${name}Password`) ?? '',
    passwordPath: given.text(`${name}PasswordPath`),
  }
}

function ownPem(given: Given): Uint8Array | undefined {
  const [cert, key] = [given.pem('cert'), given.pem('key')]
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined) throw given.refused('cert', 'is missing: it belongs to the key')
  const whole = new Uint8Array(cert.length + 1 + (key?.length ?? 0))
  whole.set(cert)
  whole[cert.length] = 0x0a
  if (key !== undefined) whole.set(key, cert.length + 1)
  return whole
}

const endings: Readonly<Record<string, string>> = { '.jks': 'JKS', '.pem': 'PEM', '.p12': 'PKCS12', '.bcfks': 'BCFKS' }

function typeOf(given: Given, name: 'keyStore' | 'trustStore', location: string): StoreType {
  const option = `${name}Type` as const
  const said = given.text(option)
  const ending = /\.[^.]*$/.exec(location)?.[0] ?? ''
  const type = said?.toUpperCase() ?? endings[ending]
  if (type === 'JKS' || type === 'PKCS12' || type === 'PEM') return type
  if (type === 'BCFKS') {
    throw given.refused(
      said === undefined ? `${name}Location` : option,
      'asks for BCFKS, a format of Bouncy Castle that this server does not read; convert it with keytool to PKCS12',
    )
  }
  if (said !== undefined) throw given.refused(option, `is ${JSON.stringify(said)}, expected JKS, PKCS12 or PEM`)
  const advice = `say the format with ${given.nameOf(option)}`
  throw given.refused(`${name}Location`, `ends in none of .jks, .p12 and .pem: ${advice}`)
}

function clientAuthOf(given: Given): ClientAuth {
  const text = given.text('clientAuth')?.toLowerCase() ?? 'need'
  if (text === 'need' || text === 'want' || text === 'none') return text
  throw given.refused('clientAuth', `is ${JSON.stringify(text)}, expected need, want or none`)
}

/** Another one would be a class of Java. */
function authProviderOf(given: Given): 'x509' {
  const name = given.text('authProvider') ?? 'x509'
  if (name === 'x509') return name
  throw given.refused('authProvider', `is ${JSON.stringify(name)}, expected x509, the only one for certificates`)
}

type Version = 'TLSv1.2' | 'TLSv1.3'

/** Versions that Java no longer speaks either; a list may name them beside others. */
const oldVersions = new Set(['SSLv2Hello', 'SSLv3', 'TLSv1', 'TLSv1.1'])

function versionsOf(given: Given): readonly [min: Version, max: Version] {
  const list = given.text('enabledProtocols')
  if (list !== undefined) {
    const names = list.split(',').map((name) => name.trim())
    for (const name of names) {
      if (name !== 'TLSv1.2' && name !== 'TLSv1.3' && !oldVersions.has(name)) {
        throw given.refused('enabledProtocols', `names ${JSON.stringify(name)}, expected TLSv1.3 and TLSv1.2`)
      }
    }
    const [has12, has13] = [names.includes('TLSv1.2'), names.includes('TLSv1.3')]
    if (!has12 && !has13) {
      throw given.refused('enabledProtocols', 'names only versions that are not safe; TLSv1.3 and TLSv1.2 are')
    }
    return [has12 ? 'TLSv1.2' : 'TLSv1.3', has13 ? 'TLSv1.3' : 'TLSv1.2']
  }
  const protocol = given.text('protocol') ?? 'TLSv1.3'
  if (protocol === 'TLSv1.2') return ['TLSv1.2', 'TLSv1.2']
  if (protocol === 'TLSv1.3' || protocol === 'TLS') return ['TLSv1.2', 'TLSv1.3']
  if (oldVersions.has(protocol)) throw given.refused('protocol', `is ${protocol}, which is not safe; use TLSv1.3`)
  throw given.refused('protocol', `is ${JSON.stringify(protocol)}, expected TLSv1.3 or TLSv1.2`)
}

function ciphersOf(given: Given): string | undefined {
  const list = given.text('ciphersuites')
  if (list === undefined) return undefined
  try {
    return openSslCiphers(list.split(','))
  } catch (error) {
    throw given.refused('ciphersuites', (error as Error).message)
  }
}

type Name = keyof ServerTlsOptions

const optionNames: ReadonlySet<string> = new Set(
  Object.keys({
    cert: true,
    key: true,
    ca: true,
    keyStoreLocation: true,
    keyStorePassword: true,
    keyStorePasswordPath: true,
    keyStoreType: true,
    trustStoreLocation: true,
    trustStorePassword: true,
    trustStorePasswordPath: true,
    trustStoreType: true,
    clientAuth: true,
    protocol: true,
    enabledProtocols: true,
    ciphersuites: true,
    crlLocation: true,
    authProvider: true,
    handshakeDetectionTimeoutMillis: true,
    outstandingHandshakeLimit: true,
    certReload: true,
    nameOf: true,
  } satisfies Record<Name, true>),
)

/** What the caller gave, each value read once and checked for its type. */
class Given {
  /** What errors call an option. */
  readonly nameOf: (option: string) => string
  readonly #values = new Map<string, unknown>()

  constructor(options: Record<string, unknown>, name: string) {
    const { nameOf } = options
    this.nameOf =
      typeof nameOf === 'function'
        ? (nameOf as (option: string) => string)
        : (option) => (option === '' ? name : `${name}.${option}`)
    for (const [option, value] of Object.entries(options)) {
      if (!optionNames.has(option)) {
        const nearest = nearestName(option, optionNames)
        const hint = nearest === undefined ? 'see ServerTlsOptions' : `did you mean ${nearest}?`
        throw this.refused(JSON.stringify(option).slice(1, -1).slice(0, 100), `is no such setting; ${hint}`)
      }
      if (value !== undefined) this.#values.set(option, value)
    }
  }

  /** The error for an option; `problem` stands behind its name. */
  refused(option: string, problem: string): ConfigError {
    return ConfigError.refused(this.nameOf(option), problem)
  }

  /** Undefined where it is missing or empty: Java takes an empty value for none. */
  text(name: Name): string | undefined {
    const value = this.#values.get(name)
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string' && !value.includes('\0')) return value
    throw this.refused(name, 'is not a text')
  }

  pem(name: 'cert' | 'key' | 'ca'): Uint8Array | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
    if (bytes instanceof Uint8Array && bytes.length > 0) return bytes
    throw this.refused(name, 'is not a PEM text or its bytes')
  }

  number(name: Name, min: number): number | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 0x7fff_ffff) return value
    throw this.refused(name, `is ${String(value).slice(0, 50)}, expected an integer from ${min} to 2147483647`)
  }

  flag(name: Name, fallback: boolean): boolean {
    const value = this.#values.get(name) ?? fallback
    if (typeof value !== 'boolean') throw this.refused(name, 'is neither true nor false')
    return value
  }
}
