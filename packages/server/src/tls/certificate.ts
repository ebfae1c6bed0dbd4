/** What a certificate says about who it is for: the part of X.509 (RFC 5280) that identities need. */
import { createHash } from 'node:crypto'
import { childOf, childrenOf, type Der, DerError, expected, firstDer, octetsOf, oidOf, readDer, tags } from './der.ts'
import { distinguishedName } from './distinguished-name.ts'

export interface PeerCertificate {
  /** The subject in the form of RFC 2253, as Java's `getSubjectX500Principal().getName()` prints it. */
  readonly subject: string
  /** The issuer, in the same form. */
  readonly issuer: string
  readonly subjectAltNames: readonly AltName[]
  /** SHA-256 of the certificate: pairs of hexadecimal digits with colons. */
  readonly fingerprint256: string
  /** The certificate itself. */
  readonly der: Uint8Array
}

export interface AltName {
  readonly type: 'dns' | 'email' | 'uri' | 'ip' | 'directory' | 'other'
  /** Text; an address in its usual form; a directory name in the form of RFC 2253; hexadecimal where the type is `other`. */
  readonly value: string
}

/** The fields of a certificate that stand on their own, as they are encoded. */
export interface CertificateFields {
  readonly issuer: Der
  readonly subject: Der
  readonly extensions: readonly Der[]
}

const subjectAltName = '2.5.29.17'
/** Bytes of a certificate; larger ones are refused. */
const certificateMax = 1 << 20

/** @throws DerError where `der` is no certificate. */
export function parseCertificate(der: Uint8Array): PeerCertificate {
  const { issuer, subject, extensions } = certificateFields(der)
  const alternatives = extensions.find((extension) => oidOf(childOf(extension, 0)) === subjectAltName)
  return {
    subject: distinguishedName(subject),
    issuer: distinguishedName(issuer),
    subjectAltNames: alternatives === undefined ? [] : altNames(alternatives),
    fingerprint256: fingerprint(der),
    der,
  }
}

/** @throws DerError where `der` is no certificate. */
export function certificateFields(der: Uint8Array): CertificateFields {
  if (der.length > certificateMax) throw new DerError(`a certificate of ${der.length} bytes is too large`)
  const fields = childrenOf(childOf(expected(readDer(der), tags.sequence), 0, tags.sequence))
  // The version, in an explicit tag, is missing in certificates of the first version.
  const at = fields[0]?.tag === 0xa0 ? 1 : 0
  const [issuer, subject] = [fields[at + 2], fields[at + 4]]
  if (issuer === undefined || subject === undefined) throw new DerError('a certificate without a subject')
  const more = fields.find(({ tag }) => tag === 0xa3)
  return {
    issuer: expected(issuer, tags.sequence),
    subject: expected(subject, tags.sequence),
    extensions: more === undefined ? [] : childrenOf(childOf(more, 0, tags.sequence)),
  }
}

function fingerprint(der: Uint8Array): string {
  const digest = createHash('sha256').update(der).digest('hex').toUpperCase()
  return digest.replaceAll(/..(?=.)/g, '$&:')
}

function altNames(extension: Der): AltName[] {
  // Object identifier, whether it is critical (which may be missing), and the value.
  const content = octetsOf(childrenOf(extension).at(-1) as Der)
  return childrenOf(readDer(content)).map(altName)
}

function altName(name: Der): AltName {
  const text = (): string => new TextDecoder().decode(name.body)
  switch (name.tag) {
    case 0x81:
      return { type: 'email', value: text() }
    case 0x82:
      return { type: 'dns', value: text() }
    case 0x86:
      return { type: 'uri', value: text() }
    case 0x87:
      return { type: 'ip', value: address(name.body) }
    case 0xa4:
      return { type: 'directory', value: distinguishedName(firstDer(name.body)) }
    default:
      return { type: 'other', value: Buffer.from(name.whole).toString('hex') }
  }
}

/** IPv6 in full, as Java prints it. */
function address(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: string[] = []
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16))
  }
  return groups.join(':')
}
