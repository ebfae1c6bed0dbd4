/**
 * One session after another, each over one connection after another: epochs, expiry, servers and states. connection.ts handles a
 * single connection. No code of a user runs here: users hold promises.
 */
import { type ConnectResponse, KeeperError, opCode } from '@lightkeeper/protocol'
import type { Runtime, TraceChannel, TraceSpan } from '@lightkeeper/runtime'
import type { HostList } from '../host-list.ts'
import { jsonable } from '../json-form.ts'
import type { AuthOption } from '../options.ts'
import { asError } from '../thrown.ts'
import { Account } from './account.ts'
import { AttemptTrace } from './attempt-trace.ts'
import { Balance } from './balance.ts'
import { SessionClaim } from './claim.ts'
import type { SessionConfig } from './config.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { Dialer, type ServerLookUp } from './dialer.ts'
import { RequestLines } from './lines.ts'
import { Meters } from './meters.ts'
import type { Haste } from './pace.ts'
import { credentialBytes, type PreparationHost, prepare, showIdentity } from './preparation.ts'
import { PendingRequest, type RequestSpec } from './request.ts'
import { type Closing, isFinal, type SessionState } from './states.ts'
import { SessionTimes } from './times.ts'
import type { SessionToken } from './token.ts'
import { WatchRegistry } from './watch-registry.ts'
import { Watchdog, type WatchdogHost } from './watchdog.ts'
import { WritableSearch } from './writable-search.ts'

const nothingLeft: Closing = { isEnded: true, left: [], leftForMs: 0 }
/** A connection that was ready for this long, milliseconds, or for a tenth of the session timeout, was a good one whatever it answered. */
const servingMsMin = 1_000

export class Session implements ConnectionHost, WatchdogHost {
  readonly runtime: Runtime
  readonly config: SessionConfig
  readonly hosts: HostList
  readonly account: Account
  readonly balance: Balance
  readonly lines: RequestLines
  readonly meters = new Meters()
  readonly times: SessionTimes
  readonly watches = new WatchRegistry()
  /** Paths, as users know them, of the ephemerals that we created in this session and did not delete. */
  readonly ephemerals = new Set<string>()
  readonly auth: AuthOption[]
  readonly claim = new SessionClaim()
  state: SessionState = { kind: 'connecting', epoch: 0 }
  epoch = 0
  /** Undefined while there is no connection, and while the next one waits for its dial. */
  #connection: Connection | undefined
  /** The server of the connection, or the last one chosen. */
  #server = ''
  /** Request types that a server does not know, by its address. */
  readonly #lacking = new Map<string, Set<number>>()
  readonly #dialer: Dialer
  readonly #watchdog: Watchdog
  #hasServed = false
  /** When the last good connection was lost; monotonic milliseconds. */
  #goodUntil = Number.NEGATIVE_INFINITY
  #writableSearch: WritableSearch | undefined
  #closing: Promise<Closing> | undefined
  /** New calls are refused. */
  #isLeaving = false
  readonly #stateListeners = new Set<(state: SessionState) => void>()
  readonly #requests: TraceSpan
  readonly #attempts: AttemptTrace
  readonly #states: TraceChannel

  constructor(
    runtime: Runtime,
    config: SessionConfig,
    hosts: HostList,
    auth: readonly AuthOption[],
    lookUp?: ServerLookUp,
  ) {
    this.runtime = runtime
    this.config = config
    this.hosts = hosts
    this.auth = [...auth]
    this.#requests = runtime.trace.span('lightkeeper.request')
    this.#attempts = new AttemptTrace(runtime)
    this.#states = runtime.trace.channel('lightkeeper.state')
    this.account = new Account(runtime.clock, runtime.log)
    this.lines = new RequestLines(this.meters, config, (ms) => this.#noReply(ms))
    this.balance = new Balance({
      clock: runtime.clock,
      random: runtime.random,
      hosts,
      afterMs: config.rebalanceAfter,
      server: () => this.#server,
      isConnected: () => this.#connection !== undefined,
      isServing: () => this.isServing,
      isBusy: () => this.lines.inFlight.length > 0,
      leaveFor: (server) => this.#connection?.drop(new Error(`moving to ${server}`)),
    })
    this.times = new SessionTimes(config.sessionTimeout)
    this.#dialer = new Dialer({
      runtime,
      hosts,
      lookUp,
      account: this.account,
      haste: () => this.#haste(),
      mayDial: () => this.#mayDial(),
      chosen: (server) => {
        this.#server = server
        this.#watchdog.arm()
      },
      connect: (server, delayMs) => this.#connect(server, delayMs),
      redial: () => this.#dial(),
    })
    this.#watchdog = new Watchdog(this)
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  /** Whether this client has ended. */
  get isOver(): boolean {
    return isFinal(this.state)
  }

