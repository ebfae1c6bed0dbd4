/**
 * Makes transactions: from clients' requests, from sessions that expire, from containers and TTL znodes that may go. Runs only
 * where transactions are made, and passes each one on in the order of the zxids. What happens to them then is not its task.
 *
 * A zxid is the epoch (upper 32 bits) and a counter. The first one follows the zxid at the beginning of the term, so in a new epoch
 * the counter begins at 0. In Apache the counter of a standalone server may overflow into the epoch; the same is true here.
 */
import { type Id, keeperCodes, MalformedFrameError, opCode, type Reader, type TxnHeader } from '@lightkeeper/protocol'
import { assert, Deque, RepeatedLines, type Runtime, type Timer } from '@lightkeeper/runtime'
import type { Access } from '../auth/access.ts'
import type { ServerConfig } from '../config/config.ts'
import { SessionExpiry } from '../session/expiry.ts'
import { Session } from '../session/session.ts'
import type { ServerStats } from '../stats.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { Excess } from '../tree/quota.ts'
import type { Txn } from '../tree/txn.ts'
import type { Turn } from '../turn.ts'
import type { Caller } from './caller.ts'
import { HeapGuard } from './heap-guard.ts'
import type { Entry } from './history.ts'
import { PendingChanges } from './pending-changes.ts'
import { type PrepareContext, Preparer } from './prepare.ts'
import { Reaper } from './reaper.ts'
import type { Ticket } from './reply-queue.ts'
import { type Preparing, requestOf } from './requests.ts'

const marshallingError = keeperCodes.MARSHALLING_ERROR.number
const sessionExpired = keeperCodes.SESSION_EXPIRED.number
/**
 * How often the primary looks at the clock, as a part of a tick: a timer that is late shows how long this process could not run. A delay
 * below this part is no standstill.
 */
const lookPart = 1 / 4
/** Sessions that expire at the same time and have a line of their own in the log. */
const expiredLinesMax = 5
const sessionMoved = keeperCodes.SESSION_MOVED.number
/** How long the ends of sessions are ordered in one turn at most, milliseconds. */
const endingMs = 4
/**
 * No end of a session is ordered while so much work is not applied, in operations and watch events. To apply an end takes longer than to
 * order it, so without this bound a write of another client would wait for the ends of all sessions that came before it.
 */
const unappliedWorkMax = 512

export interface PrimaryStart {
  readonly tree: DataTree
  readonly access: Access
  readonly config: ServerConfig
  readonly runtime: Runtime
  readonly turn: Turn
  readonly stats: ServerStats
  /** The zxid before the first one that is made here: the last one applied, or the start of an epoch. */
  readonly lastZxid: bigint
}

export interface PrimaryHooks {
  /** A transaction has its place in the order. Its commit may come before this returns. */
  ordered(entry: Entry): void
  /** The work of all transactions that are ordered and not applied. */
  unappliedWork(): number
  /** Work that no client asked for threw, or left half a change: the server cannot continue. */
  broken(error: Error): void
}

/** A session whose end is asked for, or due, and not ordered yet. */
interface Ending {
  readonly session: Session
  readonly cxid: number
  readonly ticket: Ticket<Caller> | undefined
}

export class Primary {
  /** The clocks of all sessions. */
  readonly sessions: SessionExpiry
  readonly #config: ServerConfig
  readonly #runtime: Runtime
  readonly #turn: Turn
  readonly #stats: ServerStats
  readonly #hooks: PrimaryHooks
  readonly #pending: PendingChanges
  readonly #preparer: Preparer
  readonly #tools: Preparing
  /** Filled in for each request: prepare functions keep no part of it. */
  readonly #context: { -readonly [K in keyof PrepareContext]: PrepareContext[K] }
  /** In the order of their zxids. */
  readonly #barriers = new Deque<{ readonly ticket: Ticket<Caller>; readonly zxid: bigint }>()
  /** Zxid of the last transaction that was made. */
  #lastZxid: bigint
  /** The wall clock of the last transaction: many have the same. */
  #wall = Number.NaN
  #time = 0n
  /** The ends of thousands of sessions may come at once. */
  readonly #endings = new Deque<Ending>()
  /** Until when ends are ordered in this turn, monotonic milliseconds; undefined while none comes. */
  #endingUntil: number | undefined
  readonly #madeAt: number
  #isStopped = false
  #expiryTimer: Timer | undefined
  readonly #reaper: Reaper
  readonly #overQuotaLines: RepeatedLines

