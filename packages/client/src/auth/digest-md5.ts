/** SASL DIGEST-MD5 (RFC 2831) as ZooKeeper servers speak it: both ends authenticate; later packets are not protected. */
import { answerChallenge, checkProof, DigestProblem, hexOf, KeeperError, saslDigestUri } from '@lightkeeper/protocol'
import { type Check, OptionSet, secretText } from '../arguments/checks.ts'
import type { SaslContext, SaslExchange, SaslMechanism, SaslStep } from './sasl.ts'

/** A value, or a function that is called before every connection. */
export type Secret = string | (() => string | Promise<string>)

/** A login by SASL DIGEST-MD5: the user, the password, and what to say to a server that differs from Apache's defaults. */
export interface DigestMd5Options {
  /** The user. A function is called before every connection. */
  readonly username: Secret
  /** The password. A function is called before every connection. */
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
      let proof: string | undefined
      return {
        first: new Uint8Array(0),
        respond(challenge): SaslStep {
          return inWords(() => {
            if (proof !== undefined) {
              checkProof(challenge, proof)
              return { isDone: true }
            }
            const answer = answerChallenge(challenge, { username, password, realm, authzid, digestUri, cnonce })
            proof = answer.proof
            return { token: answer.token, isDone: false }
          })
        },
      }
    },
  }
}

/** @throws KeeperError for what is wrong with the words of the server. */
function inWords<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DigestProblem)) throw error
    throw new KeeperError('AUTH_FAILED', { message: `SASL DIGEST-MD5: ${error.message}` })
  }
}

async function ask(secret: Secret): Promise<string> {
  const value: unknown = typeof secret === 'function' ? await secret() : secret
  if (typeof value !== 'string') throw new TypeError('the function for a user name or password must return a string')
  return value
}
