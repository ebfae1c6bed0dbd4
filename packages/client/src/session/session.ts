/**
 * One session after another, each over one connection after another: dials, shakes hands, authenticates, re-arms watches,
 * sends what users asked for and matches the replies. The only place that touches link and clock. No code of a user runs in
 * here: users hold promises.
 */
import {
  Framer,
  KeeperError,
  keeperCodes,
  MalformedFrameError,
  opCode,
  Reader,
  readConnectResponse,
  readWatcherEvent,
  specialXid,
  Writer,
  writeConnectRequest,
} from '@lightkeeper/protocol'
import {
  Deque,
  type Link,
  type LinkEvents,
  type Runtime,
  type Timer,
  type TraceChannel,
  type TraceSpan,
} from '@lightkeeper/runtime'
import type { SaslMechanism } from '../auth/sasl.ts'
import type { HostList } from '../host-list.ts'
import { jsonable } from '../json-form.ts'
import type { AuthOption } from '../options.ts'
import { asError } from '../thrown.ts'
import { Account, seconds } from './account.ts'
import { AttemptTrace } from './attempt-trace.ts'
import { Balance } from './balance.ts'
import { RequestLines } from './lines.ts'
import { Meters } from './meters.ts'
import { attemptMsMax, type Haste, waitMsMax } from './pace.ts'
import { credentialBytes, type FreshConnection, prepare, showIdentity } from './preparation.ts'
import { PendingRequest, type RequestSpec } from './request.ts'
import { type Closing, isFinal, type SessionState } from './states.ts'
import { type ClientStats, latencyOf, type WatchCounters } from './stats.ts'
import { SessionTimes } from './times.ts'
import type { SessionToken } from './token.ts'
import { WatchRegistry } from './watch-registry.ts'
import { WritableSearch } from './writable-search.ts'

export interface SessionConfig {
  readonly sessionTimeout: number
  /** Patience for the first session of all. */
  readonly connectTimeout: number
  readonly onExpired: 'renew' | 'close'
  readonly readOnly: boolean
  readonly queueLimit: number
  readonly requestBytesMax: number
  readonly replyBytesMax: number
  /** Limit of a request that has none of its own, milliseconds; checked now and then, not to the millisecond. */
  readonly requestTimeout: number
  /** Milliseconds from a failover to a voluntary move, at least; 0 for never. */
  readonly rebalanceAfter: number
  readonly sasl?: SaslMechanism | undefined
  /** How long a thread pings while the event loop is busy, milliseconds; 0 for no thread. */
  readonly heartbeatPatienceMs: number
}

/** Where the list of servers comes from, if not from the connect string. */
export interface ServerLookUp {
  readonly name: string
  servers(): Promise<readonly string[]>
}

const noPassword = new Uint8Array(16)
const xidMax = 0x7fff_ffff
const nothingLeft: Closing = { isEnded: true, left: [], leftForMs: 0 }
/** A connection that has served for so long, milliseconds, or a tenth of the session timeout, was a good one. */
const servingMsMin = 1_000

export class Session implements LinkEvents {
  readonly watches = new WatchRegistry()
  /** Paths, as users know them, of the ephemerals made in this session and not deleted by us. */
  readonly ephemerals = new Set<string>()
  readonly auth: AuthOption[]
  state: SessionState = { kind: 'connecting', epoch: 0 }
  epoch = 0
  sessionId = 0n
  /** Highest zxid of any ordinary reply: no server behind it is accepted. */
  lastZxid = 0n
  readonly account: Account
  readonly meters = new Meters()
  readonly runtime: Runtime
  readonly #requests: TraceSpan
  readonly #attempts: AttemptTrace
  readonly #states: TraceChannel
  /** When the first request of this turn was written, or the last chunk arrived; monotonic milliseconds. */
  #turnAt = 0
  /** Request types that a server, by its address, does not know. */
  readonly #lacking = new Map<string, Set<number>>()
  readonly #config: SessionConfig
  readonly #hosts: HostList
  readonly #lookUp: ServerLookUp | undefined
  readonly balance: Balance
  /** Where the next voluntary move goes; undefined: wherever is fair. */
  #moveTo: string | undefined
  /** The connection was lost, by itself or by a voluntary move. */
  #hasFailedOver = false
  #isMoving = false
  readonly #times: SessionTimes
  readonly #writer = new Writer(4096)
  #framer: Framer
  readonly #lines: RequestLines
  readonly #stateListeners = new Set<(state: SessionState) => void>()
  #password: Uint8Array = noPassword
  #xid = 0
  #link: Link | undefined
  #server = ''
  #phase: 'idle' | 'dialing' | 'handshake' | 'preparing' | 'serving' = 'idle'
  #timer: Timer | undefined
  #dialTimer: Timer | undefined
  #flushScheduled = false
  /** When the pings without an answer were sent, in their order. */
  readonly #pings = new Deque<number>()
  #dropReason: Error | undefined
  #hasServed = false
  #closing: Promise<Closing> | undefined
  /** Nothing new is taken any more. */
  #isLeaving = false
  /** This session has been on a server with a quorum. */
  #isWritable = false
  #writableSearch: WritableSearch | undefined
  /** Handshakes in a row that a server closed without a word, asked for a new session. */
  #silentRefusals = 0
  /** When a connection that is still being prepared is given up. */
  #prepareBy = 0
  #handshakeSentAt = 0
  /** When the latest connection began to serve. */
  #servingSince = 0

