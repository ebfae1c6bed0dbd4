/**
 * One replica: requests in, ordered transactions to the log, and only when they are durable their effects, replies and watch
 * events out. Single-threaded and without waiting inside: what must be waited for (the log) calls back.
 *
 * A write goes admit → prepare → propose → commit → respond. Standalone, `#propose` appends to the own log; whoever else
 * orders transactions one day (a leader elsewhere) hands them to `#commit` in the same way.
 */
import {
  type ConnectRequest,
  type Id,
  keeperCodes,
  MalformedFrameError,
  opCode,
  operationOf,
  Reader,
  readAuthPacket,
  readCreateRequest,
  readCreateTTLRequest,
  readDeleteRequest,
  readMultiRequest,
  readSetACLRequest,
  readSetDataRequest,
  specialXid,
  type TxnHeader,
  writeConnectResponse,
} from '@lightkeeper/protocol'
import { assert, Deque, RepeatedLine, type Runtime, type Timer } from '@lightkeeper/runtime'
import { Access } from './auth/access.ts'
import { authProviders } from './auth/providers.ts'
import type { ServerConfig } from './config/config.ts'
import type { Caller, Decided, Proposal } from './pipeline/caller.ts'
import { HeapGuard } from './pipeline/heap-guard.ts'
import { PendingChanges } from './pipeline/pending-changes.ts'
import { type PrepareContext, Preparer } from './pipeline/prepare.ts'
import { isReading, Reads } from './pipeline/reads.ts'
import { beginReply, endReply, replyHeader, replyToWrite } from './pipeline/replies.ts'
import type { SessionKeys } from './session/session-keys.ts'
import { type Session, SessionTable } from './session/session-table.ts'
import { ServerStats } from './stats.ts'
import { logTxn, type TxnLog } from './storage/txn-log.ts'
import type { DataTree } from './tree/data-tree.ts'
import type { Txn } from './tree/txn.ts'
import type { Watches } from './watch/watches.ts'

const marshallingError = keeperCodes.MARSHALLING_ERROR.number
/** Digests kept for `hash`, one for each 128 transactions, as in Apache. */
const digestsMax = 1024
/** The code of a limit that clients know and do not try again at once. */
const heapFull = keeperCodes.QUOTA_EXCEEDED.number
const noPassword = new Uint8Array(16)
/** Transactions of one turn that are worth a sync before its end. */
const earlyFlushTxns = 128
/** How long transactions are applied in one turn, milliseconds, and how many between two looks at the clock. */
const commitMs = 5
const commitsPerLook = 4
/** Operations and watch events of transactions under way, above which connections that have one are not read. */
const workMax = 4_000
/** Reads that may wait behind a write in front of another write: all of them are answered at once before that is applied. */
const waitingReadsMax = 256
const waitingBytesMax = 1 << 20
/** Characters of an identity, and of what a client says in a line of the log. */
const identityMax = 4096
const saidMax = 64
/** Watches of a connection that is gone which are removed in one turn. */
const watchesPerSlice = 5_000
/** A buffer of length -1. */
const nullBuffer = Uint8Array.of(0xff, 0xff, 0xff, 0xff)

/** What a replica begins with. */
export interface ReplicaStart {
  readonly tree: DataTree
  /** The listener the tree was made with. */
  readonly watches: Watches
  readonly lastZxid: bigint
  readonly keys: SessionKeys
}

export interface ReplicaHooks {
  /** Everything up to `zxid` was applied and answered. */
  applied(zxid: bigint): void
  /** Watch events of what was applied wait to be sent: no more is applied meanwhile. */
  isBehind(): boolean
  /** Heard once: the replica cannot go on, an invariant broke. */
  failed(error: Error): void
}

