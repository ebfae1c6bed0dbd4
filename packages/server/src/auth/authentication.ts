/**
 * Who is at the other end of a connection: what auth and SASL packets and certificates make of its identities, and whether it may ask
 * for anything with those that it has (ZooKeeperServer.java: processPacket, processSasl; AuthenticationHelper.java). An address that
 * fails again and again is refused for a while, on every channel.
 */
import {
  type Id,
  keeperCodes,
  MalformedFrameError,
  type Reader,
  readAuthPacket,
  readGetSASLRequest,
  Writer,
} from '@lightkeeper/protocol'
import { RepeatedLine, type Runtime } from '@lightkeeper/runtime'
import type { ServerStats } from '../stats.ts'
import { AuthBudget } from './auth-budget.ts'
import type { AuthProvider, Certificate } from './providers.ts'
import { DigestMd5Login } from './sasl/digest-md5-login.ts'
import type { AuthSettings } from './settings.ts'

/** Characters of an identity. */
const identityMax = 4096
/** Characters of what a client says, in a line of the log. */
const saidMax = 64
/** Random bytes of the challenge of a login. */
const nonceBytes = 30
/** A buffer of length -1. */
const nullBuffer = Uint8Array.of(0xff, 0xff, 0xff, 0xff)

const authFailed = keeperCodes.AUTH_FAILED.number
const notAdmitted = keeperCodes.SESSION_CLOSED_REQUIRE_SASL_AUTH.number

/** A connection, as far as its identities are concerned. */
export interface Identified {
  /** Host part of the client's address. */
  readonly remoteHost: string
  /** Replaced, never changed in place. */
  identities: readonly Id[]
  /** The SASL login that has begun. */
  login: DigestMd5Login | undefined
  /** What it showed when TLS began, verified. */
  readonly certificate?: Certificate | undefined
}

/** What is answered to a packet, behind a header with zxid 0. */
export interface AuthAnswer {
  readonly err: number
  readonly body?: Uint8Array
  /** The connection is closed behind it. */
  readonly isLast: boolean
}

const accepted: AuthAnswer = { err: 0, isLast: false }
const refused: AuthAnswer = { err: authFailed, isLast: true }
/** The answer to a token where no login is offered, and to a failed one that is overlooked. */
const noLogin: AuthAnswer = { err: 0, body: nullBuffer, isLast: false }

export class Authentication {
  readonly providers: ReadonlyMap<string, AuthProvider>
  readonly #settings: AuthSettings
  readonly #runtime: Runtime
  readonly #stats: ServerStats
  readonly #budget = new AuthBudget()
  readonly #tooManyLine: RepeatedLine
  readonly #notAdmittedLine: RepeatedLine