  constructor(
    runtime: Runtime,
    config: SessionConfig,
    hosts: HostList,
    auth: readonly AuthOption[],
    lookUp?: ServerLookUp,
  ) {
    this.runtime = runtime
    this.#requests = runtime.trace.span('lightkeeper.request')
    this.#attempts = new AttemptTrace(runtime)
    this.#states = runtime.trace.channel('lightkeeper.state')
    this.#config = config
    this.account = new Account(runtime.clock, runtime.log)
    this.#lines = new RequestLines(this.meters, config, (ms) => this.#noReply(ms))
    this.#hosts = hosts
    this.#lookUp = lookUp
    this.balance = new Balance(runtime.clock, runtime.random, config.rebalanceAfter, {
      isBusy: () => this.#lines.inFlight.length > 0 || this.#phase !== 'serving',
      move: () => this.#move(),
    })
    this.auth = [...auth]
    this.#times = new SessionTimes(config.sessionTimeout)
    this.#framer = new Framer(config.replyBytesMax)
  }

  /** Those known now, in the order they are tried. */
  get servers(): readonly string[] {
    return this.#hosts.servers
  }

  /** Most bytes of a request. */
  get requestBytesMax(): number {
    return this.#config.requestBytesMax
  }

  get requestTimeoutMs(): number {
    return this.#config.requestTimeout
  }

  get isServing(): boolean {
    return this.#phase === 'serving'
  }

  /** Whether the server connected to has said that it does not know requests of this type. */
  lacks(type: number): boolean {
    return this.#lacking.get(this.#server)?.has(type) === true
  }

