/** Cipher suites: the names that Java and Apache's configuration files use, and those of OpenSSL, which Node uses. */
import { nearestName } from '@lightkeeper/runtime'

const exchanges: Readonly<Record<string, string>> = {
  ECDHE_ECDSA: 'ECDHE-ECDSA-',
  ECDHE_RSA: 'ECDHE-RSA-',
  DHE_RSA: 'DHE-RSA-',
  RSA: '',
}

const encryptions: Readonly<Record<string, string>> = {
  AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  AES_128_CBC_SHA256: 'AES128-SHA256',
  AES_128_CBC_SHA: 'AES128-SHA',
  AES_256_CBC_SHA384: 'AES256-SHA384',
  AES_256_CBC_SHA256: 'AES256-SHA256',
  AES_256_CBC_SHA: 'AES256-SHA',
  CHACHA20_POLY1305_SHA256: 'CHACHA20-POLY1305',
}

/** CBC with SHA-256 or SHA-384 is there for these exchanges alone (RFC 5246, RFC 5289). */
function exists(exchange: string, encryption: string): boolean {
  const isElliptic = exchange.startsWith('ECDHE')
  if (encryption === 'AES_256_CBC_SHA384') return isElliptic
  if (encryption === 'AES_256_CBC_SHA256') return !isElliptic
  return !(encryption.startsWith('CHACHA20') && exchange === 'RSA')
}

/** OpenSSL's name for each of Java's. The suites of TLS 1.3 have one name. */
const names: ReadonlyMap<string, string> = new Map([
  ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'].map(
    (name) => [name, name] as const,
  ),
  ...Object.entries(exchanges).flatMap(([exchange, front]) =>
    Object.entries(encryptions)
      .filter(([encryption]) => exists(exchange, encryption))
      .map(([encryption, back]) => [`TLS_${exchange}_WITH_${encryption}`, front + back] as const),
  ),
])

/** Not suites: signals that Java's lists contain, and that OpenSSL always has. */
const signals = new Set(['TLS_EMPTY_RENEGOTIATION_INFO_SCSV', 'TLS_FALLBACK_SCSV'])

/**
 * Node's `ciphers` for Java's list, in the same order. Names of OpenSSL are taken too.
 * @throws RangeError saying which name is not known, or that none is left.
 */
export function openSslCiphers(list: readonly string[]): string {
  const known = new Set(names.values())
  const found = list
    .map((name) => name.trim())
    .filter((name) => name !== '' && !signals.has(name))
    .map((name) => names.get(name) ?? (known.has(name) ? name : refuse(name)))
  if (found.length === 0) throw new RangeError('names no cipher suite')
  return found.join(':')
}

function refuse(name: string): never {
  const shown = JSON.stringify(name.slice(0, 80))
  const nearest = nearestName(name, [...names.keys()])
  throw new RangeError(
    nearest === undefined
      ? `names ${shown}, a cipher suite that this server does not have`
      : `names ${shown}, a cipher suite that this server does not have; did you mean ${nearest}?`,
  )
}
