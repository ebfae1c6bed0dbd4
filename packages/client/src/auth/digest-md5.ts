/** SASL DIGEST-MD5 (RFC 2831) as ZooKeeper servers speak it: both ends authenticate; later packets are not protected. */
import { KeeperError } from '@lightkeeper/protocol'
import { type Check, OptionSet, secretText } from '../arguments/checks.ts'
import { md5 } from './md5.ts'
import type { SaslContext, SaslExchange, SaslMechanism, SaslStep } from './sasl.ts'

/** A value, or a function that is called before every connection. */
export type Secret = string | (() => string | Promise<string>)

export interface DigestMd5Options {
  readonly username: Secret
  readonly password: Secret
  /** The identity to act as. Default: the user. */
  readonly authzid?: string | undefined
  /** Default: the realm that the server offers. */
  readonly realm?: string | undefined
  /** The name that the server uses for itself. Default `zookeeper/zk-sasl-md5`, which is fixed in Apache's servers. */
  readonly digestUri?: string | undefined
}

const secret: Check<Secret> = (value, name, operation) =>
  typeof value === 'function' ? (value as Secret) : secretText(value, name, operation)
const digestMd5Options = new OptionSet<DigestMd5Options>({
  username: secret,
  password: secret,
  authzid: secretText,
  realm: secretText,
  digestUri: secretText,
})

/** User and password. The password is never sent, and the server must prove that it knows it too. */
export function digestMd5(given: DigestMd5Options): SaslMechanism {
  const options = digestMd5Options.of(given, 'digestMd5')
  for (const name of ['username', 'password'] as const) {
    if (options[name] === undefined) throw new TypeError(`digestMd5: options.${name} is missing`)
  }
  const { authzid, realm, digestUri = 'zookeeper/zk-sasl-md5' } = options
  return {
    name: 'DIGEST-MD5',
    async start({ random }: SaslContext): Promise<SaslExchange> {
      const username = await ask(options.username)
      const password = await ask(options.password)
      const cnonce = hex(random.bytes(16))
      let expected: string | undefined
      return {
        first: new Uint8Array(0),
        respond(challenge): SaslStep {
          if (expected !== undefined) {
            verify(challenge, expected)
            return { isDone: true }
          }
          const offer = readOffer(challenge)
          const proofs = digestProofs({
            username,
            password,
            realm: realm ?? offer.realm,
            nonce: offer.nonce,
            cnonce,
            digestUri,
            authzid,
            isUtf8: offer.isUtf8,
          })
          expected = proofs.server
          const fields = [
            ...(offer.isUtf8 ? ['charset=utf-8'] : []),
            `username=${quoted(username)}`,
            `realm=${quoted(realm ?? offer.realm)}`,
            `nonce=${quoted(offer.nonce)}`,
            'nc=00000001',
            `cnonce=${quoted(cnonce)}`,
            `digest-uri=${quoted(digestUri)}`,
            'maxbuf=65536',
            `response=${proofs.client}`,
            'qop=auth',
            ...(authzid === undefined ? [] : [`authzid=${quoted(authzid)}`]),
          ]
          const text = fields.join(',')
          return { token: offer.isUtf8 ? utf8(text) : (latin1(text) ?? utf8(text)), isDone: false }
        },
      }
    },
  }
}

export interface DigestInput {
  readonly username: string
  readonly password: string
  readonly realm: string
  readonly nonce: string
  readonly cnonce: string
  readonly digestUri: string
  readonly authzid?: string | undefined
  readonly isUtf8: boolean
}

/** The proof of each end that it knows the password (section 2.1.2.1): `response` and `rspauth`. */
export function digestProofs(input: DigestInput): { readonly client: string; readonly server: string } {
  const { nonce, cnonce, digestUri, authzid } = input
  // Each part is encoded separately: a name that fits into ISO 8859-1 is hashed in ISO 8859-1 whatever the charset, so that older
  // hashes stay valid.
  const parts = [input.username, input.realm, input.password].map((part) => latin1(part) ?? utf8(part))
  const [user, realm, password] = parts as [Uint8Array, Uint8Array, Uint8Array]
  const secret = md5(joined(user, utf8(':'), realm, utf8(':'), password))
  const rest = `:${nonce}:${cnonce}${authzid === undefined ? '' : `:${authzid}`}`
  const a1 = hex(md5(joined(secret, utf8(rest))))
  const proof = (method: string): string =>
    hex(md5(utf8(`${a1}:${nonce}:00000001:${cnonce}:auth:${hex(md5(utf8(`${method}:${digestUri}`)))}`)))
  return { client: proof('AUTHENTICATE'), server: proof('') }
}

interface Offer {
  readonly realm: string
  readonly nonce: string
  readonly isUtf8: boolean
}

function readOffer(challenge: Uint8Array): Offer {
  const fields = readFields(challenge)
  const nonces = fields.filter(([name]) => name === 'nonce')
  const value = (name: string): string | undefined => fields.find(([each]) => each === name)?.[1]
  const qop = value('qop')?.split(/[\s,]+/) ?? ['auth']
  if (nonces.length !== 1) throw failed('the challenge of the server has no nonce, or several')
  if (value('algorithm') !== 'md5-sess') throw failed('the server does not offer md5-sess')
  if (!qop.includes('auth'))
    throw failed(`the server requires a protection that this client does not have: ${qop.join(', ')}`)
  return { realm: value('realm') ?? '', nonce: nonces[0]?.[1] ?? '', isUtf8: value('charset') === 'utf-8' }
}

function verify(challenge: Uint8Array, expected: string): void {
  const shown = readFields(challenge).find(([name]) => name === 'rspauth')?.[1]
  if (shown !== expected) throw failed('the server did not prove that it knows the password')
}

/** `name=value` or `name="value"`, separated by commas (section 7.1). */
function readFields(challenge: Uint8Array): (readonly [string, string])[] {
  const text = new TextDecoder().decode(challenge)
  const pattern = /[\s,]*([^\s=,"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)/gy
  const fields: (readonly [string, string])[] = []
  let end = 0
  for (const match of text.matchAll(pattern)) {
    const [whole, name = '', inQuotes, plain = ''] = match
    fields.push([name.toLowerCase(), inQuotes?.replaceAll(/\\(.)/gs, '$1') ?? plain])
    end = match.index + whole.length
  }
  if (text.slice(end).trim() !== '' || fields.length === 0) throw failed('the challenge of the server cannot be read')
  return fields
}

function failed(why: string): KeeperError {
  return new KeeperError('AUTH_FAILED', { message: `SASL DIGEST-MD5: ${why}` })
}

async function ask(secret: Secret): Promise<string> {
  const value: unknown = typeof secret === 'function' ? await secret() : secret
  if (typeof value !== 'string') throw new TypeError('the function for a user name or password must return a string')
  return value
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
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

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