  /** Calls `listener` at every change of state, from within the protocol loop: it must only note and return. */
  onState(listener: (state: SessionState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  start(): void {
    this.#dial()
  }

  /** Other servers from now on; those who should be elsewhere then go there when nothing is on its way. */
  replaceServers(servers: readonly string[]): void {
    const before = this.#hosts.servers
    this.#hosts.replace(servers)
    const there = this.#hosts.serverAfter(before, this.#server)
    if (there === this.#server || this.#link === undefined) return
    this.#moveTo = there ?? this.#hosts.fairServer(this.#server)
    this.balance.moveSoon()
  }

  #move(): void {
    const to = this.#moveTo ?? this.#hosts.fairServer(this.#server)
    this.#moveTo = undefined
    if (to === this.#server || this.#phase !== 'serving') return
    this.#hosts.tryFirst(to)
    this.#isMoving = true
    this.#drop(new Error(`moving to ${to}`))
  }

  /** Milliseconds for which the session certainly lives, whatever happens from now on; 0 where that is not certain. */
  leaseMs(): number {
    const end = isFinal(this.state) ? undefined : this.#times.leaseEnd()
    return end === undefined ? 0 : Math.max(0, end - this.runtime.clock.now())
  }

  /** Goes on with a session another process has left; before `start`. */
  adopt(token: SessionToken): void {
    this.sessionId = token.sessionId
    this.#password = token.password
    this.lastZxid = token.lastZxid
    this.#isWritable = true
    for (const path of token.ephemerals) this.ephemerals.add(path)
  }

  stats(watches: WatchCounters): ClientStats {
    const { meters } = this
    const { sent, answered, lost, repeated, recovered, timedOut, longestStallMs, stalls } = meters
    const { oneShotCount: oneShot, persistentCount: persistent } = this.watches
    const [inFlight, queued] = [
      this.#lines.inFlight.length + this.#lines.authenticating.length,
      this.#lines.queue.length,
    ]
    return {
      state: this.state.kind,
      epoch: this.epoch,
      requests: { sent, answered, lost, repeated, recovered, timedOut, inFlight, queued },
      latency: latencyOf(meters.latency),
      bytes: { sent: meters.bytesSent, received: meters.bytesReceived },
      connections: { attempts: meters.attempts, established: meters.connections, pings: meters.pings },
      expiries: meters.expiries,
      watches: { ...watches, received: meters.events, oneShot, persistent },
      eventLoop: { longestStallMs, stalls },
    }
  }

  // -- requests -------------------------------------------------------------------------------------------------------

  submit<T>(spec: RequestSpec<T>, signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<T> {
    // Not an async function: that costs a call more than this does, and V8 follows this chain to whoever awaits it as well.
    if (!this.#requests.hasSubscribers) return this.#submit(spec, signal, timeoutMs).then(undefined, showCaller)
    const { operation, path } = spec
    const context = jsonable({ operation, path, server: this.#server, sessionId: this.sessionId, epoch: this.epoch })
    return this.#requests.around(() => this.#submit(spec, signal, timeoutMs), context).then(undefined, showCaller)
  }

  #submit<T>(spec: RequestSpec<T>, signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const request = new PendingRequest<T>(spec, resolve, reject)
      if (signal?.aborted) return request.rejectWith(signal.reason)
      if (isFinal(this.state) || this.#isLeaving) return request.fail(this.#finalCode(), undefined, 'not-sent')
      if (signal !== undefined || timeoutMs !== undefined) this.#bound(request, signal, timeoutMs)
      if (timeoutMs === undefined) request.deadline = this.runtime.clock.now() + this.#config.requestTimeout
      if (this.#phase === 'serving') this.#send(request as PendingRequest)
      else this.#lines.wait(request as PendingRequest)
    })
  }

  #bound<T>(request: PendingRequest<T>, signal: AbortSignal | undefined, timeoutMs: number | undefined): void {
    const abort = (): void => request.rejectWith(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.runtime.clock.after(timeoutMs, () => request.fail('TIMEOUT', this.#noReply(timeoutMs)))
    request.onSettled(() => {
      signal?.removeEventListener('abort', abort)
      timer?.cancel()
    })
  }

  /** Why a call was not done in its time. */
  #noReply(timeoutMs: number): Error {
    return new Error(`no reply within ${timeoutMs} ms: ${this.account.noReply}`)
  }

  #finalCode(): 'AUTH_FAILED' | 'CLOSED' {
    return this.state.kind === 'authFailed' ? 'AUTH_FAILED' : 'CLOSED'
  }

  /** Writes a request; it leaves with everything else of this turn, or of this step of the caller where no other is on its way. */
  #send(request: PendingRequest): void {
    if (request.isSettled) return
    if (this.lacks(request.spec.type)) {
      const cause = new Error(`${this.#server} does not know requests of this kind`)
      request.fail('UNIMPLEMENTED', cause, 'rejected')
      return
    }
    const mark = this.#writer.beginFrame()
    const xid = this.#xid === xidMax ? 1 : this.#xid + 1
    try {
      this.#writer.int(xid)
      this.#writer.int(request.spec.type)
      request.spec.write(this.#writer)
    } catch (error) {
      // The caller alone hears of it: nothing of the frame is left, and the number is free for the next one.
      this.#takeBack(mark)
      request.rejectWith(error)
      return
    }
    const bytes = this.#writer.length - mark - 4
    if (bytes > this.#config.requestBytesMax) {
      this.#takeBack(mark)
      const limit = tooLarge('request', bytes, this.#config.requestBytesMax)
      request.fail('FRAME_TOO_LARGE', new Error(limit), 'not-sent')
      return
    }
    this.#writer.endFrame(mark)
    this.#xid = xid
    request.xid = xid
    request.isSent = true
    request.seen = this.lastZxid
    request.sentAt = this.#flushScheduled ? this.#turnAt : (this.#turnAt = this.runtime.clock.now())
    this.meters.sent++
    request.sessionId = this.sessionId
    const line = request.spec.type === opCode.auth ? this.#lines.authenticating : this.#lines.inFlight
    line.push(request)
    this.#flushLater()
  }

  /** Forgets a frame that is not to be sent, and with it the room that only it needed. */
  #takeBack(mark: number): void {
    this.#writer.truncate(mark)
    if (mark === 0 && this.#writer.bytes.length > 1 << 20) this.#writer.renew(4096)
  }

  #flushLater(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    // Callers who wait for each reply make their next call here, with nothing to share a write with.
    if (this.#lines.inFlight.length === 1) void Promise.resolve().then(() => this.#flush())
    else this.runtime.clock.turnEnd(() => this.#flush())
  }

  #flush(): void {
    this.#flushScheduled = false
    const link = this.#link
    if (link === undefined || this.#writer.length === 0) return
    const bytes = this.#writer.written()
    this.meters.bytesSent += bytes.length
    link.write(bytes)
    this.#times.sent(this.runtime.clock.now())
    if (link.queuedBytes === 0 && this.#writer.bytes.length <= 1 << 20) this.#writer.clear()
    else this.#writer.renew(4096)
  }

  // -- connecting -----------------------------------------------------------------------------------------------------

  #dial(): void {
    this.#dialTimer?.cancel()
    if (isFinal(this.state) || this.#link !== undefined) return
    this.#lines.failOverdue(this.runtime.clock.now())
    if (this.#lookUp !== undefined && this.#hosts.isAtStart) {
      void this.#lookUpServers(this.#lookUp)
      return
    }
    this.#dialNext()
  }

  /** Asks anew which servers there are. A name that cannot be resolved now, or in time, leaves those known before. */
  async #lookUpServers(lookUp: ServerLookUp): Promise<void> {
    const generation = this.#generation
    const { clock } = this.runtime
    let failure: Error | undefined
    let timer: Timer | undefined
    try {
      // A name service that hangs must not hold up what an attempt would not be held up by.
      const limitMs = attemptMsMax(this.#haste())
      const late = new Promise<never>((_, reject) => {
        timer = clock.after(limitMs, () => reject(new Error(`no answer within ${Math.round(limitMs)} ms`)))
      })
      this.#hosts.replace(await Promise.race([lookUp.servers(), late]))
      this.account.failures.delete(lookUp.name)
    } catch (error) {
      failure = asError(error)
    }
    timer?.cancel()
    if (generation !== this.#generation || isFinal(this.state) || this.#link !== undefined) return
    if (failure !== undefined)
      this.account.failed(lookUp.name, new Error(`${lookUp.name}: ${failure.message}`, { cause: failure }))
    if (this.#hosts.servers.length > 0) this.#dialNext()
    else this.#dialTimer = clock.after(this.#hosts.wait(waitMsMax(this.#haste())), () => this.#dial())
  }

  #haste(): Haste {
    return this.#times.haste(this.runtime.clock.now(), this.#hosts.servers.length)
  }

  #dialNext(): void {
    const { server, delayMs } = this.#hosts.next(waitMsMax(this.#haste()))
    this.#server = server
    this.#armTimer()
    this.#dialTimer = this.runtime.clock.after(delayMs, () => {
      if (isFinal(this.state) || this.#link !== undefined) return
      this.#phase = 'dialing'
      this.#dropReason = undefined
      this.#framer = new Framer(this.#config.replyBytesMax, (length) => this.#skipReply(length))
      this.#writer.renew(4096)
      const patienceMs = this.#hasServed ? Number.POSITIVE_INFINITY : this.#config.connectTimeout
      this.#times.dialing(this.runtime.clock.now(), this.#hosts.servers.length, patienceMs)
      this.meters.attempts++
      this.runtime.log('debug', 'connecting', { server, waitedMs: Math.round(delayMs), attempt: this.meters.attempts })
      this.#attempts.begin({ server, epoch: this.epoch, sessionId: this.sessionId })
      this.#link = this.runtime.network.connect(server, this.#eventsOfLink(), {
        hasThread: this.#config.heartbeatPatienceMs > 0,
      })
      this.#armTimer()
    })
  }

  /** Events of a link that was replaced must not reach us. */
  #eventsOfLink(): LinkEvents {
    const generation = ++this.#generation
    const isCurrent = (): boolean => generation === this.#generation
    return {
      opened: () => isCurrent() && this.opened(),
      data: (chunk) => isCurrent() && this.data(chunk),
      kept: (at) => isCurrent() && this.kept(at),
      closed: (reason) => isCurrent() && this.closed(reason),
    }
  }
  #generation = 0

  opened(): void {
    this.#phase = 'handshake'
    const mark = this.#writer.beginFrame()
    writeConnectRequest(this.#writer, {
      protocolVersion: 0,
      lastZxidSeen: this.lastZxid,
      timeOut: this.#config.sessionTimeout,
      sessionId: this.#claimedId,
      passwd: this.#claimedId === 0n ? noPassword : this.#password,
      readOnly: this.#config.readOnly,
    })
    this.#writer.endFrame(mark)
    this.#handshakeSentAt = this.runtime.clock.now()
    this.#flush()
  }

  /** A session that only servers without a quorum have seen is unknown to the others: there a new one is asked for. */
  get #claimedId(): bigint {
    return this.#isWritable ? this.sessionId : 0n
  }

  data(chunk: Uint8Array): void {
    const now = this.runtime.clock.now()
    this.#turnAt = now
    this.meters.bytesReceived += chunk.length
    this.#times.received(now)
    this.#framer.push(chunk)
    const link = this.#link
    try {
      for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) {
        this.#frame(frame)
        if (this.#link !== link) return
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      this.#drop(error)
    }
  }

  #frame(frame: Reader): void {
    if (this.#phase === 'handshake') {
      this.#handshake(frame)
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
      this.meters.events++
      this.watches.dispatch(readWatcherEvent(frame), zxid)
      return
    }
    const request = this.#lines.take(xid)
    if (request === undefined) {
      this.#drop(new Error(`reply to request ${xid} where ${this.#lines.due ?? 'none'} was due`))
      return
    }
    this.meters.answered++
    this.meters.latency.record(this.#turnAt - request.sentAt)
    this.#times.confirmed(request.sentAt)
    if (zxid > this.lastZxid && request.spec.type !== opCode.auth) this.lastZxid = zxid
    if (err === keeperCodes.UNIMPLEMENTED.number) this.#noteLacking(request.spec.type)
    request.reply(err, zxid, frame)
  }

  /** A reply larger than we accept fails its request alone. Only replies are that large, and they come in order. */
  #skipReply(length: number): boolean {
    const request = this.#phase === 'serving' ? this.#lines.inFlight.shift() : undefined
    const cause = new Error(
      `the reply has ${length} bytes, replyBytesMax of this client is ${this.#config.replyBytesMax}`,
    )
    request?.fail('FRAME_TOO_LARGE', cause, request.spec.isRepeatable ? 'rejected' : 'unknown')
    return request !== undefined
  }

  /** Apache closes the connection over a request it does not know, so what a server lacks is remembered for the next one. */
  #noteLacking(type: number): void {
    const known = this.#lacking.get(this.#server)
    if (known === undefined) this.#lacking.set(this.#server, new Set([type]))
    else known.add(type)
  }

  #handshake(frame: Reader): void {
    const response = readConnectResponse(frame)
    const asked = this.#claimedId
    this.#silentRefusals = 0
    if (response.timeOut <= 0 || (asked !== 0n && response.sessionId !== asked)) {
      // Refused; or another session than the one asked for, which is the same to whoever relied on it.
      this.#abandon()
      this.#expired(`${this.#server} says that it has ended`)
      return
    }
    const isNew = asked === 0n
    this.sessionId = response.sessionId
    this.#password = (response.passwd ?? noPassword).slice()
    this.#phase = 'preparing'
    this.#times.established(this.runtime.clock.now(), response.timeOut, this.#link?.keepAlive !== undefined)
    this.#link?.keepAlive?.({
      frame: pingFrame(),
      everyMs: this.#times.pingMs,
      patienceMs: this.#config.heartbeatPatienceMs,
    })
    this.#times.confirmed(this.#handshakeSentAt)
    this.#prepareBy = this.runtime.clock.now() + (response.timeOut * 2) / 3
    this.#armTimer()
    const generation = this.#generation
    this.#prepare(isNew, response.readOnly === true).catch((error: unknown) => {
      // Credentials asked for on a connection that is gone must not take the next one down.
      if (generation === this.#generation) this.#drop(asError(error))
    })
  }

  async #prepare(isNew: boolean, readOnly: boolean): Promise<void> {
    const connection = this.#freshConnection()
    const { auth, watches, lastZxid } = this
    if (!(await prepare(connection, { sasl: this.#config.sasl, auth, watches, lastZxid }))) return
    this.#phase = 'serving'
    this.#hasServed = true
    this.#servingSince = this.runtime.clock.now()
    this.account.together()
    this.meters.connections++
    this.#attempts.end()
    if (!readOnly) this.#isWritable = true
    const { timeoutMs } = this.#times
    this.#report({
      kind: 'connected',
      epoch: this.epoch,
      sessionId: this.sessionId,
      server: this.#server,
      sessionTimeout: timeoutMs,
      isNew,
      readOnly,
    })
    this.watches.restored()
    if (readOnly) this.#seekWritable()
    if (this.#hasFailedOver && !this.#isMoving) this.balance.failedOver()
    this.#hasFailedOver = false
    this.#isMoving = false
    for (let request = this.#lines.queue.shift(); request !== undefined; request = this.#lines.queue.shift())
      this.#send(request)
  }

  #freshConnection(): FreshConnection {
    const generation = this.#generation
    return {
      server: this.#server,
      random: this.runtime.random,
      isOpen: () => generation === this.#generation && this.#phase === 'preparing',
      lacks: (type) => this.lacks(type),
      request: (spec) => this.#internal(spec),
      flush: () => this.#flush(),
      onLogin: (mechanism) => this.#report({ kind: 'saslAuthenticated', epoch: this.epoch, mechanism }),
      onRefusal: (scheme, reason) => this.#authFailed(scheme, reason),
    }
  }

  /** Looks for a server that has its quorum, and goes there. */
  #seekWritable(): void {
    this.#writableSearch = new WritableSearch(this.runtime, this.#hosts.servers, this.#server, (server) => {
      this.#hosts.tryFirst(server)
      this.#drop(new Error(`${server} can be written to`))
    })
  }

  /** A request of our own, sent before the user's. */
  #internal<T>(spec: RequestSpec<T>): Promise<T> {
    return new Promise((resolve, reject) => this.#send(new PendingRequest(spec, resolve, reject) as PendingRequest))
  }

  /** Adds an identity now and after every reconnect. */
  async addAuth(option: AuthOption): Promise<void> {
    this.auth.push(option)
    // A connection still to be made will show it; one that is being prepared has its list of identities already.
    if (this.#phase !== 'serving' && this.#phase !== 'preparing') return
    const generation = this.#generation
    let bytes: Uint8Array
    try {
      bytes = await credentialBytes(option)
    } catch (error) {
      // The caller hears of it, and no later connection must fail over it.
      this.auth.splice(this.auth.indexOf(option), 1)
      throw error
    }
    if (generation === this.#generation) await showIdentity(this.#freshConnection(), option.scheme, bytes)
  }

  #authFailed(scheme: string, reason?: string): void {
    if (isFinal(this.state)) return
    this.#abandon()
    this.#lines.failAll('AUTH_FAILED')
    this.#end({ kind: 'authFailed', epoch: this.epoch, scheme, reason })
  }

  // -- losing the connection ------------------------------------------------------------------------------------------

  closed(reason?: Error): void {
    const wasServing = this.#phase === 'serving'
    const cause = this.#dropReason ?? reason ?? new Error('the server closed the connection')
    if (this.#phase === 'handshake' && this.#dropReason === undefined) this.#refusedSilently()
    const failure = new Error(`${this.#server}: ${cause.message}`, { cause })
    this.account.failed(this.#server, failure)
    if (wasServing) this.account.apart()
    else if (this.#hosts.isAtStart) this.account.unreachable()
    this.#attempts.end(failure)
    this.#abandon()
    this.#lines.loseInFlight('CONNECTION_LOSS', cause)
    if (isFinal(this.state)) return
    if (wasServing) {
      // A connection that ends as soon as it serves, over what is sent on it perhaps, must not be made again without a wait.
      const servedMs = this.runtime.clock.now() - this.#servingSince
      if (servedMs >= Math.min(servingMsMin, this.#times.timeoutMs / 10)) this.#hosts.succeeded()
      this.#hasFailedOver = true
      this.balance.stop()
      this.watches.disconnected()
      this.#report({ kind: 'disconnected', epoch: this.epoch, sessionId: this.sessionId, reason: cause.message })
    }
    this.#dial()
  }

  /**
   * A server closes without a word when we have seen more than it holds (ZooKeeperServer.java, processConnectRequest). While a
   * session lives that keeps us from going back in time; a new one promises nothing about the old, and servers that all lost
   * their data would be unreachable for ever.
   */
  #refusedSilently(): void {
    if (this.sessionId !== 0n || this.lastZxid === 0n) return
    if (++this.#silentRefusals < this.#hosts.servers.length) return
    this.runtime.log('warn', 'no server has what was seen before; starting over', { lastZxid: this.lastZxid })
    this.lastZxid = 0n
  }

  /** Closes the connection because of something we saw. */
  #drop(reason: Error): void {
    if (this.#link === undefined) return
    this.#dropReason = reason
    this.runtime.log('warn', 'dropping the connection', { server: this.#server, reason: reason.message })
    const link = this.#link
    link.destroy()
    this.closed(reason)
  }

  /** Forgets the link, whatever it still does. */
  #abandon(): void {
    const link = this.#link
    this.#writableSearch?.stop()
    this.#writableSearch = undefined
    this.#generation++
    this.#link = undefined
    this.#phase = 'idle'
    this.#pings.clear()
    this.#times.disconnected()
    this.#writer.renew(4096)
    link?.destroy()
  }

  #expired(why: string): void {
    const lost = this.sessionId
    const reason = `${why}${this.account.stalled(this.#times.timeoutMs * 2)}`
    if (lost === 0n) {
      // Refused before there was a session: try elsewhere.
      this.account.failed(this.#server, new Error(`${this.#server}: refused to open a session`))
      this.#dial()
      return
    }
    this.sessionId = 0n
    this.#isWritable = false
    this.#password = noPassword
    this.#times.forgetSession(this.#config.sessionTimeout)
    const cause = new Error(`the session has expired: ${reason}`)
    this.#lines.loseInFlight('SESSION_EXPIRED', cause)
    this.#lines.expireQueue(this.#config.onExpired === 'renew', cause)
    this.meters.expiries++
    const losses = { ephemerals: [...this.ephemerals], oneShotWatches: this.watches.oneShotCount }
    this.ephemerals.clear()
    this.watches.sessionEnded()
    this.#report({ kind: 'expired', epoch: this.epoch, sessionId: lost, reason, lost: losses })
    if (this.#config.onExpired === 'close') {
      this.#end({ kind: 'closed', epoch: this.epoch })
      return
    }
    this.epoch++
    this.#report({ kind: 'connecting', epoch: this.epoch })
    this.#dial()
  }

  // -- leaving and closing --------------------------------------------------------------------------------------------

  /** Waits for what is on its way, at most `patienceMs` or until the signal, and leaves without ending the session. */
  async detach(patienceMs: number, signal?: AbortSignal): Promise<SessionToken> {
    this.#isLeaving = true
    const { clock } = this.runtime
    const until = clock.now() + patienceMs
    const mayWait = (): boolean => clock.now() < until && signal?.aborted !== true
    while (this.#lines.inFlight.length > 0 && mayWait() && this.#phase === 'serving') {
      await new Promise<void>((resolve) => void clock.after(1, resolve))
    }
    const { sessionId, lastZxid } = this
    const token: SessionToken = {
      sessionId,
      password: this.#password,
      timeoutMs: this.#times.timeoutMs,
      lastZxid,
      ephemerals: [...this.ephemerals],
    }
    if (isFinal(this.state)) return token
    this.#lines.loseInFlight('CONNECTION_LOSS', new Error('the client was detached'))
    this.#abandon()
    this.#lines.failAll('CLOSED')
    this.#end({ kind: 'closed', epoch: this.epoch })
    return token
  }

  /**
   * Ends the session at the server, where one is connected, and settles everything. Waits at most `patienceMs`, and no longer than
   * until the signal. Whoever calls it again gets the same.
   */
  close(patienceMs: number, signal?: AbortSignal): Promise<Closing> {
    if (!isFinal(this.state)) this.#closing ??= this.#close(patienceMs, signal)
    return this.#closing ?? Promise.resolve(nothingLeft)
  }

  async #close(patienceMs: number, signal: AbortSignal | undefined): Promise<Closing> {
    let isEnded = this.sessionId === 0n
    if (this.#phase === 'serving') {
      const spec: RequestSpec<void> = { type: opCode.closeSession, operation: 'closeSession', write() {}, read() {} }
      isEnded = await this.submit(spec, signal, patienceMs).then(
        () => true,
        () => false,
      )
    }
    const left = isEnded ? [] : [...this.ephemerals]
    const closing = isEnded || isFinal(this.state) ? nothingLeft : { isEnded, left, leftForMs: this.#times.timeoutMs }
    if (isFinal(this.state)) return closing
    if (!isEnded) {
      const facts = { sessionId: this.sessionId, ephemerals: left.length, forMs: closing.leftForMs }
      this.runtime.log('warn', 'closing without a server: the session stays until it times out', facts)
    }
    this.#abandon()
    this.#lines.failAll('CLOSED')
    this.watches.sessionEnded()
    this.#end({ kind: 'closed', epoch: this.epoch })
    return closing
  }

  #end(state: SessionState): void {
    this.#timer?.cancel()
    this.#dialTimer?.cancel()
    this.balance.stop()
    this.#attempts.end(new Error('the client was closed'))
    this.#report(state)
    this.watches.sessionEnded()
    this.watches.ended()
  }

  // -- time -----------------------------------------------------------------------------------------------------------

  #armTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (isFinal(this.state)) return
    const { clock } = this.runtime
    const next = this.#times.nextCheckAt()
    if (next === Number.POSITIVE_INFINITY) return
    // More often than it takes, so that a stall of this process is measured to a tenth of the timeout.
    const at = Math.min(next, clock.now() + this.#times.timeoutMs / 10)
    // Judged at the end of the turn: after a long pause of this process the timer runs before what has arrived is read.
    this.#timer = clock.after(Math.max(0, at - clock.now()), () => {
      this.#noteStall(clock.now() - at)
      clock.turnEnd(() => this.#timePassed())
    })
  }

  /** A timer that runs late tells that the process did something else all the while, and no ping went out. */
  #noteStall(ms: number): void {
    if (ms > this.meters.longestStallMs) this.meters.longestStallMs = ms
    if (ms <= this.#times.timeoutMs / 3) return
    this.meters.stalls++
    this.account.stall(ms)
    const timeoutMs = this.#times.timeoutMs
    const pings = this.#link?.keepAlive === undefined ? 'pings are late' : 'the heartbeat thread sent the pings'
    this.runtime.log('warn', `the event loop was blocked; ${pings}`, { ms: Math.round(ms), timeoutMs })
  }

  #timePassed(): void {
    const now = this.runtime.clock.now()
    this.#lines.failOverdue(now)
    if (this.#times.isSessionLost(now)) {
      const silentMs = now - (this.#times.lastContact ?? now)
      this.#abandon()
      this.#expired(`no server was heard of for ${seconds(silentMs)}`)
    } else if (this.#link !== undefined && this.#times.isPeerDead(now)) {
      this.#drop(new Error(this.#phase === 'serving' ? 'nothing heard from the server' : 'no answer from the server'))
    } else if (this.#phase === 'preparing' && now >= this.#prepareBy) {
      this.#drop(new Error('credentials or watches were not in place in time'))
    } else if (this.#phase === 'serving' || this.#phase === 'preparing') {
      if (this.#times.isPingDue(now)) this.#ping()
    }
    this.#armTimer()
  }

  #ping(): void {
    this.kept(this.runtime.clock.now())
    this.#writer.raw(pingFrame())
    this.#flush()
  }

  /** A ping has gone out at `at`. */
  kept(at: number): void {
    this.meters.pings++
    this.#pings.push(at)
  }

  #report(state: SessionState): void {
    this.state = jsonable(state)
    this.account.tell(state)
    if (this.#states.hasSubscribers) this.#states.publish(state)
    for (const listener of [...this.#stateListeners]) listener(state)
  }
}

/** A server tells nobody what it accepts: it closes the connection. So the limit that it has by default is told as well. */
export function tooLarge(what: 'request' | 'data', bytes: number, limit: number): string {
  const whose = `requestBytesMax of this client is ${limit}`
  return `the ${what} has ${bytes} bytes; ${whose}, and jute.maxbuffer of a server is 1048575 unless it is set there`
}

/** Errors are made in the protocol loop; from here the stack shows who awaits the call, at no cost to calls that succeed. */
function showCaller(error: unknown): never {
  if (KeeperError.is(error)) Error.captureStackTrace(error)
  throw error
}

function pingFrame(): Uint8Array {
  const writer = new Writer(12)
  const mark = writer.beginFrame()
  writer.int(specialXid.ping)
  writer.int(opCode.ping)
  writer.endFrame(mark)
  return writer.written()
}
