/**
 * Certificates made while a test runs (RFC 5280), by node:crypto: an authority, and what it signs. Keys are EC P-256. Nothing of it is
 * written to a file, and nobody trusts the authority unless told so.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { type Check, isBytes, list, OptionSet, text, wrongType } from '@lightkeeper/client/arguments'

/** A certificate and its private key. */
export interface Certified {
  /** PEM. */
  readonly cert: string
  /** PEM, PKCS#8. */
  readonly key: string
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Common name; with `subject` it is not used. */
  readonly name: string
  /** A whole name of X.501, DER, in place of one with the common name alone. */
  readonly subject?: Uint8Array
  /** Host names and IPv4 addresses it is for. */
  readonly hosts?: readonly string[]
  /** Days from now on until it expires; negative for one that has. Default 1. */
  readonly days?: number
}

/** What a client of ours or node:tls needs to trust an authority and to show a certificate. */
export interface ClientCertificates extends Partial<Certified> {
  /** PEM. */
  readonly ca: string
}

/** Options of `startServer`: a port for TLS alone. */
export interface SecureServerOptions {
  /** The port for TLS; 0 means a free one. */
  readonly secureClientPort: number
  /** Own certificate and key, the authority that clients' certificates must be from, and whether clients need one. */
  readonly tls: Certified & { readonly ca: string; readonly clientAuth: 'need' | 'want' | 'none' }
}

const bytes: Check<Uint8Array> = (value, name, operation) => {
  if (isBytes(value)) return value
  throw wrongType(operation, name, 'a name of X.501 as bytes', value)
}

const days: Check<number> = (value, name, operation) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw wrongType(operation, name, 'a number of days', value)
}

const certificateOptions = new OptionSet<CertificateOptions>({
  name: text,
  subject: bytes,
  hosts: list(text, 'an array of hosts'),
  days,
})

/** An authority that signs certificates for tests, made anew in memory. */
export class Authority {
  /** Its own certificate, PEM. */
  readonly cert: string
  /** Its private key, PEM. */
  readonly key: string
  readonly #name: string
  readonly #privateKey: KeyObject

  constructor(name = 'Test Authority') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#name = name
    this.#privateKey = privateKey
    this.key = pemOfKey(privateKey)
    // basicConstraints: an authority. keyUsage: signs certificates.
    const extensions = [
      extension('551d13', sequence(Uint8Array.of(0x01, 1, 0xff))),
      extension('551d0f', Uint8Array.of(0x03, 2, 2, 0x04)),
    ]
    this.cert = this.#sign(distinguished(name), publicKey, 1, extensions)
  }

  /**
   * A server on a free port that speaks TLS alone, for `startServer(authority.server())`. Its certificate is for localhost and
   * 127.0.0.1. `want` lets clients in without a certificate too.
   */
  server(clientAuth: 'need' | 'want' | 'none' = 'want'): SecureServerOptions {
    const own = this.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
    return { secureClientPort: 0, tls: { ...own, ca: this.cert, clientAuth } }
  }

  /** The option `tls` of a client that trusts this authority; with a name it shows a certificate, and is `CN=name` to the server. */
  client(name?: string): ClientCertificates {
    return { ca: this.cert, ...(name === undefined ? {} : this.issue({ name })) }
  }

  /**
   * A certificate with its key, signed by this authority. Valid for one day unless `days` says otherwise.
   * @throws TypeError for an option that does not exist or cannot be used.
   */
  issue(options: CertificateOptions): Certified {
    const { name, subject, hosts = [], days = 1 } = certificateOptions.of(options, 'issue')
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const names = hosts.map((host) =>
      /^[\d.]+$/.test(host) ? der(0x87, Uint8Array.from(host.split('.'), Number)) : der(0x82, Buffer.from(host)),
    )
    const extensions = names.length === 0 ? [] : [extension('551d11', sequence(...names))]
    return { cert: this.#sign(subject ?? distinguished(name), publicKey, days, extensions), key: pemOfKey(privateKey) }
  }

  #sign(subject: Uint8Array, publicKey: KeyObject, days: number, extensions: readonly Uint8Array[]): string {
    const day = 86_400_000
    const until = Date.now() + days * day
    const algorithm = sequence(oid('2a8648ce3d040302'))
    const body = sequence(
      der(0xa0, integer(Uint8Array.of(2))),
      integer(randomBytes(8).map((byte, i) => (i === 0 ? (byte & 0x3f) | 0x40 : byte))),
      algorithm,
      distinguished(this.#name),
      sequence(time(Math.min(until, Date.now()) - day), time(until)),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
    )
    const signature = sign('sha256', body, this.#privateKey)
    const whole = sequence(body, algorithm, der(0x03, Uint8Array.of(0), signature))
    const lines =
      Buffer.from(whole)
        .toString('base64')
        .match(/.{1,64}/g) ?? []
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  }
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Tag, length, value. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = Buffer.concat(parts)
  const { length } = value
  const header =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.from(header), value])
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts)
}

function integer(value: Uint8Array): Uint8Array {
  return der(0x02, value)
}

function oid(bytes: string): Uint8Array {
  return der(0x06, Buffer.from(bytes, 'hex'))
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), der(0x04, value))
}

function distinguished(name: string): Uint8Array {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))
}

function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/\D/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}