  /** 0n while there is none. */
  get sessionId(): bigint {
    return this.claim.sessionId
  }

  get lastZxid(): bigint {
    return this.claim.lastZxid
  }

  get isServing(): boolean {
    return this.#connection?.phase === 'serving'
  }

  /** Whether the server of the connection has shown that it does not know requests of this type. */
  lacks(type: number): boolean {
    return this.#lacking.get(this.#server)?.has(type) === true
  }

  /** Calls `listener` at every change of state, inside the protocol loop: it must only note the state and return. */
  onState(listener: (state: SessionState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  /** Milliseconds for which the session certainly lives; 0 where that is not certain. */
  leaseMs(): number {
    const end = this.isOver ? undefined : this.times.leaseEnd()
    return end === undefined ? 0 : Math.max(0, end - this.runtime.clock.now())
  }

  start(): void {
    this.#dial()
  }

  /** Continues a session that another process has left; call it before `start`. */
  adopt(token: SessionToken): void {
    this.claim.adopt(token)
    for (const path of token.ephemerals) this.ephemerals.add(path)
  }

  // -- requests -------------------------------------------------------------------------------------------------------

  submit<T>(spec: RequestSpec<T>, signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<T> {
    // Not an async function: that would cost more than this code does, and V8 follows this chain to the awaiting caller as well.
    if (!this.#requests.hasSubscribers) return this.#submit(spec, signal, timeoutMs).then(undefined, showCaller)
    const { operation, path } = spec
    const context = jsonable({ operation, path, server: this.#server, sessionId: this.sessionId, epoch: this.epoch })
    let result: T
    // A span publishes the result of its work, and data must never be published.
    const work = async (): Promise<void> => {
      result = await this.#submit(spec, signal, timeoutMs)
    }
    return this.#requests.around(work, context).then(() => result, showCaller)
  }

  #submit<T>(spec: RequestSpec<T>, signal: AbortSignal | undefined, timeoutMs: number | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const request = new PendingRequest<T>(spec, resolve, reject)
      if (signal?.aborted) return request.rejectWith(signal.reason)
      if (this.isOver || this.#isLeaving) return request.fail(this.#finalCode(), undefined, 'not-sent')
      if (signal !== undefined || timeoutMs !== undefined) {
        request.limit(this.runtime.clock, signal, timeoutMs, (ms) => this.#noReply(ms))
      }
      if (timeoutMs === undefined) request.deadline = this.runtime.clock.now() + this.config.requestTimeout
      const connection = this.#connection
      if (connection?.phase === 'serving') connection.send(request as PendingRequest)
      else this.lines.wait(request as PendingRequest)
    })
  }

  /** Why a call was not done in time. */
  #noReply(timeoutMs: number): Error {
    return new Error(`no reply within ${timeoutMs} ms: ${this.account.noReply}`)
  }

  #finalCode(): 'AUTH_FAILED' | 'CLOSED' {
    return this.state.kind === 'authFailed' ? 'AUTH_FAILED' : 'CLOSED'
  }

  // -- connecting -----------------------------------------------------------------------------------------------------

  #mayDial(): boolean {
    return !this.isOver && this.#connection === undefined
  }

  #dial(): void {
    if (!this.#mayDial()) return
    this.lines.failOverdue(this.runtime.clock.now())
    this.#dialer.dial()
  }

  #haste(): Haste {
    return this.times.haste(this.runtime.clock.now(), this.hosts.servers.length)
  }

  #connect(server: string, delayMs: number): void {
    const { runtime, config, hosts, meters } = this
    const patienceMs = this.#hasServed ? Number.POSITIVE_INFINITY : config.connectTimeout
    this.times.dialing(runtime.clock.now(), hosts.servers.length, patienceMs)
    meters.attempts++
    runtime.log('debug', 'connecting', { server, waitedMs: Math.round(delayMs), attempt: meters.attempts })
    this.#attempts.begin({ server, epoch: this.epoch, sessionId: this.sessionId })
    let lacking = this.#lacking.get(server)
    if (lacking === undefined) this.#lacking.set(server, (lacking = new Set()))
    this.#connection = new Connection(this, server, lacking)
    this.#watchdog.arm()
  }