  constructor(start: PrimaryStart, hooks: PrimaryHooks) {
    const { tree, access, config, runtime } = start
    const { clock } = runtime
    this.#config = config
    this.#runtime = runtime
    this.#turn = start.turn
    this.#stats = start.stats
    this.#hooks = hooks
    this.#lastZxid = start.lastZxid
    this.#pending = new PendingChanges(tree, config.digestEnabled)
    this.#overQuotaLines = new RepeatedLines(runtime.log, clock, 'warn')
    this.#preparer = new Preparer(tree, this.#pending, access, config, (path, excess, isRefused) =>
      this.#sayOverQuota(path, excess, isRefused),
    )
    this.#tools = { preparer: this.#preparer, heap: new HeapGuard(runtime), limits: config }
    this.#context = { session: 0n, identities: [], zxid: 0n, time: 0n }
    this.#reaper = new Reaper(
      { after: (ms, work) => clock.after(ms, () => this.#guard(work)) },
      {
        get checkIntervalMs() {
          return config.znodeContainerCheckIntervalMs
        },
        get maxPerMinute() {
          return config.znodeContainerMaxPerMinute
        },
      },
      {
        candidates: () => tree.reapable(clock.wall(), config.znodeContainerMaxNeverUsedIntervalMs),
        reap: (path) => this.#reap(path),
      },
    )
    this.sessions = new SessionExpiry(config.tickTime, clock.now())
    // Each session gets its full timeout again: before, there was no server that its client could reach.
    this.#madeAt = clock.now()
    for (const [id, timeoutMs] of tree.sessions) this.sessions.add(new Session(id, timeoutMs), this.#madeAt)
  }

  /** Clients are served: starts the clocks, expiry of sessions, and reaping of containers and TTL znodes. */
  start(): void {
    this.sessions.stoodStill(this.#runtime.clock.now() - this.#madeAt)
    this.#armExpiry()
    this.#reaper.start()
  }

  stop(): void {
    this.#isStopped = true
    this.#expiryTimer?.cancel()
    this.#reaper.stop()
  }

  // -- requests -------------------------------------------------------------------------------------------------------

  /**
   * Prepares a write for `owner`, which speaks for the session. A refused write becomes a transaction too, with an error as its
   * content. Returns an error number where there is no transaction: the body cannot be parsed. `ticket` is given for a client of
   * this server.
   */
  write(
    owner: object,
    session: Session,
    cxid: number,
    type: number,
    body: Reader,
    identities: readonly Id[],
    ticket: Ticket<Caller> | undefined,
  ): number {
    const header = this.#nextHeader(session.id, cxid, type)
    let prepared: Txn | number
    try {
      prepared = this.#prepare(owner, session, header, body, identities)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) {
        this.#lastZxid = header.zxid - 1n
        // No part of it may remain: later writes would be validated against changes that never happened.
        if (this.#pending.isTouched) this.#hooks.broken(error as Error)
        throw error
      }
      if (type !== opCode.multi) {
        // An unreadable write takes no zxid (3.9), but an unreadable multi takes one.
        this.#lastZxid = header.zxid - 1n
        return marshallingError
      }
      prepared = marshallingError
    }
    this.#order(header, prepared, ticket)
    return 0
  }

  #prepare(owner: object, session: Session, header: TxnHeader, body: Reader, identities: readonly Id[]): Txn | number {
    if (session.isClosing) return sessionExpired
    session.owner ??= owner
    if (session.owner !== owner) return sessionMoved
    const request = requestOf(header.type)
    assert(request?.kind === 'write', 'only writes are prepared')
    const context = this.#context
    context.session = header.clientId
    context.identities = identities
    context.zxid = header.zxid
    context.time = header.time
    return request.prepare(this.#tools, context, body)
  }

  /** The clock of the session starts now. */
  openSession(owner: object, session: Session, ticket: Ticket<Caller> | undefined): void {
    session.owner = owner
    this.sessions.add(session, this.#runtime.clock.now())
    const header = this.#nextHeader(session.id, 0, opCode.createSession)
    this.#order(header, { type: opCode.createSession, timeOut: session.timeoutMs }, ticket)
  }

  /**
   * Ends a session, whatever its owner is; nothing of it is taken from now on. Its end is ordered at once where few end in this turn,
   * else in a later one, so that other clients need not wait for all of them.
   */
  closeSession(session: Session, cxid: number, ticket: Ticket<Caller> | undefined): void {
    this.sessions.beginClosing(session)
    this.#endings.push({ session, cxid, ticket })
    if (this.#endings.length === 1) this.#endSome()
  }

  /** The same at once: a member counts on it that its requests are ordered as they came. */
  endSession(session: Session, cxid: number): void {
    this.sessions.beginClosing(session)
    this.#end({ session, cxid, ticket: undefined })
  }

  /** Orders a request that fails, for a member that waits for the transaction. */
  refuse(session: bigint, cxid: number, err: number): void {
    this.#order(this.#nextHeader(session, cxid, opCode.error), err, undefined)
  }

  /** Ends a session as if its timeout had passed; false where there is none, or it is ending already. */
  expireSession(id: bigint): boolean {
    const session = this.sessions.get(id)
    if (session === undefined || session.isClosing) return false
    this.#stats.expiredSessions++
    this.#runtime.log('info', 'session expired', {
      session: id,
      timeoutMs: session.timeoutMs,
      because: 'it was asked for',
    })
    this.closeSession(session, 0, undefined)
    return true
  }

  /** Orders the ends that wait, for a part of a turn. The rest follows in the next one, or when enough is applied. */
  #endSome(): void {
    if (!this.#mayEnd()) return
    const { clock } = this.#runtime
    this.#endingUntil ??= this.#endInTurn(clock.now() + this.#turn.share(endingMs))
    while (this.#mayEnd() && clock.now() < this.#endingUntil && this.#endNext());
  }

  #mayEnd(): boolean {
    return this.#hooks.unappliedWork() < unappliedWorkMax
  }

  /** Begins the time of this turn, and goes on when the turn is over. */
  #endInTurn(until: number): number {
    this.#runtime.clock.turnEnd(() => {
      this.#endingUntil = undefined
      if (this.#endings.length === 0 || this.#isStopped) return
      // Only here: the end that a client asks for is a part of its own slice.
      const from = this.#runtime.clock.now()
      this.#guard(() => this.#endSome())
      this.#turn.use(this.#runtime.clock.now() - from)
    })
    return until
  }

