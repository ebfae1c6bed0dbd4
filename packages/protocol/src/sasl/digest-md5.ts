/**
 * The text and the proofs of SASL DIGEST-MD5 (RFC 2831), for both ends. Which end sends what, and what it accepts, stands in
 * `digest-md5-answer.ts` and `server/auth/sasl/digest-md5-login.ts`.
 */
import { encodeUtf8, utf8Length } from '../utf8.ts'
import { md5 } from './md5.ts'

/** What Apache's servers call themselves, in every installation. */
export const saslRealm = 'zk-sasl-md5'
export const saslDigestUri = `zookeeper/${saslRealm}`

/** The same between the members of an ensemble (QuorumAuth.java). */
export const quorumSaslRealm = 'zk-quorum-sasl-md5'
export const quorumSaslDigestUri = `zookeeper-quorum/${quorumSaslRealm}`

export interface DigestInput {
  /** The user that logs in. */
  readonly username: string
  /** The password of the user. */
  readonly password: string
  /** The realm that both ends use. */
  readonly realm: string
  /** The random text of the end that asks. */
  readonly nonce: string
  /** The random text of the end that logs in. */
  readonly cnonce: string
  /** The service that the user logs in to. */
  readonly digestUri: string
  /** The identity to act as. Default: the user. */
  readonly authzid?: string | undefined
  /** Whether both ends agreed on UTF-8; ISO 8859-1 otherwise. */
  readonly isUtf8: boolean
}

/** The proof of each end that it knows the password (section 2.1.2.1): `response` and `rspauth`. */
export function digestProofs(input: DigestInput): { readonly client: string; readonly server: string } {
  const { nonce, cnonce, digestUri, authzid, isUtf8 } = input
  // Each part is encoded separately: a name that fits into ISO 8859-1 is hashed in ISO 8859-1 whatever the charset, so that older
  // hashes stay valid.
  const parts = [input.username, input.realm, input.password].map((part) => latin1(part) ?? utf8(part))
  const [user, realm, password] = parts as [Uint8Array, Uint8Array, Uint8Array]
  const secret = md5(joined(user, utf8(':'), realm, utf8(':'), password))
  const rest = `:${nonce}:${cnonce}${authzid === undefined ? '' : `:${authzid}`}`
  const a1 = hexOf(md5(joined(secret, saslBytes(rest, isUtf8))))
  const proof = (method: string): string => {
    const a2 = hexOf(md5(saslBytes(`${method}:${digestUri}`, isUtf8)))
    return hexOf(md5(saslBytes(`${a1}:${nonce}:00000001:${cnonce}:auth:${a2}`, isUtf8)))
  }
  return { client: proof('AUTHENTICATE'), server: proof('') }
}

/** One directive of a token, its name in lower case. */
export type Directive = readonly [name: string, value: string]

/** Reads `name=value` or `name="value"`, separated by commas (section 7.1). Undefined where it is not that, or empty. */
export function parseDirectives(text: string): readonly Directive[] | undefined {
  const pattern = /[\s,]*([^\s=,"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)/gsy
  const directives: Directive[] = []
  let end = 0
  for (const match of text.matchAll(pattern)) {
    const [whole, name = '', inQuotes, plain = ''] = match
    directives.push([name.toLowerCase(), inQuotes?.replaceAll(/\\(.)/gs, '$1') ?? plain])
    end = match.index + whole.length
  }
  return text.slice(end).trim() !== '' || directives.length === 0 ? undefined : directives
}

export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/** The bytes of a token. A text that ISO 8859-1 cannot hold is sent in UTF-8 all the same. */
export function saslBytes(text: string, isUtf8: boolean): Uint8Array {
  return isUtf8 ? utf8(text) : (latin1(text) ?? utf8(text))
}

/** Lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text))
  encodeUtf8(text, bytes, 0)
  return bytes
}

/** Undefined where ISO 8859-1 does not have a character. */
function latin1(text: string): Uint8Array | undefined {
  const codes = Array.from(text, (character) => character.codePointAt(0) as number)
  return codes.every((code) => code < 256) ? Uint8Array.from(codes) : undefined
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
