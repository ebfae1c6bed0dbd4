/**
 * Serves the clients: answers reads from the applied tree, passes everything that changes something to an orderer, and sends
 * replies in the order of the requests. It works the same in every role; it does not know how transactions are ordered.
 */
import {
  type Acl,
  type ConnectRequest,
  type Id,
  keeperCodes,
  MalformedFrameError,
  opCode,
  operationOf,
  permission,
  Reader,
} from '@lightkeeper/protocol'
import { assert, Deque, RepeatedLines, type Runtime } from '@lightkeeper/runtime'
import type { Auditor } from '../audit/auditor.ts'
import type { Access } from '../auth/access.ts'
import type { AuthAnswer, Authentication } from '../auth/authentication.ts'
import type { ServerConfig } from '../config/config.ts'
import { Attached } from '../session/attached.ts'
import type { Session } from '../session/session.ts'
import type { SessionIds } from '../session/session-ids.ts'
import type { SessionKeys } from '../session/session-keys.ts'
import type { ServerStats } from '../stats.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { Watches } from '../watch/watches.ts'
import type { Applied, Applier } from './applier.ts'
import type { Caller } from './caller.ts'
import { Handshake, type HandshakeDesk } from './handshake.ts'
import type { Entry } from './history.ts'
import type { Answers, Orderer } from './orderer.ts'
import { Reads } from './reads.ts'
import { beginReply, endReply, replyHeader, replyToWrite } from './replies.ts'
import { type Decided, Ticket } from './reply-queue.ts'
import { requestOf, type Serve, serveOf } from './requests.ts'

const marshallingError = keeperCodes.MARSHALLING_ERROR.number
const sessionExpired = keeperCodes.SESSION_EXPIRED.number
/** The limit of operations and watch events under way. Above it, connections with an unanswered request are not read. */
const workMax = 4_000
/** The same limit of bytes that a leader has from this server and has not answered: a slow leader must not fill the memory of its followers. */
const forwardedBytesMax = 32 << 20
const unknownOpcode =
  'closing a connection: its client sent an opcode that this server does not know or take from clients'
/** How many watches of lost connections are removed in one turn. */
const watchesPerTurn = 5_000

export interface DeskStart {
  readonly tree: DataTree
  readonly watches: Watches
  readonly access: Access
  readonly authentication: Authentication
  readonly config: ServerConfig
  readonly runtime: Runtime
  readonly stats: ServerStats
  readonly keys: SessionKeys
  readonly ids: Pick<SessionIds, 'next'>
  /** Undefined where nothing is audited. */
  readonly audit: Auditor | undefined
}

export class Desk implements Answers, HandshakeDesk {
  readonly tree: DataTree
  readonly watches: Watches
  readonly #access: Access
  readonly #config: ServerConfig
  readonly #runtime: Runtime
  readonly #stats: ServerStats
  readonly #audit: Auditor | undefined
  readonly #applier: Applier
  readonly #broken: (error: Error) => void
  readonly #attached = new Attached<Caller>()
  readonly #reads: Reads
  readonly #repeated: RepeatedLines
  readonly #handshake: Handshake
  readonly #authentication: Authentication
  readonly #waitingReader = new Reader(new Uint8Array(0))
  /** Lost connections whose watches are not all removed. */
  readonly #gone = new Deque<Caller>()
  #forgetLeft = watchesPerTurn
  #isForgetDue = false
  #orderer: Orderer

  /** `broken` gets an error in work that no client asked for: the server cannot continue. */
  constructor(start: DeskStart, applier: Applier, orderer: Orderer, broken: (error: Error) => void) {
    const { tree, watches, access, config, runtime } = start
    this.tree = tree
    this.watches = watches
    this.#access = access
    this.#config = config
    this.#runtime = runtime
    this.#stats = start.stats
    this.#audit = start.audit
    this.#applier = applier
    this.#broken = broken
    this.#reads = new Reads(tree, watches, access, config)
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
    this.#authentication = start.authentication
    this.#orderer = orderer
    this.#handshake = new Handshake(this, start, this.#attached, this.#repeated)
  }

  /** Zxid of the last transaction applied to the tree. */
  get lastZxid(): bigint {
    return this.#applier.lastZxid
  }

  /** Transactions that are ordered but not applied. */
  get outstanding(): number {
    return this.#applier.outstanding
  }

  /** So much is under way that a connection with an unanswered request is not read. */
  get isLoaded(): boolean {
    const { outstanding, work } = this.#applier
    const { forwarded } = this.#orderer
    const limit = this.#config.globalOutstandingLimit
    if (outstanding >= limit || work >= workMax) return true
    return forwarded !== undefined && (forwarded.requests >= limit || forwarded.bytes >= forwardedBytesMax)
  }

  get orderer(): Orderer {
    return this.#orderer
  }

  /** The sessions that exist. */
  get sessions(): ReadonlyMap<bigint, number> {
    return this.tree.sessions
  }