  /** False where none waits. */
  #endNext(): boolean {
    const next = this.#endings.shift()
    if (next === undefined) return false
    this.#end(next)
    return true
  }

  #end({ session, cxid, ticket }: Ending): void {
    const header = this.#nextHeader(session.id, cxid, opCode.closeSession)
    this.#order(header, this.#preparer.closeSession(session.id, header.zxid), ticket)
  }

  /** A barrier after everything made so far. Returns false where all of that is applied: there is nothing to wait for. */
  awaitAll(ticket: Ticket<Caller>, appliedZxid: bigint): boolean {
    if (appliedZxid === this.#lastZxid) return false
    this.#barriers.push({ ticket, zxid: this.#lastZxid })
    return true
  }

  // -- what was ordered is applied ------------------------------------------------------------------------------------

  /** Removes and returns the next barrier that is open, now that everything up to `zxid` is applied. */
  nextOpen(zxid: bigint): Ticket<Caller> | undefined {
    const next = this.#barriers.peek()
    return next !== undefined && next.zxid <= zxid ? this.#barriers.shift()?.ticket : undefined
  }

  /** Removes and returns what will never be answered, since the log failed: barriers, and ends of sessions that were not ordered. */
  dropWaiting(): Ticket<Caller>[] {
    const endings = [...this.#endings].flatMap(({ ticket }) => ticket ?? [])
    const dropped = [...this.#barriers].map(({ ticket }) => ticket)
    this.#barriers.clear()
    this.#endings.clear()
    return [...dropped, ...endings]
  }

  /** Zxid of the last transaction that was made. */
  get lastZxid(): bigint {
    return this.#lastZxid
  }

  /** This turn's share of transactions was applied, up to `zxid`. */
  settled(zxid: bigint): void {
    this.#pending.settle(zxid, zxid === this.#lastZxid)
    // What waited for this goes on when the turn is over.
    if (this.#endings.length > 0) this.#endingUntil ??= this.#endInTurn(0)
  }

  // -- order ----------------------------------------------------------------------------------------------------------

  #nextHeader(session: bigint, cxid: number, type: number): TxnHeader {
    this.#lastZxid++
    const wall = this.#runtime.clock.wall()
    if (wall !== this.#wall) {
      this.#wall = wall
      this.#time = BigInt(wall)
    }
    return { clientId: session, cxid, zxid: this.#lastZxid, time: this.#time, type }
  }

  /** `prepared` is a transaction, or the error number of a refusal. */
  #order(header: TxnHeader, prepared: Txn | number, ticket: Ticket<Caller> | undefined): void {
    const digest = this.#pending.seal()
    this.#hooks.ordered(
      typeof prepared === 'number'
        ? {
            header: { ...header, type: opCode.error },
            txn: { type: opCode.error, err: prepared },
            digest,
            ticket,
            work: 1,
          }
        : { header, txn: prepared, digest, ticket, work: 1 },
    )
  }

  // -- clocks ---------------------------------------------------------------------------------------------------------

  /**
   * A timer of a process that stood still runs before what arrived meanwhile is read, and followers tell of their clients when they are
   * asked. So that time counts for no session, and packets that wait come first.
   */
  #armExpiry(): void {
    const { clock } = this.#runtime
    const lookMs = this.sessions.tickMs * lookPart
    const at = Math.max(clock.now(), Math.min(this.sessions.nextExpiryAt, clock.now() + lookMs))
    this.#expiryTimer = clock.after(at - clock.now(), () => {
      const lateMs = clock.now() - at
      if (lateMs > lookMs) this.sessions.stoodStill(lateMs)
      clock.turnEnd(() => {
        if (this.#isStopped) return
        this.#guard(() => this.#expire())
        if (!this.#isStopped) this.#armExpiry()
      })
    })
  }

  #expire(): void {
    const { clock, log } = this.#runtime
    let lines = 0
    for (const session of this.sessions.expire(clock.now())) {
      this.#stats.expiredSessions++
      // Clients decide how many there are at once.
      const level = lines++ < expiredLinesMax ? 'info' : 'debug'
      log(level, 'session expired', { session: session.id, timeoutMs: session.timeoutMs })
      this.closeSession(session, 0, undefined)
    }
    if (lines > expiredLinesMax) log('info', 'more sessions expired', { times: lines - expiredLinesMax })
  }

  #reap(path: string): void {
    const { znodeContainerMaxNeverUsedIntervalMs } = this.#config
    if (!this.#preparer.mayReap(path, this.#runtime.clock.wall(), znodeContainerMaxNeverUsedIntervalMs)) return
    const header = this.#nextHeader(0n, 0, opCode.deleteContainer)
    this.#order(header, this.#preparer.deleteContainer(header.zxid, path), undefined)
  }

  #sayOverQuota(path: string, { of, value, limit, isHard }: Excess, isRefused: boolean): void {
    if (isRefused) this.#stats.quotaRefused(path)
    const message = isRefused
      ? 'refused a write that exceeds a hard quota; delete something below the path, or raise the limit with setquota'
      : isHard
        ? 'a hard quota is exceeded and not enforced; enforceQuota=true enforces it'
        : 'a soft quota is exceeded'
    this.#overQuotaLines.tell(`${path} ${of}`, message, { path, [of]: value, limit })
  }

  /**
   * For work that no connection asked for: after an error there is no client that could ask again, so the server cannot continue.
   */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#hooks.broken(error as Error)
    }
  }
}
