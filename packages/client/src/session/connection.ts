/**
 * One connection to one server, from the dial to its end: frames in and out, pings, and its phase. Each dial makes a new object, so
 * that late events of an old connection cannot reach its successor. session.ts decides what an event means for the session.
 */
import {
  type ConnectResponse,
  Framer,
  KeeperError,
  keeperCodes,
  MalformedFrameError,
  opCode,
  type Reader,
  readConnectResponse,
  readWatcherEvent,
  specialXid,
  Writer,
  writeConnectRequest,
} from '@lightkeeper/protocol'
import { type Clock, Deque, type Link, type LinkEvents, type Runtime } from '@lightkeeper/runtime'
import type { SessionClaim } from './claim.ts'
import type { SessionConfig } from './config.ts'
import type { RequestLines } from './lines.ts'
import type { Meters } from './meters.ts'
import { PendingRequest, type RequestSpec, tooLarge } from './request.ts'
import type { SessionTimes } from './times.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** What a connection needs from its session. */
export interface ConnectionHost {
  readonly runtime: Runtime
  readonly config: SessionConfig
  readonly lines: RequestLines
  readonly times: SessionTimes
  readonly meters: Meters
  readonly watches: WatchRegistry
  readonly claim: SessionClaim
  /** The server has answered the handshake. */
  answered(connection: Connection, response: ConnectResponse): void
  /** The connection must end: the link has closed, or, with `isDropped`, this end gives it up. Called at most once. */
  lost(connection: Connection, cause: Error, isDropped: boolean): void
}

/** The phases go only forward. In `preparing` the handshake is done, and identities and watches are under way to the server. */
export type ConnectionPhase = 'dialing' | 'handshake' | 'preparing' | 'serving' | 'over'

const xidMax = 0x7fff_ffff
/** The size of the header of a reply. A ConnectResponse is longer. */
const replyHeaderBytes = 16
const writerBytes = 4096
/** A buffer that grew beyond this size is not kept for the next request. */
const keptBytesMax = 1 << 20

export class Connection implements LinkEvents {
  readonly server: string
  phase: ConnectionPhase = 'dialing'
  /** When it became ready for requests; monotonic milliseconds. */
  servingSince = 0
  /** The highest zxid of the replies before it began to serve. */
  #preparedZxid = 0n
  /** Replies to all requests of the client before it began to serve. */
  #answeredBefore = 0
  readonly #host: ConnectionHost
  // Parts of the host, kept as fields because every request uses them.
  readonly #clock: Clock
  readonly #config: SessionConfig
  readonly #lines: RequestLines
  readonly #times: SessionTimes
  readonly #meters: Meters
  readonly #claim: SessionClaim
  /** Request types that this server does not know. */
  readonly #lacking: Set<number>
  readonly #link: Link
  readonly #framer: Framer
  readonly #writer = new Writer(writerBytes)
  /** When the unanswered pings were sent, oldest first. */
  readonly #pings = new Deque<number>()
  /** When the first request of this turn was written, or the last chunk arrived; monotonic milliseconds. */
  #turnAt = 0
  #isFlushDue = false
  #handshakeSentAt = 0
  /** When to give it up if it is not ready by then; monotonic milliseconds. */
  #prepareBy = Number.POSITIVE_INFINITY

  /** Dials. `lacking` lists the request types that the server does not know; this connection may add to it. */
  constructor(host: ConnectionHost, server: string, lacking: Set<number>) {
    this.#host = host
    this.#clock = host.runtime.clock
    this.#config = host.config
    this.#lines = host.lines
    this.#times = host.times
    this.#meters = host.meters
    this.#claim = host.claim
    this.server = server
    this.#lacking = lacking
    const { heartbeatPatienceMs, replyBytesMax } = host.config
    this.#framer = new Framer(replyBytesMax, (length) => this.#skipReply(length))
    this.#link = host.runtime.network.connect(server, this, { hasThread: heartbeatPatienceMs > 0 })
  }

  /** Whether a thread of the host sends the pings. */
  get isKeptAlive(): boolean {
    return this.#link.keepAlive !== undefined
  }

  /** Whether its server has shown that it does not know requests of this type. */
  lacks(type: number): boolean {
    return this.#lacking.has(type)
  }

  // -- the link -------------------------------------------------------------------------------------------------------

