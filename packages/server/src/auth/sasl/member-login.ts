/**
 * A login between two members by SASL DIGEST-MD5, each side as a machine: bytes in, bytes out. Links and time are elsewhere. The side that
 * dials begins; both prove that they know the password (SaslQuorumAuthLearner.java, SaslQuorumAuthServer.java).
 *
 * Observed on 3.9.5, on both ports alike, the election port behind the initial message:
 *   → 5f2435013501edcc, 0, an empty token
 *   ← the same magic, 0, realm="zk-quorum-sasl-md5",nonce="…",charset=utf-8,algorithm=md5-sess
 *   → 0, charset=utf-8,username="…",realm=…,nonce=…,nc=00000001,cnonce="…",digest-uri="zookeeper-quorum/zk-quorum-sasl-md5",…
 *   ← 1, rspauth=…
 */
import {
  answerChallenge,
  beginsQuorumAuth,
  checkProof,
  type DigestLogin,
  DigestProblem,
  MalformedFrameError,
  parseQuorumAuth,
  type QuorumAuthPacket,
  quorumAuthBytes,
  quorumSaslDigestUri,
} from '@lightkeeper/protocol'
import { joined } from '../../joined.ts'
import { DigestMd5Login, forMembers } from './digest-md5-login.ts'
import type { OwnLogin } from './member-sasl.ts'
import type { SaslUsers } from './users.ts'

const nothing = new Uint8Array(0)

export interface LoginProgress {
  /** To be sent now. */
  readonly send?: Uint8Array
  /** Undefined while the login goes on. */
  readonly end?: LoginEnd
}

export type LoginEnd =
  /** `rest` are the bytes that came behind the login. `user`: undefined where the other side did not log in, and need not. */
  | { readonly kind: 'passed'; readonly rest: Uint8Array; readonly user: string | undefined }
  /** `why` is a sentence for the log, without a subject. */
  | { readonly kind: 'failed'; readonly why: string }

/** One side of a login. */
export interface MemberLogin {
  /** What this side says first. */
  begin(): LoginProgress
  received(chunk: Uint8Array): LoginProgress
  /** The other side closed the connection before the end of the login. */
  closed(): LoginEnd
}

/** Bytes → packets of a login. */
class Incoming {
  #bytes: Uint8Array = nothing

  add(chunk: Uint8Array): void {
    this.#bytes = joined(this.#bytes, chunk)
  }

  get isEmpty(): boolean {
    return this.#bytes.length === 0
  }