  answered(connection: Connection, response: ConnectResponse): void {
    const answer = this.claim.answered(response)
    if (answer === 'refused') {
      this.sessionLost(`${connection.server} says that it has ended`)
      return
    }
    connection.established(response.timeOut)
    this.#watchdog.arm()
    this.#prepare(connection, answer === 'new', response.readOnly === true).catch((error: unknown) =>
      connection.drop(asError(error)),
    )
  }

  async #prepare(connection: Connection, isNew: boolean, readOnly: boolean): Promise<void> {
    const { auth, watches, lastZxid } = this
    const { sasl, requestBytesMax } = this.config
    const setup = { sasl, auth, watches, lastZxid, requestBytesMax }
    if (!(await prepare(connection, setup, this.#preparationHost))) return
    connection.serve()
    this.#hasServed = true
    this.account.together()
    this.meters.connections++
    this.#attempts.end()
    if (!readOnly) this.claim.isWritable = true
    const { epoch, sessionId } = this
    const { server } = connection
    const { timeoutMs: sessionTimeout } = this.times
    this.#report({ kind: 'connected', epoch, sessionId, server, sessionTimeout, isNew, readOnly })
    this.watches.restored()
    if (readOnly) this.#seekWritable(connection)
    this.balance.connected()
    const { queue } = this.lines
    for (let request = queue.shift(); request !== undefined; request = queue.shift()) connection.send(request)
  }

  get #preparationHost(): PreparationHost {
    return {
      random: this.runtime.random,
      onLogin: (mechanism) => this.#report({ kind: 'saslAuthenticated', epoch: this.epoch, mechanism }),
      onRefusal: (scheme, reason) => this.#authFailed(scheme, reason),
    }
  }

  /** Looks for a server with a quorum, and moves there. */
  #seekWritable(connection: Connection): void {
    this.#writableSearch = new WritableSearch(this.runtime, this.hosts.servers, connection.server, (server) => {
      this.hosts.tryFirst(server)
      connection.drop(new Error(`${server} can be written to`))
    })
  }

  /** Adds an identity now, and after every reconnect. */
  async addAuth(option: AuthOption): Promise<void> {
    this.auth.push(option)
    const connection = this.#connection
    // A later connection will show it; a connection that is being prepared has taken its list of identities already.
    if (connection?.phase !== 'serving' && connection?.phase !== 'preparing') return
    let bytes: Uint8Array
    try {
      bytes = await credentialBytes(option)
    } catch (error) {
      // The caller gets the error, and no later connection must fail because of it.
      this.auth.splice(this.auth.indexOf(option), 1)
      throw error
    }
    if (connection === this.#connection) await showIdentity(connection, option.scheme, bytes, this.#preparationHost)
  }

  #authFailed(scheme: string, reason?: string): void {
    if (this.isOver) return
    this.#abandon()
    this.lines.failAll('AUTH_FAILED')
    this.#end({ kind: 'authFailed', epoch: this.epoch, scheme, reason })
  }

  // -- losing the connection ------------------------------------------------------------------------------------------

  lost(connection: Connection, cause: Error, isDropped: boolean): void {
    const { server, phase } = connection
    const wasServing = phase === 'serving'
    const { lastZxid } = this
    if (phase === 'handshake' && !isDropped && this.claim.closedSilently(this.hosts.servers.length)) {
      this.runtime.log('warn', 'no server has the transactions that this client has seen; the client forgets them', {
        lastZxid,
      })
    }
    const failure = new Error(`${server}: ${cause.message}`, { cause })
    this.account.failed(server, failure)
    if (wasServing) this.account.apart()
    else if (this.hosts.isAtStart) this.account.unreachable()
    this.#attempts.end(failure)
    this.#abandon()
    this.lines.loseInFlight('CONNECTION_LOSS', cause)
    if (this.isOver) return
    if (wasServing) {
      if (this.#wasGood(connection)) this.hosts.succeeded()
      this.balance.lost()
      this.watches.disconnected()
      this.#report({ kind: 'disconnected', epoch: this.epoch, sessionId: this.sessionId, reason: cause.message })
    }
    this.#dial()
  }

  /**
   * Whether the next connection may be made without a wait. A connection may end as soon as it is ready because of a request that is
   * sent on it each time. So a short one was good if it answered a request, but not twice in a short time.
   */
  #wasGood(connection: Connection): boolean {
    const now = this.runtime.clock.now()
    const enoughMs = Math.min(servingMsMin, this.times.timeoutMs / 10)
    const hasServed = connection.hasAnswered && now - this.#goodUntil >= enoughMs
    if (!hasServed && now - connection.servingSince < enoughMs) return false
    this.#goodUntil = now
    return true
  }

  /** Ends the connection, and any attempt to make one. */
  #abandon(): void {
    const connection = this.#connection
    this.#writableSearch?.stop()
    this.#writableSearch = undefined
    this.#connection = undefined
    this.#dialer.forgetLookUp()
    this.times.disconnected()
    connection?.end()
  }

  sessionLost(why: string): void {
    this.#abandon()
    this.#expired(why)
  }

  #expired(why: string): void {
    const lost = this.sessionId
    const reason = `${why}${this.account.stalled(this.times.timeoutMs * 2)}`
    if (lost === 0n) {
      // Refused before there was a session: try another server.
      this.account.failed(this.#server, new Error(`${this.#server}: refused to open a session`))
      this.#dial()
      return
    }
    this.claim.expired()
    this.times.forgetSession(this.config.sessionTimeout)
    const cause = new Error(`the session has expired: ${reason}`)
    this.lines.loseInFlight('SESSION_EXPIRED', cause)
    this.lines.expireQueue(this.config.onExpired === 'renew', cause)
    this.meters.expiries++
    const losses = { ephemerals: [...this.ephemerals], oneShotWatches: this.watches.oneShotCount }
    this.ephemerals.clear()
    this.watches.sessionEnded()
    this.#report({ kind: 'expired', epoch: this.epoch, sessionId: lost, reason, lost: losses })
    if (this.config.onExpired === 'close') {
      this.#end({ kind: 'closed', epoch: this.epoch })
      return
    }
    this.epoch++
    this.#report({ kind: 'connecting', epoch: this.epoch })
    this.#dial()
  }

  // -- leaving and closing --------------------------------------------------------------------------------------------

  /** Waits for requests under way, at most `patienceMs` or until the signal, and leaves without ending the session. */
  async detach(patienceMs: number, signal?: AbortSignal): Promise<SessionToken> {
    this.#isLeaving = true
    const { clock } = this.runtime
    const until = clock.now() + patienceMs
    const mayWait = (): boolean => clock.now() < until && signal?.aborted !== true
    while (this.lines.inFlight.length > 0 && mayWait() && this.isServing) {
      await new Promise<void>((resolve) => void clock.after(1, resolve))
    }
    const token = this.claim.token(this.times.timeoutMs, [...this.ephemerals])
    if (this.isOver) return token
    this.lines.loseInFlight('CONNECTION_LOSS', new Error('the client was detached'))
    this.#abandon()
    this.lines.failAll('CLOSED')
    this.#end({ kind: 'closed', epoch: this.epoch })
    return token
  }

  /**
   * Ends the session at the server, if there is a connection, and settles everything. Waits at most `patienceMs` and not longer
   * than until the signal. A second call returns the result of the first.
   */
  close(patienceMs: number, signal?: AbortSignal): Promise<Closing> {
    if (!this.isOver) this.#closing ??= this.#close(patienceMs, signal)
    return this.#closing ?? Promise.resolve(nothingLeft)
  }

  async #close(patienceMs: number, signal: AbortSignal | undefined): Promise<Closing> {
    let isEnded = this.sessionId === 0n
    // A connection whose identities and watches are under way is ready soon: the request waits for it.
    if (this.isServing || (this.#connection?.phase === 'preparing' && patienceMs > 0)) {
      const spec: RequestSpec<void> = { type: opCode.closeSession, operation: 'closeSession', encode() {}, decode() {} }
      isEnded = await this.submit(spec, signal, patienceMs).then(
        () => true,
        () => false,
      )
    }
    const left = isEnded ? [] : [...this.ephemerals]
    const closing = isEnded || this.isOver ? nothingLeft : { isEnded, left, leftForMs: this.times.timeoutMs }
    if (this.isOver) return closing
    if (!isEnded) {
      const facts = { sessionId: this.sessionId, ephemerals: left.length, forMs: closing.leftForMs }
      this.runtime.log('warn', 'closing without a server: the session stays until it times out', facts)
    }
    this.#abandon()
    this.lines.failAll('CLOSED')
    this.watches.sessionEnded()
    this.#end({ kind: 'closed', epoch: this.epoch })
    return closing
  }

  #end(state: SessionState): void {
    this.#watchdog.stop()
    this.#dialer.stop()
    this.balance.stop()
    this.#attempts.end(new Error('the client was closed'))
    this.#report(state)
    this.watches.sessionEnded()
    this.watches.ended()
  }

  #report(state: SessionState): void {
    this.state = jsonable(state)
    this.account.logState(state)
    if (this.#states.hasSubscribers) this.#states.publish(state)
    for (const listener of [...this.#stateListeners]) listener(state)
  }
}

/** The protocol loop creates errors. Here the stack gets the caller that awaits, which costs successful calls nothing. */
function showCaller(error: unknown): never {
  if (KeeperError.is(error)) Error.captureStackTrace(error)
  throw error
}