  opened(): void {
    if (this.phase === 'over') return
    this.phase = 'handshake'
    const mark = this.#writer.beginFrame()
    const { sessionTimeout, readOnly } = this.#config
    writeConnectRequest(this.#writer, this.#claim.connectRequest(sessionTimeout, readOnly))
    this.#writer.endFrame(mark)
    this.#handshakeSentAt = this.#clock.now()
    this.flush()
  }

  data(chunk: Uint8Array): void {
    if (this.phase === 'over') return
    const now = this.#clock.now()
    this.#turnAt = now
    this.#meters.bytesReceived += chunk.length
    this.#times.received(now)
    this.#framer.push(chunk)
    try {
      for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) {
        this.#frame(frame)
        if (this.#isOver()) return
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      this.drop(error)
    }
  }

  /** A ping was sent at `at`, monotonic milliseconds. */
  kept(at: number): void {
    if (this.phase === 'over') return
    this.#meters.pings++
    this.#pings.push(at)
  }

  closed(reason?: Error): void {
    if (this.phase === 'over') return
    const isAnswered = this.phase !== 'dialing' && this.phase !== 'handshake'
    const message = isAnswered
      ? 'the server closed the connection'
      : 'the server opened no session: it has no leader, or lacks what this client has seen'
    this.#host.lost(this, reason ?? new Error(message), false)
  }

  // -- phases ---------------------------------------------------------------------------------------------------------

  /** The server has granted the session, with this timeout in milliseconds. Identities and watches are next. */
  established(timeoutMs: number): void {
    this.phase = 'preparing'
    this.#times.established(this.#clock.now(), timeoutMs, this.isKeptAlive)
    const patienceMs = this.#config.heartbeatPatienceMs
    this.#link.keepAlive?.({ frame: pingFrame(), everyMs: this.#times.pingMs, patienceMs })
    this.#times.confirmed(this.#handshakeSentAt)
    this.#prepareBy = this.#clock.now() + (timeoutMs * 2) / 3
  }

  /** From now on requests of users may be sent. */
  serve(): void {
    this.phase = 'serving'
    this.#seen(this.#preparedZxid)
    this.servingSince = this.#clock.now()
    this.#answeredBefore = this.#meters.answered
  }

  /** Whether a request was answered on it since it began to serve. */
  get hasAnswered(): boolean {
    return this.#meters.answered > this.#answeredBefore
  }

  isPreparationOverdue(now: number): boolean {
    return this.phase === 'preparing' && now >= this.#prepareBy
  }

  /** Gives the connection up, because of something that this end has seen. */
  drop(reason: Error): void {
    if (this.phase === 'over') return
    this.#host.runtime.log('warn', 'dropping the connection', { server: this.server, reason: reason.message })
    this.#host.lost(this, reason, true)
  }

  /** Ends it and does not inform the session. Later events of the link are ignored. */
  end(): void {
    if (this.phase === 'over') return
    this.phase = 'over'
    this.#link.destroy()
  }

  /** For use after a call that may have ended it: the compiler believes that the phase is still the old one. */
  #isOver(): boolean {
    return this.phase === 'over'
  }

  // -- requests -------------------------------------------------------------------------------------------------------

  /** Sends a request of the session itself. */
  request<T>(spec: RequestSpec<T>): Promise<T> {
    return new Promise((resolve, reject) => this.send(new PendingRequest(spec, resolve, reject) as PendingRequest))
  }

  /**
   * Writes a request. It is sent together with all other requests of this turn; or with those of the caller's step, if no other
   * request is under way.
   */
  send(request: PendingRequest): void {
    if (request.isSettled) return
    const { spec } = request
    if (this.#lacking.has(spec.type)) {
      const cause = new Error(`${this.server} does not know requests of this kind`)
      request.fail('UNIMPLEMENTED', cause, 'rejected')
      return
    }
    const lines = this.#lines
    const mark = this.#writer.beginFrame()
    const xid = lines.lastXid === xidMax ? 1 : lines.lastXid + 1
    try {
      this.#writer.int(xid)
      this.#writer.int(spec.type)
      spec.encode(this.#writer)
    } catch (error) {
      // Only the caller gets the error: nothing of the frame is left, and the next request takes the number.
      this.#takeBack(mark)
      request.rejectWith(error)
      return
    }
    const bytes = this.#writer.length - mark - 4
    if (bytes > this.#config.requestBytesMax) {
      this.#takeBack(mark)
      request.fail('FRAME_TOO_LARGE', new Error(tooLarge('request', bytes, this.#config.requestBytesMax)), 'not-sent')
      return
    }
    this.#writer.endFrame(mark)
    lines.lastXid = xid
    request.xid = xid
    request.isSent = true
    request.seen = this.#claim.lastZxid
    request.sentAt = this.#isFlushDue ? this.#turnAt : (this.#turnAt = this.#clock.now())
    request.sessionId = this.#claim.sessionId
    this.#meters.sent++
    const line = spec.type === opCode.auth ? lines.authenticating : lines.inFlight
    line.push(request)
    this.#flushLater()
  }

  /** Removes a frame that must not be sent, and frees the memory that only it needed. */
  #takeBack(mark: number): void {
    this.#writer.truncate(mark)
    if (mark === 0 && this.#writer.bytes.length > keptBytesMax) this.#writer.renew(writerBytes)
  }

  #flushLater(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    // Callers that wait for each reply make their next call here, and no other request shares the write with it.
    if (this.#lines.inFlight.length === 1) void Promise.resolve().then(() => this.flush())
    else this.#clock.turnEnd(() => this.flush())
  }

  /** Passes everything that was written to the link. */
  flush(): void {
    this.#isFlushDue = false
    if (this.phase === 'over' || this.#writer.length === 0) return
    const bytes = this.#writer.written()
    this.#meters.bytesSent += bytes.length
    this.#link.write(bytes)
    this.#times.sent(this.#clock.now())
    if (this.#link.queuedBytes === 0 && this.#writer.bytes.length <= keptBytesMax) this.#writer.clear()
    else this.#writer.renew(writerBytes)
  }

  ping(): void {
    this.kept(this.#clock.now())
    this.#writer.raw(pingFrame())
    this.flush()
  }

  // -- replies --------------------------------------------------------------------------------------------------------

  #frame(frame: Reader): void {
    if (this.phase === 'handshake') {
      if (frame.remaining === replyHeaderBytes) this.#host.lost(this, refusal(frame), true)
      else this.#host.answered(this, readConnectResponse(frame))
      return
    }
    const xid = frame.int()
    const zxid = frame.long()
    const err = frame.int()
    if (xid === specialXid.ping) {
      const sentAt = this.#pings.shift()
      if (sentAt !== undefined) this.#times.confirmed(sentAt)
      return
    }
    if (xid === specialXid.watchEvent) {
      this.#meters.events++
      this.#host.watches.dispatch(readWatcherEvent(frame), zxid)
      return
    }
    const request = this.#lines.take(xid)
    if (request === undefined) {
      this.drop(new Error(`reply to request ${xid} where ${this.#lines.due ?? 'none'} was due`))
      return
    }
    this.#meters.answered++
    this.#meters.latency.record(this.#turnAt - request.sentAt)
    this.#times.confirmed(request.sentAt)
    const { type } = request.spec
    if (type !== opCode.auth) this.#seen(zxid)
    // Apache closes the connection after a request that it does not know, so the next connection must know what the server lacks.
    if (err === keeperCodes.UNIMPLEMENTED.number) this.#lacking.add(type)
    request.reply(err, zxid, frame)
  }

  /**
   * A reply has shown the state at `zxid`. The next connection asks for the events of every watch since the last zxid. So the replies
   * that put watches in place count only together: some watches may not be in place yet, and their events have not come.
   */
  #seen(zxid: bigint): void {
    if (this.phase === 'serving') {
      if (zxid > this.#claim.lastZxid) this.#claim.lastZxid = zxid
    } else if (zxid > this.#preparedZxid) this.#preparedZxid = zxid
  }

  /** A reply that is larger than we accept fails only its own request. Only replies can be so large, and they come in order. */
  #skipReply(length: number): boolean {
    const request = this.phase === 'serving' ? this.#lines.inFlight.shift() : undefined
    const cause = new Error(
      `the reply has ${length} bytes, replyBytesMax of this client is ${this.#config.replyBytesMax}`,
    )
    if (request?.isSettled === false) request.spec.onRefusal?.()
    request?.fail('FRAME_TOO_LARGE', cause, request.spec.isRepeatable ? 'rejected' : 'unknown')
    return request !== undefined
  }
}

/**
 * Why a server opens no session. A read-only member of Apache without local sessions answers the handshake like a write, with the header of
 * a reply alone, and leaves the connection open (ReadOnlyRequestProcessor.java). [obs 3.9.5]
 */
function refusal(frame: Reader): Error {
  frame.int()
  frame.long()
  const { code } = KeeperError.fromNumber(frame.int())
  const reason = code === 'NOT_READ_ONLY' ? 'it has no quorum' : code
  return new Error(`the server opens no session: ${reason}`)
}

function pingFrame(): Uint8Array {
  const writer = new Writer(12)
  const mark = writer.beginFrame()
  writer.int(specialXid.ping)
  writer.int(opCode.ping)
  writer.endFrame(mark)
  return writer.written()
}