  constructor(
    providers: ReadonlyMap<string, AuthProvider>,
    settings: AuthSettings,
    runtime: Runtime,
    stats: ServerStats,
  ) {
    this.providers = providers
    this.#settings = settings
    this.#runtime = runtime
    this.#stats = stats
    const { log, clock } = runtime
    this.#tooManyLine = new RepeatedLine(
      log,
      clock,
      'warn',
      'too many failed authentications from one address, refusing all of them for a while',
    )
    this.#notAdmittedLine = new RepeatedLine(
      log,
      clock,
      'warn',
      'closing a connection that asks for something before it has authenticated',
    )
  }

  /** Whether the address has failed so often that no credential of it is looked at. Says so in the log. */
  isBarred(remoteHost: string): boolean {
    if (!this.#budget.isSpent(remoteHost, this.#runtime.clock.now())) return false
    this.#tooManyLine.tell({ client: remoteHost })
    return true
  }

  /** An attempt from this address failed. */
  failed(remoteHost: string): void {
    this.#stats.authFailures++
    this.#budget.failed(remoteHost, this.#runtime.clock.now())
  }

  // -- auth packets ---------------------------------------------------------------------------------------------------

  /** An auth packet. What does not parse is refused. Undefined closes the connection without an answer. */
  packet(caller: Identified, body: Reader): AuthAnswer | undefined {
    const { remoteHost } = caller
    const { log } = this.#runtime
    if (this.isBarred(remoteHost)) {
      this.#stats.authFailures++
      return refused
    }
    let added: readonly Id[] | undefined
    let scheme = ''
    try {
      const packet = readAuthPacket(body)
      scheme = packet.scheme
      added = this.identitiesOf(scheme, packet.auth ?? new Uint8Array(0), caller)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
    }
    if (added === undefined) {
      this.failed(remoteHost)
      log('warn', 'authentication failed', { client: remoteHost, scheme: shortened(scheme) })
      return this.providers.get(scheme)?.refusesInSilence ? undefined : refused
    }
    if (!this.#add(caller, added)) return refused
    if (added.some(({ id }) => this.providers.get(scheme)?.isSuspect?.(id))) {
      this.#budget.failed(remoteHost, this.#runtime.clock.now())
    }
    return accepted
  }

  /** The identities that credentials prove, undefined where they prove none. Nothing is counted here. */
  identitiesOf(
    scheme: string,
    credentials: Uint8Array,
    client: Pick<Identified, 'remoteHost' | 'certificate'>,
  ): readonly Id[] | undefined {
    const added = this.providers.get(scheme)?.authenticate(credentials, client)
    return added?.some(({ id }) => id.length > identityMax) ? undefined : added
  }

  /** False where the connection would have too many identities; an identity that it has already is not added again. */
  #add(caller: Identified, added: readonly Id[]): boolean {
    const known = caller.identities
    const identities = added.filter(({ scheme, id }) => !known.some((own) => own.scheme === scheme && own.id === id))
    const { maxIdentities } = this.#settings
    if (known.length + identities.length > maxIdentities) {
      const client = caller.remoteHost
      this.#budget.failed(client, this.#runtime.clock.now())
      const message = 'authentication refused: the connection has too many identities'
      this.#runtime.log('warn', message, { client, maxIdentities })
      return false
    }
    if (identities.length > 0) caller.identities = [...known, ...identities]
    return true
  }

  // -- certificates ---------------------------------------------------------------------------------------------------

  /** The identities of the holder of a certificate that was verified; undefined where it is refused. */
  identitiesOfCertificate(certificate: Certificate, remoteHost: string, scheme = 'x509'): readonly Id[] | undefined {
    const ids = this.providers.get(scheme)?.authenticateCertificate?.(certificate)
    if (ids === undefined || ids.some(({ id }) => id.length > identityMax)) {
      this.failed(remoteHost)
      this.#runtime.log('warn', 'the certificate of a client is no identity here, closing the connection', {
        client: remoteHost,
        scheme,
      })
      return undefined
    }
    return ids
  }

  // -- SASL -----------------------------------------------------------------------------------------------------------

  /** A token of a SASL login. @throws MalformedFrameError where there is none in the request. */
  token(caller: Identified, body: Reader): AuthAnswer {
    const { token } = readGetSASLRequest(body)
    const { saslUsers: users, superUsers } = this.#settings
    if (users === undefined) return noLogin
    const client = caller.remoteHost
    if (this.isBarred(client)) {
      this.#stats.authFailures++
      return this.#loginFailed()
    }
    caller.login ??= new DigestMd5Login(users, this.#nonce())
    const step = caller.login.step(token ?? new Uint8Array(0))
    switch (step.kind) {
      case 'challenge':
        return { err: 0, body: bufferOf(step.token), isLast: false }
      case 'failed': {
        this.failed(client)
        const user = step.user === undefined ? undefined : shortened(step.user)
        this.#runtime.log('warn', 'a SASL login failed', { client, why: step.why, user })
        return this.#loginFailed()
      }
      case 'done': {
        const ids: Id[] = [{ scheme: 'sasl', id: step.user }]
        if (superUsers.includes(step.user)) ids.push({ scheme: 'super', id: '' })
        if (step.user.length > identityMax || !this.#add(caller, ids)) return this.#loginFailed()
        return { err: 0, body: bufferOf(step.token), isLast: false }
      }
    }
  }

  #loginFailed(): AuthAnswer {
    const isEnforced = this.#settings.enforcedAuthSchemes.includes('sasl')
    if (this.#settings.allowSaslFailedClients && !isEnforced) return noLogin
    return { err: isEnforced ? notAdmitted : authFailed, body: nullBuffer, isLast: true }
  }

  #nonce(): string {
    return btoa(String.fromCharCode(...this.#runtime.random.bytes(nonceBytes)))
  }

  // -- who is served --------------------------------------------------------------------------------------------------

  /** Whether connections must authenticate before they ask for anything. */
  get isEnforced(): boolean {
    return this.#settings.enforcedAuthSchemes.length > 0
  }

  /** Whether the identities of a connection suffice to ask for something. */
  admits({ identities }: Identified): boolean {
    const { enforcedAuthSchemes } = this.#settings
    if (enforcedAuthSchemes.length === 0) return true
    for (const { scheme } of identities) if (enforcedAuthSchemes.includes(scheme)) return true
    return false
  }

  /** The answer to a request of a connection that may not ask. */
  refusal({ remoteHost }: Identified): AuthAnswer {
    this.#notAdmittedLine.tell({ client: remoteHost, wanted: this.#settings.enforcedAuthSchemes.join(',') })
    return { err: notAdmitted, isLast: true }
  }
}

function bufferOf(bytes: Uint8Array): Uint8Array {
  const writer = new Writer(bytes.length + 4)
  writer.buffer(bytes)
  return writer.written()
}

function shortened(text: string): string {
  return text.length <= saidMax ? text : `${text.slice(0, saidMax)}… (${text.length} characters)`
}