export class Replica {
  readonly watches: Watches
  readonly tree: DataTree
  readonly sessions: SessionTable<Caller>
  readonly access: Access
  readonly stats = new ServerStats()
  /** Zxid of the last transaction applied to the tree. Never decreases; never above `#preparedZxid`. */
  lastZxid: bigint
  /** Zxid of the last transaction given to the log. */
  #preparedZxid: bigint
  readonly #config: ServerConfig
  readonly #runtime: Runtime
  readonly #log: TxnLog
  readonly #keys: SessionKeys
  readonly #pending: PendingChanges
  readonly #preparer: Preparer
  readonly #reads: Reads
  readonly #heap: HeapGuard
  /** Given to the log, not yet applied; in the order of their zxids. */
  readonly #proposals = new Deque<Proposal>()
  /** What applying them takes, all together. */
  #work = 0
  readonly #refusedLine: RepeatedLine
  /** The last of the digests that `hash` shows, by zxid. */
  readonly digests: [zxid: bigint, digest: bigint][] = []
  /** Connections with a barrier at their head. */
  /** In the order of their zxids. */
  readonly #barriers = new Deque<{ readonly caller: Caller; readonly zxid: bigint }>()
  readonly #waitingReader = new Reader(new Uint8Array(0))
  /** More of what is durable is applied at the end of the turn. */
  #isCommitDue = false
  #flush: 'idle' | 'scheduled' | 'running' = 'idle'
  /** Transactions given to the log since its last flush that succeeded. */
  #unflushed = 0
  #logFailure: Error | undefined
  /** Whether a flush is a sync of a disk. */
  readonly #syncs: boolean
  #expiryTimer: Timer | undefined
  #reapTimer: Timer | undefined
  readonly #hooks: ReplicaHooks
  #isStopped = false

