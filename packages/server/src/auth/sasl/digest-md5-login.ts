/**
 * One login by SASL DIGEST-MD5 as a server sees it: a challenge, an answer, and the proof that the server knows the password too
 * (RFC 2831; ZooKeeperSaslServer.java). The first token of the client is not looked at. Each login has one try.
 */
import {
  type Directive,
  digestProofs,
  parseDirectives,
  quorumSaslDigestUri,
  quorumSaslRealm,
  quoted,
  saslBytes,
  saslDigestUri,
  saslRealm,
} from '@lightkeeper/protocol'
import { latin1Bytes, latin1Text } from '../../latin1.ts'
import { isSameText } from '../secrets.ts'
import type { SaslUsers } from './users.ts'

/** Bytes of an answer (section 2.1.2). */
const answerMax = 4096

export type LoginStep =
  | { readonly kind: 'challenge'; readonly token: Uint8Array }
  /** `token` proves that the server knows the password. */
  | { readonly kind: 'done'; readonly token: Uint8Array; readonly user: string }
  /** `why` holds nothing that came from the client, but a name. */
  | { readonly kind: 'failed'; readonly why: string; readonly user?: string }

/** What users log in to, by the names that both ends know beforehand. */
export interface SaslService {
  readonly realm: string
  readonly digestUri: string
  /** A client that asks to act as another user is still the one whose password it knows; otherwise it is refused. */
  readonly mayNameAnother: boolean
}

/** For clients (SaslServerCallbackHandler.java). */
const forClients: SaslService = { realm: saslRealm, digestUri: saslDigestUri, mayNameAnother: true }
/** Between members (SaslQuorumServerCallbackHandler.java). */
export const forMembers: SaslService = {
  realm: quorumSaslRealm,
  digestUri: quorumSaslDigestUri,
  mayNameAnother: false,
}

export class DigestMd5Login {
  readonly #users: SaslUsers
  readonly #nonce: string
  readonly #service: SaslService
  #next: 'begin' | 'answer' | 'over' = 'begin'

  /** `nonce` is drawn at random for this login alone; base64. */
  constructor(users: SaslUsers, nonce: string, service: SaslService = forClients) {
    this.#users = users
    this.#nonce = nonce
    this.#service = service
  }

  step(token: Uint8Array): LoginStep {
    const next = this.#next
    this.#next = 'over'
    if (next === 'over') return { kind: 'failed', why: 'the login is over already' }
    if (next === 'answer') return this.#judge(token)
    this.#next = 'answer'
    const offer = [
      `realm=${quoted(this.#service.realm)}`,
      `nonce=${quoted(this.#nonce)}`,
      'charset=utf-8',
      // Without `qop`: authentication alone.
      'algorithm=md5-sess',
    ]
    return { kind: 'challenge', token: saslBytes(offer.join(','), true) }
  }

  #judge(token: Uint8Array): LoginStep {
    const answer = token.length > answerMax ? undefined : Answer.read(token)
    if (answer === undefined) return { kind: 'failed', why: 'the answer cannot be read' }
    const why = answer.problem(this.#nonce, this.#service)
    const user = answer.text('username') ?? ''
    if (why !== undefined) return { kind: 'failed', why, user }
    const password = this.#users.passwordOf(user)
    const proofs = digestProofs({
      username: user,
      // The proof is computed and compared for a user that does not exist too, so that both take the same time.
      password: password ?? '',
      realm: answer.text('realm') ?? '',
      nonce: this.#nonce,
      cnonce: answer.text('cnonce') ?? '',
      digestUri: answer.text('digest-uri') ?? '',
      authzid: answer.text('authzid'),
      isUtf8: answer.isUtf8,
    })
    const isRight = isSameText(answer.text('response') ?? '', proofs.client)
    if (!isRight || password === undefined) return { kind: 'failed', why: 'wrong user or password', user }
    return { kind: 'done', token: saslBytes(`rspauth=${proofs.server}`, answer.isUtf8), user }
  }
}

class Answer {
  readonly isUtf8: boolean
  readonly #directives: readonly Directive[]

  private constructor(directives: readonly Directive[]) {
    this.#directives = directives
    this.isUtf8 = directives.some(([name, value]) => name === 'charset' && value.toLowerCase() === 'utf-8')
  }

  static read(token: Uint8Array): Answer | undefined {
    const directives = parseDirectives(latin1Text(token))
    return directives === undefined ? undefined : new Answer(directives)
  }

  text(name: string): string | undefined {
    const value = this.#directives.find(([each]) => each === name)?.[1]
    if (value === undefined || !this.isUtf8) return value
    return new TextDecoder().decode(latin1Bytes(value))
  }

  /** What is wrong with the form of the answer. Apache does not look at `nc`, and a nonce is used once here. */
  problem(nonce: string, { realm, digestUri, mayNameAnother }: SaslService): string | undefined {
    for (const name of ['username', 'nonce', 'cnonce', 'digest-uri', 'response']) {
      const count = this.#directives.filter(([each]) => each === name).length
      if (count !== 1) return `the answer has ${count === 0 ? 'no' : 'more than one'} ${name}`
    }
    if (!isSameText(this.text('nonce') ?? '', nonce)) return 'the answer is one to another challenge'
    if ((this.text('realm') ?? '') !== realm) return `the answer names another realm than ${realm}`
    if ((this.text('qop') ?? 'auth') !== 'auth') return 'the answer asks for protection of what follows'
    if ((this.text('digest-uri') ?? '').toLowerCase() !== digestUri) {
      return `the answer is meant for another server than ${digestUri}`
    }
    const authzid = this.text('authzid')
    if (!mayNameAnother && authzid !== undefined && authzid !== this.text('username')) {
      return 'the answer asks to act as another user'
    }
    return undefined
  }
}
