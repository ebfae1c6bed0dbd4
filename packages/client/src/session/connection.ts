/**
 * One connection to one server, from the dial to its end: frames in and out, the pings on their way, and how far it has come. A
 * dial makes a new one, so what an old connection still reports or waits for cannot reach its successor. What happens in a
 * session because of it is decided in session.ts.
 */
import {
  type ConnectResponse,
  Framer,
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

/** What a connection needs of its session. */
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
  /** The connection has to end: the link has closed, or, where `isDropped`, this end gives it up. Called once at most. */
  lost(connection: Connection, cause: Error, isDropped: boolean): void
}

/** Steps forward only. In `preparing` the handshake is done, and identities and watches are on their way to the server. */
export type ConnectionPhase = 'dialing' | 'handshake' | 'preparing' | 'serving' | 'over'

const xidMax = 0x7fff_ffff
const writerBytes = 4096
/** A buffer that grew beyond this is not kept for the next request. */
const keptBytesMax = 1 << 20

export class Connection implements LinkEvents {
  readonly server: string
  phase: ConnectionPhase = 'dialing'
  /** When it began to serve; monotonic milliseconds. */
  servingSince = 0
  readonly #host: ConnectionHost
  // Parts of the host, at hand for every request.
  readonly #clock: Clock
  readonly #config: SessionConfig
  readonly #lines: RequestLines
  readonly #times: SessionTimes
  readonly #meters: Meters
  readonly #claim: SessionClaim
  /** Request types this server does not know. */
  readonly #lacking: Set<number>
  readonly #link: Link
  readonly #framer: Framer
  readonly #writer = new Writer(writerBytes)
  /** When the pings without an answer were sent, in their order. */
  readonly #pings = new Deque<number>()
  /** When the first request of this turn was written, or the last chunk arrived; monotonic milliseconds. */
  #turnAt = 0
  #isFlushDue = false
  #handshakeSentAt = 0
  /** When it is given up if it is still being prepared; monotonic milliseconds. */
  #prepareBy = Number.POSITIVE_INFINITY

  /** Dials. `lacking` is what is known of the server, and learns more. */
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

  /** Whether its server has said that it does not know requests of this type. */
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

  /** A ping has gone out at `at`, monotonic milliseconds. */
  kept(at: number): void {
    if (this.phase === 'over') return
    this.#meters.pings++
    this.#pings.push(at)
  }

  closed(reason?: Error): void {
    if (this.phase === 'over') return
    this.#host.lost(this, reason ?? new Error('the server closed the connection'), false)
  }

  // -- phases ---------------------------------------------------------------------------------------------------------

  /** The session is granted, with this timeout in milliseconds: identities and watches come next. */
  established(timeoutMs: number): void {
    this.phase = 'preparing'
    this.#times.established(this.#clock.now(), timeoutMs, this.isKeptAlive)
    const patienceMs = this.#config.heartbeatPatienceMs
    this.#link.keepAlive?.({ frame: pingFrame(), everyMs: this.#times.pingMs, patienceMs })
    this.#times.confirmed(this.#handshakeSentAt)
    this.#prepareBy = this.#clock.now() + (timeoutMs * 2) / 3
  }

  /** Requests of users may be sent. */
  serve(): void {
    this.phase = 'serving'
    this.servingSince = this.#clock.now()
  }

  isPreparationOverdue(now: number): boolean {
    return this.phase === 'preparing' && now >= this.#prepareBy
  }

  /** Gives the connection up because of something this end saw. */
  drop(reason: Error): void {
    if (this.phase === 'over') return
    this.#host.runtime.log('warn', 'dropping the connection', { server: this.server, reason: reason.message })
    this.#host.lost(this, reason, true)
  }

  /** Ends it without a word to the session. Nothing that the link still does is heard. */
  end(): void {
    if (this.phase === 'over') return
    this.phase = 'over'
    this.#link.destroy()
  }

  /** Behind a call that may have ended it: the compiler takes the phase for what it was before. */
  #isOver(): boolean {
    return this.phase === 'over'
  }

  // -- requests -------------------------------------------------------------------------------------------------------

  /** Sends a request of the session itself. */
  request<T>(spec: RequestSpec<T>): Promise<T> {
    return new Promise((resolve, reject) => this.send(new PendingRequest(spec, resolve, reject) as PendingRequest))
  }

  /** Writes a request; it leaves with everything else of this turn, or of this step of the caller where no other is on its way. */
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
      // The caller alone hears of it: nothing of the frame is left, and the number is free for the next one.
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

  /** Forgets a frame that is not to be sent, and with it the room that only it needed. */
  #takeBack(mark: number): void {
    this.#writer.truncate(mark)
    if (mark === 0 && this.#writer.bytes.length > keptBytesMax) this.#writer.renew(writerBytes)
  }

  #flushLater(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    // Callers who wait for each reply make their next call here, with nothing to share a write with.
    if (this.#lines.inFlight.length === 1) void Promise.resolve().then(() => this.flush())
    else this.#clock.turnEnd(() => this.flush())
  }

  /** Hands everything written to the link. */
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
      this.#host.answered(this, readConnectResponse(frame))
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
    if (zxid > this.#claim.lastZxid && type !== opCode.auth) this.#claim.lastZxid = zxid
    // Apache closes the connection over a request it does not know, so what a server lacks is remembered for the next one.
    if (err === keeperCodes.UNIMPLEMENTED.number) this.#lacking.add(type)
    request.reply(err, zxid, frame)
  }

  /** A reply larger than we accept fails its request alone. Only replies are that large, and they come in order. */
  #skipReply(length: number): boolean {
    const request = this.phase === 'serving' ? this.#lines.inFlight.shift() : undefined
    const cause = new Error(
      `the reply has ${length} bytes, replyBytesMax of this client is ${this.#config.replyBytesMax}`,
    )
    request?.fail('FRAME_TOO_LARGE', cause, request.spec.isRepeatable ? 'rejected' : 'unknown')
    return request !== undefined
  }
}

function pingFrame(): Uint8Array {
  const writer = new Writer(12)
  const mark = writer.beginFrame()
  writer.int(specialXid.ping)
  writer.int(opCode.ping)
  writer.endFrame(mark)
  return writer.written()
}
