/**
 * Names of certificates as text, character by character as Java's X500Principal.getName() prints them (RFC 2253): ACLs hold this text, so
 * another form of the same name would be another identity.
 */
import { childOf, childrenOf, type Der, oidOf } from './der.ts'

/** Names of attributes in RFC 2253; every other attribute appears as its number, and its value in hexadecimal. */
const keywords: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.9', 'STREET'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
])

/** How the string types that Java shows as text are decoded, by tag. */
const decoders: ReadonlyMap<number, (bytes: Uint8Array) => string> = new Map([
  [0x0c, (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)],
  [0x13, ascii],
  [0x14, (bytes) => Buffer.from(bytes).toString('latin1')],
  [0x16, ascii],
  [0x1b, ascii],
  [0x1e, utf16],
])

/** The name in a `Name` of X.501, the last part first. @throws DerError where it is none. */
export function distinguishedName(name: Der): string {
  return childrenOf(name).reverse().map(relativeName).join(',')
}

function relativeName(rdn: Der): string {
  return childrenOf(rdn).map(attribute).join('+')
}

function attribute(pair: Der): string {
  const type = oidOf(childOf(pair, 0))
  const value = childOf(pair, 1)
  const keyword = keywords.get(type)
  const decode = decoders.get(value.tag)
  if (keyword === undefined || decode === undefined)
    return `${keyword ?? type}=#${Buffer.from(value.whole).toString('hex')}`
  return `${keyword}=${escaped(decode(value.body))}`
}

function escaped(text: string): string {
  const inner = text.replaceAll(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00')
  const lead = /^[ \r]*/.exec(inner)?.[0].length ?? 0
  const trail = inner.length - (/[ \r]*$/.exec(inner)?.[0].length ?? 0)
  const escape = (blanks: string): string => blanks.replaceAll(/[ \r]/g, '\\$&')
  if (lead === inner.length) return escape(inner)
  return escape(inner.slice(0, lead)) + inner.slice(lead, trail) + escape(inner.slice(trail))
}

/** A byte that is no ASCII becomes U+FFFD, as in Java. */
function ascii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : '\ufffd')).join('')
}

function utf16(bytes: Uint8Array): string {
  return new TextDecoder('utf-16be', { ignoreBOM: true }).decode(bytes)
}
