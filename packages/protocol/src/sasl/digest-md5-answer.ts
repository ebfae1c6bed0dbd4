/** The side of SASL DIGEST-MD5 (RFC 2831) that logs in: the answer to a challenge, and whether the other end proved that it knows the password. */
import { decodeUtf8 } from '../utf8.ts'
import { type Directive, digestProofs, parseDirectives, quoted, saslBytes } from './digest-md5.ts'

/** Who logs in where. */
export interface DigestLogin {
  /** The user that logs in. */
  readonly username: string
  /** The password of the user. */
  readonly password: string
  /** The identity to act as. Default: the user. */
  readonly authzid?: string | undefined
  /** Default: the realm that the other end offers. */
  readonly realm?: string | undefined
  /** The name that the other end uses for itself. */
  readonly digestUri: string
  /** Drawn at random for this login alone; hexadecimal. */
  readonly cnonce: string
}

/** `proof` is what the other end must show then, see `showsProof`. */
export interface DigestAnswer {
  /** The answer to send. */
  readonly token: Uint8Array
  /** What the other end must show. */
  readonly proof: string
}

/** What is wrong with the words of the other end. */
export class DigestProblem extends Error {
  override readonly name = 'DigestProblem'
}

/** @throws DigestProblem for a challenge that cannot be read, or answered. */
export function answerChallenge(challenge: Uint8Array, login: DigestLogin): DigestAnswer {
  const { username, password, authzid, digestUri, cnonce } = login
  const offer = readOffer(challenge)
  const { nonce, isUtf8 } = offer
  const realm = login.realm ?? offer.realm
  const proofs = digestProofs({ username, password, realm, nonce, cnonce, digestUri, authzid, isUtf8 })
  const fields = [
    ...(isUtf8 ? ['charset=utf-8'] : []),
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    'nc=00000001',
    `cnonce=${quoted(cnonce)}`,
    `digest-uri=${quoted(digestUri)}`,
    'maxbuf=65536',
    `response=${proofs.client}`,
    'qop=auth',
    ...(authzid === undefined ? [] : [`authzid=${quoted(authzid)}`]),
  ]
  return { token: saslBytes(fields.join(','), isUtf8), proof: proofs.server }
}

/** @throws DigestProblem for bytes that cannot be read, or another proof. */
export function checkProof(token: Uint8Array, proof: string): void {
  const shown = readFields(token).find(([name]) => name === 'rspauth')?.[1]
  if (shown !== proof) throw new DigestProblem('the server did not prove that it knows the password')
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
  if (nonces.length !== 1) throw new DigestProblem('the challenge of the server has no nonce, or several')
  if (value('algorithm') !== 'md5-sess') throw new DigestProblem('the server does not offer md5-sess')
  if (!qop.includes('auth')) {
    throw new DigestProblem(`the server requires a protection that this client does not have: ${qop.join(', ')}`)
  }
  return { realm: value('realm') ?? '', nonce: nonces[0]?.[1] ?? '', isUtf8: value('charset') === 'utf-8' }
}

function readFields(challenge: Uint8Array): readonly Directive[] {
  const fields = parseDirectives(decodeUtf8(challenge, 0, challenge.length))
  if (fields === undefined) throw new DigestProblem('the challenge of the server cannot be read')
  return fields
}