  /** Replaces the orderer; the old one has answered everything. */
  turnTo(orderer: Orderer): void {
    this.#orderer = orderer
  }

  /** Whether a client with these identities may read the data that `acl` guards. */
  mayRead(acl: readonly Acl[], identities: readonly Id[]): boolean {
    return this.#access.allows(acl, permission.read, identities)
  }

  // -- connections ----------------------------------------------------------------------------------------------------

  /** Answers the first frame of a connection, or closes the connection without an answer; then the client tries another server. */
  connect(caller: Caller, request: ConnectRequest): void {
    this.#handshake.connect(caller, request)
  }

  /** The connection is gone; its session lives until it expires. */
  disconnected(caller: Caller): void {
    if (caller.session !== undefined) this.#attached.detach(caller.session.id, caller)
    this.#forgetWatches(caller)
  }

  /** In slices: the watches that remain meanwhile send nothing, since the connection writes nothing any more. */
  #forgetWatches(caller: Caller): void {
    this.#gone.push(caller)
    if (this.#gone.length === 1) this.#forgetSome()
  }

  /** All lost connections share what may be removed in a turn: thousands may be lost at once. */
  #forgetSome(): void {
    for (let next = this.#gone.peek(); next !== undefined && this.#forgetLeft > 0; next = this.#gone.peek()) {
      this.#forgetLeft = this.watches.removeSome(next, this.#forgetLeft)
      if (this.#forgetLeft > 0 || next.watchCount === 0) this.#gone.shift()
    }
    if (this.#isForgetDue || this.#forgetLeft === watchesPerTurn) return
    this.#isForgetDue = true
    this.#runtime.clock.turnEnd(() => {
      this.#isForgetDue = false
      this.#forgetLeft = watchesPerTurn
      try {
        this.#forgetSome()
      } catch (error) {
        this.#broken(error as Error)
      }
    })
  }

  // -- requests -------------------------------------------------------------------------------------------------------

  /** Takes one request; `body` is at the end of the header. Its bytes must not change; the reader may be used again. */
  submit(caller: Caller, xid: number, type: number, body: Reader): void {
    this.#stats.received++
    const { session } = caller
    if (session === undefined) return
    const request = requestOf(type)
    if (!this.#authentication.admits(caller) && request?.kind !== 'auth' && request?.kind !== 'sasl') {
      this.#answer(caller, xid, this.#authentication.refusal(caller))
      return
    }
    switch (request?.kind) {
      case 'read':
        this.#orderer.touch(session)
        this.#readInTurn(caller, xid, type, request.serve, body)
        return
      case 'write': {
        this.#orderer.touch(session)
        const ticket = new Ticket(caller, xid, type)
        caller.replies.push(ticket)
        if (this.#audit !== undefined) this.#audit.asked(ticket, caller, type, body)
        this.#orderer.write(ticket, session, body)
        this.answerAtOnce(ticket)
        return
      }
      case 'sync':
        this.#orderer.touch(session)
        if (this.raiseBarrier(caller, xid)) this.#readInTurn(caller, xid, type, request.serve, body)
        return
      case 'closeSession':
        if (session.isClosing && !this.#orderer.isReadOnly) return
        this.#closeSession(caller, session, xid)
        return
      case 'auth':
        this.#answer(caller, xid, this.#authentication.packet(caller, body))
        return
      case 'sasl':
        this.#answer(caller, xid, this.#authentication.token(caller, body))
        return
      case undefined:
        this.#repeated.tell(caller.remoteHost, unknownOpcode, {
          client: caller.remoteHost,
          opcode: type,
          name: operationOf(type)?.name,
        })
        this.#decided(caller, {
          kind: 'decided',
          xid,
          zxid: -1n,
          err: keeperCodes.UNIMPLEMENTED.number,
          isLast: true,
        })
    }
  }

  #closeSession(caller: Caller, session: Session, xid: number): void {
    const ticket = new Ticket(caller, xid, opCode.closeSession)
    caller.replies.push(ticket)
    this.#orderer.closeSession(ticket, session)
  }

  /**
   * Nothing that this connection asks from now on is answered before all writes ordered so far are applied. Returns false where
   * that is refused: then the request with this xid has its answer.
   */
  raiseBarrier(caller: Caller, xid: number): boolean {
    const ticket = new Ticket(caller, xid, opCode.sync)
    caller.replies.push(ticket)
    this.#orderer.sync(ticket)
    this.answerAtOnce(ticket)
    return ticket.verdict === undefined || ticket.verdict === 0
  }

  #readInTurn(caller: Caller, xid: number, type: number, serve: Serve, body: Reader): void {
    const { identities, replies } = caller
    if (replies.length === 0) {
      this.#read(caller, xid, serve, body, identities)
      return
    }
    const { bytes, pos, end } = body
    const expectedBytes = this.#reads.expectedBytes(type, body)
    replies.push({ kind: 'waiting', xid, type, bytes, start: pos, end, expectedBytes, identities })
  }

  #read(caller: Caller, xid: number, serve: Serve, body: Reader, identities: readonly Id[]): void {
    const zxid = this.lastZxid
    if (caller.session?.isClosing) {
      replyHeader(caller, xid, zxid, sessionExpired)
      return
    }
    try {
      serve(this.#reads, caller, xid, body, identities, zxid)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      replyHeader(caller, xid, zxid, marshallingError)
    }
  }

  /** Hangs up where there is no answer. */
  #answer(caller: Caller, xid: number, answer: AuthAnswer | undefined): void {
    if (answer === undefined) caller.hangUp()
    else this.#decided(caller, { kind: 'decided', xid, zxid: 0n, ...answer })
  }

  /** About how many bytes the reply to a request has; 0 where it is always small. Does not move `frame`. */
  expectedBytes(frame: Reader): number {
    if (frame.remaining < 8) return 0
    const { pos } = frame
    frame.pos += 8
    const bytes = this.#reads.expectedBytes(frame.peekInt(-4), frame)
    frame.pos = pos
    return bytes
  }

  // -- answers that need no commit ------------------------------------------------------------------------------------

  opened(ticket: Ticket<Caller>): void {
    ticket.verdict = 0
    ticket.caller.answerLater()
  }

  refused(ticket: Ticket<Caller>, err: number): void {
    this.#audit?.dropped(ticket)
    ticket.verdict = err
    ticket.caller.answerLater()
  }

  lost(tickets: readonly Ticket<Caller>[]): void {
    for (const ticket of tickets) this.#audit?.dropped(ticket)
    for (const caller of new Set(tickets.map((ticket) => ticket.caller))) caller.hangUp()
  }

  /** If the orderer has decided before it returned, the answer is sent at once, unless something waits before it. */
  answerAtOnce(ticket: Ticket<Caller>): void {
    const { caller, verdict } = ticket
    if (verdict !== undefined && caller.replies.isNext(ticket)) this.answerNext(caller)
  }

  /** An answer that is decided is sent at once, unless something waits before it. */
  #decided(caller: Caller, decided: Decided): void {
    caller.replies.push(decided)
    if (caller.replies.length === 1) this.answerNext(caller)
  }

  /** Answers the oldest unanswered request, which has its answer. */
  answerNext(caller: Caller): void {
    const next = caller.replies.take()
    switch (next?.kind) {
      case 'waiting': {
        const body = this.#waitingReader.reset(next.bytes, next.start, next.end)
        this.#read(caller, next.xid, serveOf(next.type), body, next.identities)
        return
      }
      case 'ticket':
        if (next.verdict !== 0) replyHeader(caller, next.xid, this.lastZxid, next.verdict as number)
        else if (next.type === opCode.createSession) this.#handshake.established(caller)
        return
      case 'decided': {
        const mark = beginReply(caller.writer, next.xid, next.zxid, next.err)
        if (next.body !== undefined) caller.writer.raw(next.body)
        endReply(caller, mark)
        if (next.isLast) caller.hangUp()
      }
    }
  }

  // -- commits --------------------------------------------------------------------------------------------------------

  /**
   * The transaction of this ticket is applied next: earlier requests of its caller are answered first, so that they cannot see it.
   */
  answerBefore(ticket: Ticket<Caller>): void {
    const { caller } = ticket
    const { replies } = caller
    if (!caller.isOpen || replies.isNext(ticket)) return
    try {
      // `hasRoom` of the queue has made sure that these are few and small.
      while (caller.isOpen && !replies.isNext(ticket)) {
        assert(replies.hasAnswer, 'what was asked before a write can be answered when the write is applied')
        this.answerNext(caller)
      }
    } catch (error) {
      caller.fail(error)
    }
  }

  /** A transaction is applied, and its watch events are written: its reply follows them. `wall` is wall-clock milliseconds. */
  applied(entry: Entry, result: Applied, wall: number): void {
    const { header, txn, ticket } = entry
    if (this.#audit !== undefined) this.#audit.applied(header, txn, ticket)
    if (ticket?.caller.isOpen) this.#respond(ticket, entry, result, Math.max(0, wall - Number(header.time)))
    if (txn.type === opCode.closeSession) this.#attached.of(header.clientId)?.hangUp()
  }

  /** `latencyMs` is the time since the request was received. */
  #respond(ticket: Ticket<Caller>, entry: Entry, result: Applied, latencyMs: number): void {
    const { caller } = ticket
    this.#stats.updated(latencyMs)
    if (latencyMs > caller.stats.writeMs) caller.stats.writeMs = latencyMs
    try {
      // Replies are sent in the order of the requests, so a committed write is the oldest unanswered one.
      caller.replies.take()
      if (ticket.type === opCode.createSession) this.#handshake.established(caller)
      else replyToWrite(ticket, entry, result)
    } catch (error) {
      caller.fail(error)
    }
  }
}
