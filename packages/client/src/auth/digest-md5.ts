/** SASL DIGEST-MD5 (RFC 2831) as ZooKeeper servers speak it: both ends authenticate; later packets are not protected. */
import {
  type Directive,
  digestProofs,
  hexOf,
  KeeperError,
  parseDirectives,
  quoted,
  saslBytes,
  saslDigestUri,
} from '@lightkeeper/protocol'
import { type Check, OptionSet, secretText } from '../arguments/checks.ts'
import type { SaslContext, SaslExchange, SaslMechanism, SaslStep } from './sasl.ts'

/** A value, or a function that is called before every connection. */
export type Secret = string | (() => string | Promise<string>)

/** A login by SASL DIGEST-MD5: the user, the password, and what to say to a server that differs from Apache's defaults. */
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
  const { authzid, realm, digestUri = saslDigestUri } = options
  return {
    name: 'DIGEST-MD5',
    async start({ random }: SaslContext): Promise<SaslExchange> {
      const username = await ask(options.username)
      const password = await ask(options.password)
      const cnonce = hexOf(random.bytes(16))
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
          return { token: saslBytes(fields.join(','), offer.isUtf8), isDone: false }
        },
      }
    },
  }
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

function readFields(challenge: Uint8Array): readonly Directive[] {
  const fields = parseDirectives(new TextDecoder().decode(challenge))
  if (fields === undefined) throw failed('the challenge of the server cannot be read')
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
