/** Answers the first frame of a connection: a session begins, or one goes on over another connection. */
import { type ConnectRequest, opCode, writeConnectResponse } from '@lightkeeper/protocol'
import type { RepeatedLines } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import type { Attached } from '../session/attached.ts'
import { Session } from '../session/session.ts'
import type { SessionIds } from '../session/session-ids.ts'
import type { SessionKeys } from '../session/session-keys.ts'
import type { ServerStats } from '../stats.ts'
import type { Caller } from './caller.ts'
import type { Orderer } from './orderer.ts'
import { Ticket } from './reply-queue.ts'

const laterZxidSeen =
  'refused a client that has seen a later zxid than this server: it was connected to another server, or data was lost here'
const noPassword = new Uint8Array(16)

/** What the handshake needs of the desk, as it is now. */
export interface HandshakeDesk {
  readonly orderer: Orderer
  /** Zxid of the last transaction applied to the tree. */
  readonly lastZxid: bigint
  /** The sessions that exist. */
  readonly sessions: ReadonlyMap<bigint, number>
  /** Nothing that this connection asks from now on is answered before all writes ordered so far are applied. */
  raiseBarrier(caller: Caller, xid: number): boolean
  /** If the orderer has decided before it returned, the answer is sent at once. */
  answerAtOnce(ticket: Ticket<Caller>): void
}

export class Handshake {
  readonly #desk: HandshakeDesk
  readonly #config: ServerConfig
  readonly #stats: ServerStats
  readonly #keys: SessionKeys
  readonly #ids: Pick<SessionIds, 'next'>
  readonly #attached: Attached<Caller>
  readonly #repeated: RepeatedLines

  constructor(
    desk: HandshakeDesk,
    { config, stats, keys, ids }: HandshakeParts,
    attached: Attached<Caller>,
    repeated: RepeatedLines,
  ) {
    this.#desk = desk
    this.#config = config
    this.#stats = stats
    this.#keys = keys
    this.#ids = ids
    this.#attached = attached
    this.#repeated = repeated
  }

  /** Answers it, or closes the connection without an answer: then the client tries another server. */
  connect(caller: Caller, request: ConnectRequest): void {
    const { orderer, lastZxid } = this.#desk
    this.#stats.connectRequests++
    // We must not take a client back in time: it has seen later transactions than we have.
    if (request.lastZxidSeen > lastZxid) {
      // It tries again several times a second, and so do all the others.
      const facts = { client: caller.remoteHost, seen: request.lastZxidSeen, here: lastZxid }
      this.#repeated.tell(caller.remoteHost, laterZxidSeen, facts)
      caller.hangUp()
      return
    }
    const { minSessionTimeout, maxSessionTimeout } = this.#config
    const timeoutMs = Math.min(Math.max(request.timeOut, minSessionTimeout), maxSessionTimeout)
    caller.knowsReadOnly = request.readOnly !== undefined
    if (request.sessionId !== 0n) this.#takeOver(caller, request, timeoutMs)
    else if (orderer.isReadOnly && request.readOnly !== true) caller.hangUp()
    else this.#begin(caller, timeoutMs)
  }

  #begin(caller: Caller, timeoutMs: number): void {
    const session = new Session(this.#ids.next(this.#desk.sessions), timeoutMs)
    this.#attach(caller, session)
    const ticket = new Ticket(caller, 0, opCode.createSession)
    caller.replies.push(ticket)
    this.#desk.orderer.openSession(ticket, session)
    this.#desk.answerAtOnce(ticket)
  }

  /** A client returns with an existing session. */
  #takeOver(caller: Caller, request: ConnectRequest, timeoutMs: number): void {
    const { orderer } = this.#desk
    const { sessionId, passwd } = request
    const done = (session: Session | 'unknown' | undefined): void => {
      if (!caller.isOpen) return
      if (session === 'unknown') {
        caller.hangUp()
        return
      }
      if (session === undefined) {
        this.#respond(caller, undefined)
        caller.hangUp()
        return
      }
      this.#stats.revalidations++
      this.#attached.of(sessionId)?.hangUp()
      this.#attach(caller, session)
      // The client must see over this connection what it wrote over an earlier one.
      if (!this.#desk.orderer.isReadOnly) this.#desk.raiseBarrier(caller, 0)
      this.established(caller)
    }
    // The password is checked first: a forged reconnect must not close the session's healthy connection, as it does in Apache.
    if (this.#keys.isPasswordOf(sessionId, passwd)) orderer.revalidate(sessionId, timeoutMs, done)
    else done(undefined)
  }

  #attach(caller: Caller, session: Session): void {
    this.#attached.attach(session.id, caller)
    caller.session = session
  }

  /** The session of the connection exists: the client learns its id and password, and requests may be read. */
  established(caller: Caller): void {
    this.#respond(caller, caller.session)
    caller.established()
  }

  #respond(caller: Caller, session: Session | undefined): void {
    const mark = caller.writer.beginFrame()
    writeConnectResponse(caller.writer, {
      protocolVersion: 0,
      timeOut: session?.timeoutMs ?? 0,
      sessionId: session?.id ?? 0n,
      passwd: session === undefined ? noPassword : this.#keys.passwordOf(session.id),
      readOnly: caller.knowsReadOnly ? this.#desk.orderer.isReadOnly : undefined,
    })
    caller.writer.endFrame(mark)
    caller.wrote()
  }
}

export interface HandshakeParts {
  readonly config: ServerConfig
  readonly stats: ServerStats
  readonly keys: SessionKeys
  readonly ids: Pick<SessionIds, 'next'>
}