  constructor(config: ServerConfig, runtime: Runtime, log: TxnLog, start: ReplicaStart, hooks: ReplicaHooks) {
    const { clock } = runtime
    this.watches = start.watches
    this.tree = start.tree
    this.#hooks = hooks
    this.#config = config
    this.#runtime = runtime
    this.#log = log
    this.#keys = start.keys
    this.lastZxid = start.lastZxid
    this.#preparedZxid = start.lastZxid
    this.#syncs = config.dataDir !== undefined && config.forceSync
    this.#refusedLine = new RepeatedLine(
      runtime.log,
      clock,
      'warn',
      'refused a client that has seen a later zxid than this server',
    )
    this.sessions = new SessionTable(config.tickTime, clock.now(), clock.wall(), 1, start.keys)
    // Each gets its full timeout again: nobody could speak to it while no server was there.
    for (const [id, timeoutMs] of start.tree.sessions) this.sessions.add(id, timeoutMs, clock.now())
    this.access = new Access(authProviders(config), config.skipAcl)
    this.#pending = new PendingChanges(this.tree, config.digestEnabled)
    this.#preparer = new Preparer(this.tree, this.#pending, this.access, config)
    this.#heap = new HeapGuard(runtime)
    this.#reads = new Reads(this.tree, this.watches, this.access, config)
  }

  /** Starts the clocks: expiry of sessions, reaping of containers and TTL znodes. */
  start(): void {
    this.#armExpiry()
    this.#armReaper()
  }

  stop(): void {
    this.#isStopped = true
    this.#expiryTimer?.cancel()
    this.#reapTimer?.cancel()
  }

  /** Why nothing more is written, undefined while all is well. Reads are served on. */
  get logFailure(): Error | undefined {
    return this.#logFailure
  }

  /** Transactions on their way to the log. */
  get outstanding(): number {
    return this.#proposals.length
  }

  /** So much is under way that a connection with an unanswered request is not read. */
  get isLoaded(): boolean {
    return this.#proposals.length >= this.#config.globalOutstandingLimit || this.#work >= workMax
  }

  // -- sessions -------------------------------------------------------------------------------------------------------

  /** Answers the first frame of a connection, or hangs up without an answer, which sends the client to another server. */
  connect(caller: Caller, request: ConnectRequest): void {
    this.stats.connectRequests++
    // A client that has seen later transactions than we have must not be taken back in time.
    if (request.lastZxidSeen > this.lastZxid) {
      // It tries again several times a second, and so do all the others.
      this.#refusedLine.tell({ client: caller.remoteHost, seen: request.lastZxidSeen, here: this.lastZxid })
      caller.hangUp()
      return
    }
    const { minSessionTimeout, maxSessionTimeout } = this.#config
    const timeoutMs = Math.min(Math.max(request.timeOut, minSessionTimeout), maxSessionTimeout)
    const withFlag = request.readOnly !== undefined
    if (request.sessionId === 0n) {
      if (this.#logFailure !== undefined) {
        this.#connectReadOnly(caller, request, timeoutMs)
        return
      }
      const session = this.sessions.add(this.sessions.newId(), timeoutMs, this.#now())
      this.#attach(caller, session)
      const txn: Txn = { type: opCode.createSession, timeOut: timeoutMs }
      const header = this.#nextHeader(session.id, 0, opCode.createSession)
      this.#propose(caller, opCode.createSession, header, txn, withFlag)
      return
    }
    const session = this.sessions.get(request.sessionId)
    // The password comes first: a forged reconnect must not close the session's healthy connection, as it does in Apache.
    if (session === undefined || session.isClosing || !this.#keys.isPasswordOf(session.id, request.passwd)) {
      this.#writeConnectResponse(caller, undefined, withFlag)
      caller.hangUp()
      return
    }
    session.connection?.hangUp()
    session.timeoutMs = timeoutMs
    this.#attach(caller, session)
    this.sessions.touch(session, this.#now())
    this.#awaitPrepared(caller)
    this.#writeConnectResponse(caller, session, withFlag)
    caller.established()
  }

  /** Without a log there are only sessions of this server alone, for those who asked for no more. */
  #connectReadOnly(caller: Caller, request: ConnectRequest, timeoutMs: number): void {
    if (request.readOnly !== true) {
      caller.hangUp()
      return
    }
    const session = this.sessions.add(this.sessions.newId(), timeoutMs, this.#now())
    this.#attach(caller, session)
    this.#writeConnectResponse(caller, session, true)
    caller.established()
  }

  /** The connection is gone; its session lives on until it expires. */
  disconnected(caller: Caller): void {
    if (caller.session?.connection === caller) caller.session.connection = undefined
    this.#forgetWatches(caller)
  }

  /** In slices: of those that are left meanwhile nobody is told. */
  #forgetWatches(caller: Caller): void {
    if (!this.watches.removeSome(caller, watchesPerSlice)) return
    this.#runtime.clock.turnEnd(() => this.#guard(() => this.#forgetWatches(caller)))
  }

  #attach(caller: Caller, session: Session<Caller>): void {
    session.connection = caller
    caller.session = session
  }

  #writeConnectResponse(caller: Caller, session: Session<Caller> | undefined, withFlag: boolean): void {
    const mark = caller.writer.beginFrame()
    writeConnectResponse(caller.writer, {
      protocolVersion: 0,
      timeOut: session?.timeoutMs ?? 0,
      sessionId: session?.id ?? 0n,
      passwd: session === undefined ? noPassword : this.#keys.passwordOf(session.id),
      readOnly: withFlag ? this.#logFailure !== undefined : undefined,
    })
    caller.writer.endFrame(mark)
    caller.wrote()
  }

  #armExpiry(): void {
    const { clock } = this.#runtime
    const work = (): void => {
      for (const session of this.sessions.expire(clock.now())) {
        this.stats.expiredSessions++
        this.#runtime.log('info', 'session expired', { session: session.id, timeoutMs: session.timeoutMs })
        this.#proposeClose(undefined, session, 0)
      }
      this.#armExpiry()
    }
    this.#expiryTimer = clock.after(Math.max(0, this.sessions.nextExpiryAt - clock.now()), () => this.#guard(work))
  }

  #proposeClose(caller: Caller | undefined, session: Session<Caller>, xid: number): void {
    this.sessions.beginClosing(session)
    const header = this.#nextHeader(session.id, xid, opCode.closeSession)
    const txn = this.#preparer.closeSession(session.id, header.zxid)
    this.#propose(caller, opCode.closeSession, header, txn)
  }

  #armReaper(): void {
    const { clock } = this.#runtime
    const { znodeContainerCheckIntervalMs, znodeContainerMaxNeverUsedIntervalMs } = this.#config
    const work = (): void => {
      for (const path of this.tree.reapable(clock.wall(), znodeContainerMaxNeverUsedIntervalMs)) {
        const header = this.#nextHeader(0n, 0, opCode.deleteContainer)
        // When somebody used it meanwhile this fails, harmlessly; the zxid is taken all the same, as in Apache.
        this.#propose(undefined, opCode.deleteContainer, header, this.#preparer.deleteContainer(header.zxid, path))
      }
      this.#armReaper()
    }
    this.#reapTimer = clock.after(znodeContainerCheckIntervalMs, () => this.#guard(work))
  }

  /** For what no connection asked for: an error there leaves nobody to do it again, so the server cannot go on. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  // -- admit ----------------------------------------------------------------------------------------------------------

  /** Takes one request; `body` stands behind the header. Its bytes must stay as they are, the reader may be used again. */
  submit(caller: Caller, xid: number, type: number, body: Reader): void {
    this.stats.received++
    const session = caller.session
    if (session === undefined) return
    switch (type) {
      case opCode.auth:
        this.#authenticate(caller, xid, body)
        return
      case opCode.sasl:
        // No SASL mechanism is configured: Apache answers with a null token then, and no identity is added.
        this.#decided(caller, { kind: 'decided', xid, zxid: 0n, err: 0, body: nullBuffer, isLast: false })
        return
      case opCode.ping:
      case opCode.getData:
      case opCode.exists:
      case opCode.getChildren:
      case opCode.getChildren2:
      case opCode.getACL:
      case opCode.getAllChildrenNumber:
      case opCode.getEphemerals:
      case opCode.multiRead:
      case opCode.whoAmI:
      case opCode.setWatches:
      case opCode.setWatches2:
      case opCode.addWatch:
      case opCode.checkWatches:
      case opCode.removeWatches:
        this.sessions.touch(session, this.#now())
        this.#readInTurn(caller, xid, type, body)
        return
      case opCode.sync:
        this.sessions.touch(session, this.#now())
        // Whoever asks relies on nothing turning up later that was sent before, by whomever; a failed log may still hold some.
        if (this.#logFailure !== undefined) this.#decline(caller, xid, keeperCodes.NOT_READ_ONLY.number)
        else {
          this.#awaitPrepared(caller)
          this.#readInTurn(caller, xid, type, body)
        }
        return
      case opCode.create:
      case opCode.create2:
      case opCode.createContainer:
      case opCode.createTTL:
      case opCode.delete:
      case opCode.setData:
      case opCode.setACL:
      case opCode.multi:
      case opCode.reconfig:
        this.sessions.touch(session, this.#now())
        if (this.#logFailure === undefined) this.#write(caller, session, xid, type, body)
        else this.#decline(caller, xid, keeperCodes.NOT_READ_ONLY.number)
        return
      case opCode.closeSession:
        if (this.#logFailure !== undefined) caller.hangUp()
        else if (!session.isClosing) this.#proposeClose(caller, session, xid)
        return
      default:
        this.#runtime.log('warn', 'unknown or internal opcode from a client, closing the connection', {
          client: caller.remoteHost,
          opcode: type,
          name: operationOf(type)?.name,
        })
        this.#refuse(caller, xid, -1n, keeperCodes.UNIMPLEMENTED.number)
    }
  }

  /** Nothing that this connection asks from here on is answered before every write that was prepared until here is applied. */
  #awaitPrepared(caller: Caller): void {
    if (this.#proposals.length === 0) return
    const zxid = this.#preparedZxid
    caller.unanswered.push({ kind: 'barrier', zxid })
    this.#barriers.push({ caller, zxid })
  }

  #readInTurn(caller: Caller, xid: number, type: number, body: Reader): void {
    if (caller.unanswered.length === 0) {
      this.#read(caller, xid, type, body, caller.identities)
      return
    }
    const { bytes, pos, end } = body
    const expectedBytes = this.#reads.expectedBytes(type, body)
    caller.waitingReads++
    caller.waitingBytes += expectedBytes
    caller.unanswered.push({
      kind: 'waiting',
      xid,
      type,
      bytes,
      start: pos,
      end,
      expectedBytes,
      identities: caller.identities,
    })
  }

  /** Answers with an error, in turn. */
  #decline(caller: Caller, xid: number, err: number): void {
    this.#decided(caller, { kind: 'decided', xid, zxid: undefined, err, isLast: false })
  }

  /** Answers with an error, in turn, and hangs up behind it. */
  #refuse(caller: Caller, xid: number, zxid: bigint, err: number): void {
    this.#decided(caller, { kind: 'decided', xid, zxid, err, isLast: true })
  }

  #authenticate(caller: Caller, xid: number, body: Reader): void {
    let added: readonly Id[] | undefined
    let scheme = ''
    try {
      const packet = readAuthPacket(body)
      scheme = packet.scheme
      added = this.access.providers.get(scheme)?.authenticate(packet.auth ?? new Uint8Array(0), caller.remoteHost)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
    }
    if (added?.some(({ id }) => id.length > identityMax)) added = undefined
    if (added === undefined) {
      this.stats.authFailures++
      this.#runtime.log('warn', 'authentication failed', { client: caller.remoteHost, scheme: shortened(scheme) })
      this.#refuse(caller, xid, 0n, keeperCodes.AUTH_FAILED.number)
      return
    }
    const known = caller.identities
    const isNew = (id: Id): boolean => !known.some((own) => own.scheme === id.scheme && own.id === id.id)
    const identities = added.filter(isNew)
    if (known.length + identities.length > this.#config.maxIdentities) {
      const facts = { client: caller.remoteHost, maxIdentities: this.#config.maxIdentities }
      this.#runtime.log('warn', 'authentication refused: the connection has too many identities', facts)
      this.#refuse(caller, xid, 0n, keeperCodes.AUTH_FAILED.number)
      return
    }
    if (identities.length > 0) caller.identities = [...known, ...identities]
    this.#decided(caller, { kind: 'decided', xid, zxid: 0n, err: 0, isLast: false })
  }

  // -- read -----------------------------------------------------------------------------------------------------------

  #read(caller: Caller, xid: number, type: number, body: Reader, identities: readonly Id[]): void {
    if (caller.session?.isClosing) {
      replyHeader(caller, xid, this.lastZxid, keeperCodes.SESSION_EXPIRED.number)
      return
    }
    if (type === opCode.ping) {
      replyHeader(caller, specialXid.ping, this.lastZxid, 0)
      return
    }
    try {
      this.#reads.serve(caller, xid, type, body, identities, this.lastZxid)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      replyHeader(caller, xid, this.lastZxid, marshallingError)
    }
  }

  // -- prepare --------------------------------------------------------------------------------------------------------

  #write(caller: Caller, session: Session<Caller>, xid: number, type: number, body: Reader): void {
    let txn: Txn | number
    const header = this.#nextHeader(session.id, xid, type)
    const context: PrepareContext = {
      session: session.id,
      identities: caller.identities,
      zxid: header.zxid,
      time: header.time,
    }
    try {
      txn = session.isClosing ? keeperCodes.SESSION_EXPIRED.number : this.#prepare(context, type, body)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) {
        this.#preparedZxid = header.zxid - 1n
        // Nothing of it may be left behind: later writes would be judged by what never happened.
        if (this.#pending.isTouched) this.#fail(error as Error)
        throw error
      }
      if (type !== opCode.multi) {
        // An unreadable write takes no zxid (3.9), an unreadable multi does.
        this.#preparedZxid = header.zxid - 1n
        this.#decline(caller, xid, marshallingError)
        return
      }
      txn = marshallingError
    }
    this.#propose(caller, type, header, txn)
  }

  #prepare(context: PrepareContext, type: number, body: Reader): Txn | number {
    switch (type) {
      case opCode.create:
      case opCode.create2:
      case opCode.createContainer:
        if (!this.#heap.admits(body.remaining)) return heapFull
        return this.#preparer.create(context, type, readCreateRequest(body), undefined)
      case opCode.createTTL: {
        if (!this.#heap.admits(body.remaining)) return heapFull
        const request = readCreateTTLRequest(body)
        return this.#preparer.create(context, type, request, request.ttl)
      }
      case opCode.delete:
        return this.#preparer.delete(context, readDeleteRequest(body))
      case opCode.setData:
        if (!this.#heap.admits(body.remaining)) return heapFull
        return this.#preparer.setData(context, readSetDataRequest(body))
      case opCode.setACL:
        if (!this.#heap.admits(body.remaining)) return heapFull
        return this.#preparer.setAcl(context, readSetACLRequest(body))
      case opCode.multi: {
        const bytes = body.remaining
        const operations = readMultiRequest(body)
        if (operations.length > this.#config.maxMultiOperations) return keeperCodes.BAD_ARGUMENTS.number
        const isRead = operations.some(({ type: part }) => part === opCode.getData || part === opCode.getChildren)
        if (isRead) return marshallingError
        const frees = operations.every(({ type: part }) => part === opCode.delete || part === opCode.check)
        if (!frees && !this.#heap.admits(bytes + operations.length * 100)) return heapFull
        return this.#preparer.multi(context, operations)
      }
      default:
        // reconfig: off by default, and a server that stands alone has no ensemble to change.
        return this.#config.reconfigEnabled ? keeperCodes.UNIMPLEMENTED.number : keeperCodes.RECONFIG_DISABLED.number
    }
  }

  #nextHeader(session: bigint, xid: number, type: number): TxnHeader {
    this.#preparedZxid++
    return { clientId: session, cxid: xid, zxid: this.#preparedZxid, time: BigInt(this.#runtime.clock.wall()), type }
  }

  // -- propose --------------------------------------------------------------------------------------------------------

  /** `prepared` is a transaction or the error number a request was refused with, which becomes a transaction too. */
  #propose(
    caller: Caller | undefined,
    type: number,
    header: TxnHeader,
    prepared: Txn | number,
    withReadOnlyFlag = false,
  ): void {
    const refused = typeof prepared === 'number'
    const proposal: Proposal = {
      kind: 'proposal',
      caller,
      type,
      header: refused ? { ...header, type: opCode.error } : header,
      txn: refused ? { type: opCode.error, err: prepared } : prepared,
      withReadOnlyFlag,
      digest: this.#pending.seal(),
      work: refused ? 1 : this.#workOf(prepared, header),
    }
    try {
      logTxn(this.#log, proposal.header, proposal.txn, proposal.digest)
    } catch (error) {
      // Half of it may be in the log.
      this.#fail(error as Error)
      throw error
    }
    this.#unflushed++
    this.#proposals.push(proposal)
    this.#work += proposal.work
    caller?.unanswered.push(proposal)
    this.#scheduleFlush()
  }

  #workOf(txn: Txn, header: TxnHeader): number {
    switch (txn.type) {
      case opCode.multi:
        return txn.txns.length
      case opCode.closeSession:
        return 1 + this.tree.ephemeralsOf(header.clientId).size
      case opCode.createSession:
      case opCode.error:
      case opCode.check:
        return 1
      case opCode.setACL:
        return 1
      case opCode.setData:
      case opCode.reconfig:
        return 1 + this.watches.reach(txn.path)
      default:
        return 1 + this.watches.reachWithParent(txn.path)
    }
  }

  #scheduleFlush(): void {
    if (this.#flush === 'idle') {
      this.#flush = 'scheduled'
      this.#runtime.clock.turnEnd(() => this.#guard(() => this.#startFlush()))
    } else if (this.#flush === 'scheduled' && this.#unflushed >= earlyFlushTxns) {
      // A long turn: the disk works on its first part while the rest is prepared.
      this.#startFlush()
    }
  }

  /** One sync for everything of this turn, and for what arrived while the sync before was running. */
  #startFlush(): void {
    if (this.#flush !== 'scheduled') return
    this.#flush = 'running'
    const count = this.#unflushed
    const begunAt = this.#now()
    this.#log.flush((error) => {
      if (this.#isStopped) return
      if (this.#syncs) this.stats.syncs.add(this.#now() - begunAt)
      if (error !== undefined) {
        this.#commitNow(Number.POSITIVE_INFINITY)
        this.#stopWriting(error)
        return
      }
      this.#flush = 'idle'
      this.#unflushed -= count
      this.#commitInTurn()
      if (this.#unflushed > 0 && !this.#isStopped) this.#scheduleFlush()
    })
  }

  /**
   * The log failed, and what the disk holds of the last batch is not known: nothing of it is acknowledged, and nothing is tried
   * again, since a system may call bytes clean that it could not write. What was acknowledged is still true, and is served.
   */
  #stopWriting(error: Error): void {
    this.#logFailure = error
    this.#runtime.log(
      'error',
      'THE TRANSACTION LOG FAILED: no write is acknowledged any more, reads are served; see to the disk and restart',
      {
        cause: error.message,
        lastZxid: this.lastZxid,
      },
    )
    this.#expiryTimer?.cancel()
    this.#reapTimer?.cancel()
    this.#work = 0
    const waiting = new Set<Caller>()
    for (let next = this.#proposals.shift(); next !== undefined; next = this.#proposals.shift()) {
      if (next.caller !== undefined) waiting.add(next.caller)
    }
    for (let next = this.#barriers.shift(); next !== undefined; next = this.#barriers.shift()) waiting.add(next.caller)
    // No answer would be true for them; a lost connection says just that.
    for (const caller of waiting) caller.hangUp()
  }

  #fail(error: Error): void {
    if (this.#isStopped) return
    this.#runtime.log('error', error.message, { cause: String(error.cause ?? error.stack) })
    this.stop()
    this.#hooks.failed(error)
  }

  // -- commit ---------------------------------------------------------------------------------------------------------

  /**
   * Applies what is durable and answers it, for as long as a turn allows; the rest follows in the next turn. A throw in here is
   * a broken invariant, but for what concerns one caller alone.
   */
  #commit(untilMs: number): void {
    const { durableZxid } = this.#log
    let digest: bigint | undefined
    let untilLook = commitsPerLook
    const wall = this.#runtime.clock.wall()
    for (let proposal = this.#proposals.peek(); proposal !== undefined; proposal = this.#proposals.peek()) {
      const { header, txn, caller } = proposal
      if (header.zxid > durableZxid) break
      if (--untilLook <= 0) {
        untilLook = commitsPerLook
        if (this.#now() >= untilMs) {
          this.#commitLater()
          break
        }
      }
      if (txn.type === opCode.multi) untilLook = 0
      this.#proposals.shift()
      this.#work -= proposal.work
      // Whoever asked before this write must not see it.
      if (caller?.isOpen && caller.unanswered.peek() !== proposal) this.#answerBefore(caller, proposal)
      digest = proposal.digest
      // Watch events are written in here, and so stand in front of the reply.
      const result = this.tree.apply(header, txn)
      this.lastZxid = header.zxid
      if (digest !== undefined && (header.zxid & 127n) === 0n) this.#noteDigest(header.zxid, digest)
      if (this.#barriers.length > 0) this.#openBarriers()
      if (caller?.isOpen) this.#respond(caller, proposal, result, Math.max(0, wall - Number(header.time)))
      if (txn.type === opCode.closeSession) this.#sessionClosed(proposal)
    }
    // Of the last one applied: nobody looks between two of a batch.
    if (digest !== undefined) this.tree.digest.value = digest
    this.#pending.settle(this.lastZxid, this.#proposals.length === 0)
    this.#hooks.applied(this.lastZxid)
  }

  #commitNow(untilMs: number): void {
    try {
      this.#commit(untilMs)
    } catch (broken) {
      this.#fail(broken as Error)
    }
  }

  #commitInTurn(): void {
    // Or events would pile up, and the writes of everybody behind them.
    if (this.#hooks.isBehind()) this.#commitLater()
    else this.#commitNow(this.#now() + commitMs)
  }

  #commitLater(): void {
    if (this.#isCommitDue) return
    this.#isCommitDue = true
    this.#runtime.clock.turnEnd(() => {
      this.#isCommitDue = false
      if (!this.#isStopped) this.#commitInTurn()
    })
  }

  #noteDigest(zxid: bigint, digest: bigint): void {
    this.digests.push([zxid, digest])
    if (this.digests.length > digestsMax) this.digests.shift()
  }

  #openBarriers(): void {
    for (
      let next = this.#barriers.peek();
      next !== undefined && next.zxid <= this.lastZxid;
      next = this.#barriers.peek()
    ) {
      this.#barriers.shift()
      next.caller.answerLater()
    }
  }

  #sessionClosed(proposal: Proposal): void {
    const session = this.sessions.get(proposal.header.clientId)
    this.sessions.remove(proposal.header.clientId)
    session?.connection?.hangUp()
  }

  // -- respond --------------------------------------------------------------------------------------------------------

  /** `latencyMs` is the time since the request came. */
  #respond(caller: Caller, proposal: Proposal, result: ReturnType<DataTree['apply']>, latencyMs: number): void {
    this.stats.updated(latencyMs)
    if (latencyMs > caller.stats.writeMs) caller.stats.writeMs = latencyMs
    try {
      // Replies leave in the order of the requests, so a committed write is the oldest one unanswered.
      caller.unanswered.shift()
      if (proposal.type === opCode.createSession) {
        this.#writeConnectResponse(caller, caller.session, proposal.withReadOnlyFlag)
        caller.established()
      } else replyToWrite(caller, proposal, result)
    } catch (error) {
      caller.fail(error)
    }
  }

  /** Answers what stands in front of a write that is about to be applied. `mayQueue` saw to it that this is little. */
  #answerBefore(caller: Caller, proposal: Proposal): void {
    try {
      while (caller.isOpen && caller.unanswered.peek() !== proposal) {
        assert(this.hasAnswerFor(caller), 'what was asked before a write can be answered when the write is applied')
        this.answerNext(caller)
      }
    } catch (error) {
      caller.fail(error)
    }
  }

  /** Whether the oldest unanswered request can be answered: it is no write on its way, nor waits for one. */
  hasAnswerFor(caller: Caller): boolean {
    const next = caller.unanswered.peek()
    if (next === undefined || next.kind === 'proposal') return false
    return next.kind !== 'barrier' || next.zxid <= this.lastZxid
  }

  /** Answers the oldest unanswered request; `hasAnswerFor` says that it can be. */
  answerNext(caller: Caller): void {
    const next = caller.unanswered.shift()
    if (next === undefined || next.kind === 'barrier' || next.kind === 'proposal') return
    if (next.kind === 'waiting') {
      caller.waitingReads--
      caller.waitingBytes -= next.expectedBytes
      this.#read(
        caller,
        next.xid,
        next.type,
        this.#waitingReader.reset(next.bytes, next.start, next.end),
        next.identities,
      )
      return
    }
    const mark = beginReply(caller.writer, next.xid, next.zxid ?? this.lastZxid, next.err)
    if (next.body !== undefined) caller.writer.raw(next.body)
    endReply(caller, mark)
    if (next.isLast) caller.hangUp()
  }

  /** A decided answer leaves at once where nothing waits in front of it. */
  #decided(caller: Caller, decided: Decided): void {
    caller.unanswered.push(decided)
    if (caller.unanswered.length === 1) this.answerNext(caller)
  }

  /**
   * Whether a request may be taken behind reads that wait for a write: another read may. A write may where those reads are few
   * and small, since they are all answered before it is applied, however much else there is to do. `frame` is left as it is.
   */
  mayQueue(caller: Caller, frame: Reader): boolean {
    if (caller.waitingReads < waitingReadsMax && caller.waitingBytes < waitingBytesMax) return true
    return frame.remaining < 8 || isReading(frame.peekInt(4))
  }

  /** Bytes of the reply to a request, about; 0 where it is small whatever it asks for. `frame` is left as it is. */
  expectedBytes(frame: Reader): number {
    if (frame.remaining < 8) return 0
    const { pos } = frame
    frame.pos += 8
    const bytes = this.#reads.expectedBytes(frame.peekInt(-4), frame)
    frame.pos = pos
    return bytes
  }

  #now(): number {
    return this.#runtime.clock.now()
  }
}

function shortened(text: string): string {
  return text.length <= saidMax ? text : `${text.slice(0, saidMax)}… (${text.length} characters)`
}