  get begins(): boolean | undefined {
    return beginsQuorumAuth(this.#bytes)
  }

  takeRest(): Uint8Array {
    const rest = this.#bytes
    this.#bytes = nothing
    return rest
  }

  /** @throws MalformedFrameError */
  next(): QuorumAuthPacket | undefined {
    const parsed = parseQuorumAuth(this.#bytes)
    if (parsed === undefined) return undefined
    this.#bytes = this.#bytes.subarray(parsed.end)
    return parsed.packet
  }
}

/** The side that dials: it logs in. */
export class DialingLogin implements MemberLogin {
  readonly #login: DigestLogin
  readonly #incoming = new Incoming()
  /** What the other side must show; undefined before its challenge. */
  #proof: string | undefined

  /** `cnonce` is drawn at random for this login alone; hexadecimal. */
  constructor({ username, password }: OwnLogin, cnonce: string) {
    this.#login = { username, password, cnonce, digestUri: quorumSaslDigestUri }
  }

  begin(): LoginProgress {
    return { send: quorumAuthBytes({ status: 'inProgress', token: nothing }) }
  }

  received(chunk: Uint8Array): LoginProgress {
    this.#incoming.add(chunk)
    if (this.#incoming.begins === false) {
      return failed('the other server speaks without a login; quorum.auth.enableSasl must be true there')
    }
    try {
      const packet = this.#incoming.next()
      return packet === undefined ? {} : this.#answer(packet)
    } catch (error) {
      if (error instanceof DigestProblem) return failed(error.message)
      if (!(error instanceof MalformedFrameError)) throw error
      return failed(`the other server sent what is no part of a login: ${error.message}`)
    }
  }

  closed(): LoginEnd {
    const why =
      this.#proof === undefined
        ? 'the other server does not ask for a password: it closed the connection, or does not answer; ' +
          'quorum.auth.enableSasl must be true there, and sslQuorum the same here and there'
        : 'the other server closed the connection during the login'
    return { kind: 'failed', why }
  }

  #answer({ status, token }: QuorumAuthPacket): LoginProgress {
    if (status === 'error') {
      const { username } = this.#login
      return failed(
        this.#proof === undefined
          ? 'the other server refuses to begin a login'
          : `the other server refuses the password of the user ${username}; compare the login files of both`,
      )
    }
    if (token === null) return failed('the other server sent no token')
    if (this.#proof === undefined) {
      if (status === 'success') return failed('the other server did not ask for a password')
      const answer = answerChallenge(token, this.#login)
      this.#proof = answer.proof
      return { send: quorumAuthBytes({ status: 'inProgress', token: answer.token }) }
    }
    if (status !== 'success') return failed('the other server asks again, and a login has one try')
    checkProof(token, this.#proof)
    return { end: { kind: 'passed', rest: this.#incoming.takeRest(), user: this.#login.username } }
  }
}

/** The side that was dialed: it asks for a password. */
export class AcceptingLogin implements MemberLogin {
  readonly #isRequired: boolean
  readonly #login: DigestMd5Login
  readonly #incoming = new Incoming()
  #hasBegun = false

  /** `nonce` is drawn at random for this login alone; base64. */
  constructor(users: SaslUsers, isRequired: boolean, nonce: string) {
    this.#isRequired = isRequired
    this.#login = new DigestMd5Login(users, nonce, forMembers)
  }

  begin(): LoginProgress {
    return {}
  }

  received(chunk: Uint8Array): LoginProgress {
    this.#incoming.add(chunk)
    if (!this.#hasBegun) {
      const { begins } = this.#incoming
      if (begins === undefined) return {}
      if (!begins) return { end: this.#withoutLogin() }
    }
    try {
      const packet = this.#incoming.next()
      return packet === undefined ? {} : this.#answer(packet.token)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return refused(`it sent what is no part of a login: ${error.message}`)
    }
  }

  /** Apache's server that dials one with a larger number, and does not log in, says who it is and closes. */
  closed(): LoginEnd {
    if (!this.#hasBegun && this.#incoming.isEmpty) return this.#withoutLogin()
    return { kind: 'failed', why: 'it closed the connection during the login' }
  }

  #withoutLogin(): LoginEnd {
    return this.#isRequired
      ? { kind: 'failed', why: 'it does not log in; set quorum.auth.learnerRequireSasl=true there' }
      : { kind: 'passed', rest: this.#incoming.takeRest(), user: undefined }
  }

  #answer(token: Uint8Array | null): LoginProgress {
    // DIGEST-MD5 begins with the words of the other side. Kerberos begins with a ticket.
    if (!this.#hasBegun && (token === null || token.length > 0)) {
      return refused('it logs in by another mechanism than DIGEST-MD5; Kerberos between members is not possible here')
    }
    this.#hasBegun = true
    const step = this.#login.step(token ?? nothing)
    if (step.kind === 'failed') {
      return refused(step.user === undefined ? step.why : `${step.why}: the user is ${JSON.stringify(step.user)}`)
    }
    if (step.kind === 'challenge') return { send: quorumAuthBytes({ status: 'inProgress', token: step.token }) }
    return {
      send: quorumAuthBytes({ status: 'success', token: step.token }),
      end: { kind: 'passed', rest: this.#incoming.takeRest(), user: step.user },
    }
  }
}

function failed(why: string): LoginProgress {
  return { end: { kind: 'failed', why } }
}

/** The other side hears it too. */
function refused(why: string): LoginProgress {
  return { send: quorumAuthBytes({ status: 'error', token: nothing }), end: { kind: 'failed', why } }
}
