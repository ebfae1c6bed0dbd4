/** The client: one object for the life of a process, one method per operation, options last. */
import {
  type Acl,
  joinPath,
  KeeperError,
  keeperCodeOf,
  keeperCodes,
  opCode,
  openAcl,
  parentPath,
  type Reader,
  readGetACLResponse,
  readMultiResponse,
  readWhoAmIResponse,
  Writer,
  writeCreateRequest,
  writeMultiRequest,
  writeSetACLRequest,
  type ZnodePath,
} from '@lightkeeper/protocol'
import type { Clock, Random } from '@lightkeeper/runtime'
import { acl as checkedAcl } from './arguments/acl.ts'
import { callable, looking, noOptions, type OptionSet, text } from './arguments/checks.ts'
import { credentials as checkedCredentials } from './arguments/connect-options.ts'
import { contentOf, dataOf, intact } from './arguments/data.ts'
import { checkPath, checkPaths } from './arguments/path.ts'
import { readsOf } from './arguments/reads.ts'
import {
  callOptions,
  codec as checkedCodec,
  copyOptions,
  createOptions,
  deleteOptions,
  ensureOptions,
  findOptions,
  readOptions,
  statesOptions,
  transactionOptions,
  updateOptions,
  versionOptions,
  watchOptions,
} from './arguments/tables.ts'
import { bytes, type Codec } from './codec.ts'
import { type Chroot, parseConnectString } from './connect-string.ts'
import { interruptible } from './interruptible.ts'
import { ZnodeHandle } from './node.ts'
import { type CallSpec, Calls } from './operations/call.ts'
import { copyTree, moveTree, type TreeClient } from './operations/copy.ts'
import { type CreateParent, createBelow } from './operations/create-parents.ts'
import { type DeleteHost, deleteTree } from './operations/delete-below.ts'
import { createUnlessThere, type IdempotentHost } from './operations/idempotent-create.ts'
import { evidenceOfAll, type Look, lostMarker, resultsOfAll } from './operations/lost-transaction.ts'
import {
  type CreatedInTransaction,
  type CreateResult,
  createKind,
  op,
  operationsOf,
  type TransactionOp,
  type TransactionResults,
} from './operations/op.ts'
import { type CreateHost, createProtected, ignoreMissing, uuid } from './operations/protected-create.ts'
import type { Finding } from './operations/recover.ts'
import { type Change, type UpdateHost, update } from './operations/update.ts'
import { verdictOfCreate, verdictOfDelete, verdictOfSet, verdictOfSetAcl } from './operations/verdict.ts'
import type {
  AuthOption,
  CallOptions,
  CopyOptions,
  CreateOptions,
  Credentials,
  DeleteOptions,
  EnsureOptions,
  ManyRead,
  ReadOptions,
  TransactionOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
} from './options.ts'
import { Budget, type BudgetHost } from './session/budget.ts'
import { Lease } from './session/lease.ts'
import type { Lost } from './session/request.ts'
import { Session, tooLarge } from './session/session.ts'
import { type Closing, isFinal, type SessionState } from './session/states.ts'
import type { ClientStats } from './session/stats.ts'
import { formatToken } from './session/token.ts'
import type { WatchedEvent } from './session/watch-registry.ts'
import { readZnodeStat, ZnodeStat } from './stat.ts'
import type { WatchChange } from './watch/change.ts'
import { readTree, type Tree } from './watch/read-tree.ts'
import { SessionWatches } from './watch/source.ts'
import { Watcher } from './watch/stream.ts'

export type Data = Uint8Array | string | null

export interface GetResult {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
  /** With `watch`: settles with the event, or with type `none` when the session ends first. Never rejects. */
  readonly changed?: Promise<WatchedEvent>
}

export interface ExistenceResult {
  /** Undefined where the znode does not exist. */
  readonly stat: ZnodeStat | undefined
  readonly changed?: Promise<WatchedEvent>
}

export interface ChildrenResult {
  /** Names, in no order. */
  readonly children: readonly string[]
  readonly stat: ZnodeStat
  readonly changed?: Promise<WatchedEvent>
}

export type ManyResult =
  | { readonly data: Uint8Array; readonly stat: ZnodeStat }
  | { readonly children: readonly string[] }
  | { readonly error: KeeperError }

export interface Identity {
  readonly scheme: string
  readonly user: string
}

interface StatesReader {
  readonly signal: AbortSignal | undefined
  isLeft: boolean
  wake: (() => void) | undefined
}

const empty = new Uint8Array(0)
/** A znode of ClickHouse Keeper's own. */
const keeperVersionPath = '/keeper/api_version'
/** How long `close` waits for a server to end the session, milliseconds. */
const closePatienceMs = 2_000
/** How long `detach` waits for replies, milliseconds. */
const detachPatienceMs = 2_000
/** Attempts to bring a server up to `atLeast` by `sync` before the transaction is taken for one of another ensemble. */
const syncsMax = 3
/** The number and the type in front of every request. */
const requestHeaderBytes = 8
/** As the version of a delete it matches no znode. */
const versionOfNone = -2

export class Client implements AsyncDisposable {
  readonly #session: Session
  readonly #chroot: Chroot
  readonly #calls: Calls
  readonly #watches: SessionWatches

  /** Use `connect`. */
  constructor(session: Session, chroot: Chroot) {
    if (!(session instanceof Session)) throw new TypeError('a Client is made by connect()')
    this.#session = session
    this.#chroot = chroot
    this.#calls = new Calls(session, chroot)
    this.#watches = new SessionWatches(session, chroot)
  }

  // -- session --------------------------------------------------------------------------------------------------------

  get state(): SessionState {
    return this.#session.state
  }

  /** Id of the session now; 0n while there is none. */
  get sessionId(): bigint {
    return this.#session.sessionId
  }

  /** Counts sessions of this client, from 0: it moves when a session expired and another took its place. */
  get epoch(): number {
    return this.#session.epoch
  }

  /** Highest zxid this client has seen. */
  get lastZxid(): bigint {
    return this.#session.lastZxid
  }

  /** Time as this client knows it: what is built on a client takes it from here, so that it runs in a simulator too. */
  get clock(): Clock {
    return this.#session.runtime.clock
  }

  /** Chance, as `clock`. */
  get random(): Random {
    return this.#session.runtime.random
  }

  /** The state now and every one that follows, none left out; ends with a final one. */
  states(options: { readonly signal?: AbortSignal } = noOptions): AsyncGenerator<SessionState, void, void> {
    const { signal } = statesOptions.of(options, 'states')
    const reader: StatesReader = { signal, isLeft: false, wake: undefined }
    return interruptible(this.#states(reader), () => {
      reader.isLeft = true
      reader.wake?.()
    })
  }

  async *#states(reader: StatesReader): AsyncGenerator<SessionState, void, void> {
    const { signal } = reader
    const pending: SessionState[] = [this.state]
    const stop = this.#session.onState((state) => {
      pending.push(state)
      reader.wake?.()
    })
    const onAbort = (): void => reader.wake?.()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal?.aborted && !reader.isLeft) {
        const state = pending.shift()
        if (state !== undefined) {
          yield state
          if (isFinal(state)) return
          continue
        }
        await new Promise<void>((resolve) => {
          reader.wake = resolve
        })
      }
    } finally {
      stop()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** What this client has done and how it is, in numbers. */
  stats(): ClientStats {
    return this.#session.stats(this.#watches.counters)
  }

  /**
   * Other servers from now on: a list as in a connect string, without a chroot. Clients that should be elsewhere then move with
   * their session, so many that every server has its share.
   * @throws TypeError for a text that is no list of servers.
   */
  updateServers(list: string): void {
    const { servers, chroot, service } = parseConnectString(list)
    if (chroot !== '' || service !== undefined) throw new TypeError(`"${list}" must be a list of servers alone`)
    this.#session.replaceServers(servers)
  }

  /** No voluntary move to another server until this is disposed: for as long as a lock or a term is held. */
  hold(): Disposable {
    const release = this.#session.balance.hold()
    return { [Symbol.dispose]: release }
  }

  /**
   * What may be relied on of this session. `using lease = zk.lease()`: its `signal` aborts before a server may end the session
   * and give away what its ephemerals stand for, also when this process was stopped for a while.
   */
  lease(): Lease {
    return new Lease(this.#session)
  }

  /**
   * Adds an identity to this and every later connection. `timeout` and `signal` end the waiting alone; the identity stays.
   * @throws KeeperError AUTH_FAILED; the client is closed then.
   */
  async addAuth(scheme: string, credentials: Credentials, options: CallOptions = noOptions): Promise<void> {
    const own = callOptions.of(options, 'addAuth')
    const option: AuthOption = {
      scheme: text(scheme, 'scheme', 'addAuth'),
      credentials: checkedCredentials(credentials, 'credentials', 'addAuth'),
    }
    return this.#budget('addAuth', undefined, own).until(this.#session.addAuth(option))
  }

  /**
   * Ends the session, so that its ephemerals go at once. Settles in every state within `timeout`, 2000 ms by default, or when the signal
   * aborts, and never rejects; calls still pending fail with CLOSED. The result says whether a server has ended the session, and if not,
   * which ephemerals stay for how long.
   */
  async close(options: CallOptions = noOptions): Promise<Closing> {
    const { timeout = closePatienceMs, signal } = callOptions.of(options, 'close')
    return this.#session.close(timeout, signal)
  }

  /**
   * Leaves without ending the session: its ephemerals, and with them locks and registrations, stay until the session timeout
   * has passed. `connect` with `attach: token` goes on with it, in another process or after a deploy. Waits for the replies to
   * what was sent, for `timeout` in all, 2000 ms by default; the client is closed then.
   * @returns a token that holds the session's password.
   * @throws KeeperError TIMEOUT; UNIMPLEMENTED on ClickHouse Keeper, which gives no session back; CONNECTION_LOSS where there is no
   *   session to leave. The client stays open then.
   */
  async detach(options: CallOptions = noOptions): Promise<string> {
    const own = callOptions.of(options, 'detach')
    const { state } = this
    if (state.kind !== 'connected' || state.readOnly) {
      const message = 'only a client that is connected to a server with a quorum can leave its session to another'
      throw new KeeperError('CONNECTION_LOSS', { operation: 'detach', outcome: 'not-sent', message })
    }
    const { timeout = detachPatienceMs, signal } = own
    const budget = this.#budget('detach', undefined, { timeout, signal })
    if (await this.#calls.isThere(keeperVersionPath, budget.step())) {
      const message = 'ClickHouse Keeper ends a session with its connection: it cannot be handed over'
      throw new KeeperError('UNIMPLEMENTED', { operation: 'detach', outcome: 'not-sent', message })
    }
    const { timeout: leftMs = 0 } = budget.step()
    return formatToken(await this.#session.detach(leftMs, signal))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // -- reads ----------------------------------------------------------------------------------------------------------

  /**
   * Reads are made again after a lost connection until they are answered or `timeout` is over.
   * @throws KeeperError NO_NODE, NO_AUTH, and those of every call: TIMEOUT, FRAME_TOO_LARGE, AUTH_FAILED, CLOSED.
   */
  get(path: ZnodePath, options: ReadOptions = noOptions): Promise<GetResult> {
    return this.#read('get', path, options, readOptions, (own) =>
      this.#calls.read('get', opCode.getData, path, own, 'data', readData),
    )
  }

  /** As `get`, but undefined for a znode that does not exist; for nothing else. */
  async find(path: ZnodePath, options: Omit<ReadOptions, 'watch'> = noOptions): Promise<GetResult | undefined> {
    const own = findOptions.of(options, 'find')
    try {
      return await this.get(path, own)
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  /** The Stat of a znode, or undefined where there is none, so that `if (await zk.exists(path))` asks what it seems to ask. */
  exists(path: ZnodePath, options: Omit<ReadOptions, 'watch'> = noOptions): Promise<ZnodeStat | undefined> {
    return this.#read('exists', path, options, findOptions, (own) =>
      this.#calls.read('exists', opCode.exists, path, own, 'data', readZnodeStat, missing),
    )
  }

  /**
   * As `exists`, with a one-shot watch where `watch` is set: of one znode that is missing too, so that its creation is heard of.
   * The result is always an object; look at its `stat`.
   */
  existence(path: ZnodePath, options: ReadOptions = noOptions): Promise<ExistenceResult> {
    return this.#read('existence', path, options, readOptions, (own) =>
      this.#calls.read('existence', opCode.exists, path, own, 'data', readExistence, noExistence),
    )
  }

  children(path: ZnodePath, options: ReadOptions = noOptions): Promise<ChildrenResult> {
    return this.#read('children', path, options, readOptions, (own) =>
      this.#calls.read('children', opCode.getChildren2, path, own, 'children', readChildren),
    )
  }

  /** Checks what came, and asks; not an async function, since that would cost each read more than the check does. */
  #read<T>(
    operation: string,
    path: ZnodePath,
    options: ReadOptions,
    table: OptionSet<ReadOptions>,
    read: (own: ReadOptions) => Promise<T>,
  ): Promise<T> {
    let own: ReadOptions
    try {
      checkPath(path, operation)
      own = table.of(options, operation)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    return own.atLeast === undefined ? read(own) : this.#caughtUp(path, own, read)
  }

  /**
   * Reads behind a `sync` where the server has not seen `atLeast` yet. No server connected to later is behind what this client
   * has seen, so that is enough.
   */
  async #caughtUp<T>(path: ZnodePath, options: ReadOptions, read: (options: ReadOptions) => Promise<T>): Promise<T> {
    const { atLeast = 0n, watch, signal, timeout } = options
    const budget = this.#budget('read', path, { signal, timeout })
    const own = watch === undefined ? {} : { watch }
    for (let syncs = 0; this.#session.lastZxid < atLeast; syncs++) {
      if (syncs === syncsMax) {
        const message = `transaction 0x${atLeast.toString(16)} is unknown to this ensemble, which is at 0x${this.#session.lastZxid.toString(16)}`
        throw new KeeperError('DATA_INCONSISTENCY', { path, operation: 'read', outcome: 'rejected', message })
      }
      await this.sync('/', budget.step())
    }
    return read({ ...budget.step(), ...own })
  }

  async getAcl(
    path: ZnodePath,
    options: CallOptions = noOptions,
  ): Promise<{ readonly acl: readonly Acl[]; readonly stat: ZnodeStat }> {
    return this.#ask('getAcl', opCode.getACL, path, options, (reader) => {
      const { acl, stat } = readGetACLResponse(reader)
      return { acl, stat: new ZnodeStat(stat) }
    })
  }

  /** Reads many znodes as they are at one zxid. Each read succeeds or fails alone. Needs ZooKeeper 3.6. */
  async readMany(reads: readonly ManyRead[], options: CallOptions = noOptions): Promise<ManyResult[]> {
    const own = readsOf(reads, 'readMany')
    const paths = own.map((read) => ('get' in read ? read.get : read.children))
    const operations = own.map((read, i) => {
      const path = this.#chroot.toServer(paths[i] as string)
      return { type: 'get' in read ? opCode.getData : opCode.getChildren, path, watch: false }
    })
    const read = (reader: Reader): ManyResult[] =>
      readMultiResponse(reader).map((result, i): ManyResult => {
        if (result.type === opCode.getData)
          return { data: result.data?.slice() ?? empty, stat: new ZnodeStat(result.stat) }
        if (result.type === opCode.getChildren) return { children: result.children }
        const err = result.type === opCode.error ? result.err : keeperCodes.MARSHALLING_ERROR.number
        return { error: KeeperError.fromNumber(err, { path: paths[i], operation: 'readMany' }) }
      })
    const write = (writer: Writer): void => writeMultiRequest(writer, operations)
    const call = { operation: 'readMany', type: opCode.multiRead, write, read, isRepeatable: true }
    return this.#calls.call(call, callOptions.of(options, 'readMany'))
  }

  /** Paths of the ephemerals of this session that start with `prefix`. */
  async ephemerals(prefix: ZnodePath = '/', options: CallOptions = noOptions): Promise<ZnodePath[]> {
    return this.#ask('ephemerals', opCode.getEphemerals, prefix, options, (reader) =>
      (reader.vector(4, (each) => each.ustring() ?? '') ?? []).map((path) => this.#chroot.toUser(path)),
    )
  }

  /** Number of znodes below `path`, itself not counted. */
  async countDescendants(path: ZnodePath, options: CallOptions = noOptions): Promise<number> {
    return this.#ask('countDescendants', opCode.getAllChildrenNumber, path, options, (reader) => reader.int())
  }

  /** Waits until the server connected to has seen everything that was written before this call. */
  async sync(path: ZnodePath = '/', options: CallOptions = noOptions): Promise<void> {
    return this.#ask('sync', opCode.sync, path, options, () => undefined)
  }

  async whoAmI(options: CallOptions = noOptions): Promise<Identity[]> {
    const read = (reader: Reader): Identity[] =>
      readWhoAmIResponse(reader).clientInfo.map(({ authScheme, user }) => ({ scheme: authScheme, user }))
    const call = { operation: 'whoAmI', type: opCode.whoAmI, write: () => {}, read, isRepeatable: true }
    return this.#calls.call(call, callOptions.of(options, 'whoAmI'))
  }

  /** A read that sends a path alone. @throws what is wrong with the arguments. */
  #ask<T>(
    operation: string,
    type: number,
    path: ZnodePath,
    options: CallOptions,
    read: (reader: Reader) => T,
  ): Promise<T> {
    checkPath(path, operation)
    const write = (writer: Writer, own: string): void => writer.ustring(own)
    const call = { operation, type, path, write, read, isRepeatable: true }
    return this.#calls.call(call, callOptions.of(options, operation))
  }

  // -- writes ---------------------------------------------------------------------------------------------------------

  /**
   * Creates a znode; `data` defaults to empty. Where the reply is lost, an ephemeral is looked for and found, and so is a
   * `protected` one; a sequential one that is not protected cannot be told from others and fails with outcome `unknown`.
   * With `idempotent` a znode that is there already with this data and of this kind is success.
   * @throws KeeperError NODE_EXISTS, NO_NODE where a parent is missing and `parents` is not set, NO_AUTH, and others.
   */
  async create(path: ZnodePath, data: Data = empty, given: CreateOptions = noOptions): Promise<CreateResult> {
    const options = createOptions.of(given, 'create')
    createKind(options, 'create')
    checkPath(path, 'create', options.sequential)
    const content = this.#fitting(contentOf(data, 'data', 'create'), path, 'create')
    if (!options.idempotent) return this.#createOf(path, content, options)
    if (options.sequential || options.protected) {
      throw new TypeError('create: options.idempotent must be false where each create makes a znode of its own name')
    }
    const host: IdempotentHost = {
      sessionId: this.sessionId,
      create: (step) => this.#createOf(path, content, { ...options, ...step }),
      find: (step) => this.find(path, step),
    }
    const wanted = { data: content, mode: options.mode }
    return createUnlessThere(host, path, wanted, this.#budget('create', path, options))
  }

  /** As `create`, of arguments that are checked. */
  async #createOf(path: ZnodePath, content: Uint8Array | null, options: CreateOptions): Promise<CreateResult> {
    const budget = this.#budget('create', path, options)
    const create = options.protected
      ? (): Promise<CreateResult> =>
          createProtected(
            this.#createHost(content, options),
            path,
            options.mode ?? 'persistent',
            options.protected === 'bare' ? 'bare' : 'curator',
            budget,
            options.signal,
          ).then((made) => {
            if (options.mode === 'ephemeral') this.#session.ephemerals.add(made.path)
            return made
          })
      : (): Promise<CreateResult> => this.#create(path, content, { ...options, ...budget.step() })
    if (!options.parents) return create()
    const createParent: CreateParent = (parent, own) => this.#create(parent, empty, own)
    return createBelow(path, create, createParent, options, budget)
  }

  /**
   * Makes sure that a znode exists: creates it, empty and with its missing parents, where it does not. `create` with `parents: true`
   * makes the parents in the same way.
   * @throws KeeperError NO_AUTH, and NO_NODE where the chroot does not exist.
   */
  async ensure(path: ZnodePath, given: EnsureOptions = noOptions): Promise<void> {
    checkPath(path, 'ensure')
    const options = ensureOptions.of(given, 'ensure')
    const budget = this.#budget('ensure', path, options)
    // First, since one who may not create there is refused also where there is nothing to do.
    if ((await this.exists(path, budget.step())) !== undefined || path === '/') return
    const { mode, acl, parentsAcl } = options
    const parents = mode === 'container' ? 'container' : true
    const own = { ...(mode && { mode }), ...(acl && { acl }), ...(parentsAcl && { parentsAcl }) }
    await this.#createOf(path, empty, { ...own, ...budget.step(), parents, idempotent: true }).catch(ignoreExisting)
  }

  #create(
    path: ZnodePath,
    data: Uint8Array | null,
    options: CreateOptions,
    isVerified = !options.sequential,
  ): Promise<CreateResult> {
    const { type, flags, ttl } = createKind(options, 'create')
    const length = data?.length
    const acl = options.acl ?? openAcl
    const isEphemeral = options.mode === 'ephemeral'
    const look = async ({ seen, sessionId }: Lost): Promise<Finding<CreateResult>> => {
      // In this order: what the parent tells covers the time until after the znode was looked for.
      const found = await this.#look(path)
      const parent = await this.exists(parentPath(path) as ZnodePath)
      const lost = { data, isEphemeral, sessionId, currentSessionId: this.sessionId, seen }
      const verdict = verdictOfCreate(lost, found, parent)
      if (found === undefined) return { verdict }
      const result = (): CreateResult => {
        if (isEphemeral) this.#session.ephemerals.add(path)
        return { path, stat: found.stat }
      }
      return { verdict, result }
    }
    const call: CallSpec<CreateResult> = {
      operation: 'create',
      type,
      path,
      write(writer, own) {
        writeCreateRequest(writer, { path: own, data: intact(data, length), acl, flags })
        if (type === opCode.createTTL) writer.long(ttl)
      },
      read: (reader) => {
        const made = this.#chroot.toUser(reader.ustring() ?? '')
        if (isEphemeral) this.#session.ephemerals.add(made)
        return { path: made, stat: readZnodeStat(reader) }
      },
      recovery: isVerified ? { look, acceptsEqual: options.idempotent === true } : undefined,
    }
    return this.#calls.call(call, options)
  }

  #createHost(data: Uint8Array | null, options: CreateOptions): CreateHost {
    const { clock, random } = this.#session.runtime
    const session = this.#session
    return {
      clock,
      random,
      get sessionId() {
        return session.sessionId
      },
      get isOver() {
        return isFinal(session.state)
      },
      createOnce: (path, step) => this.#create(path, data, { ...options, ...step }, false),
      deleteOnce: (path, step) => this.#delete(path, -1, step, undefined),
      sync: (path, step) => this.sync(path, step),
      names: (path, step) => this.children(path, step).then(({ children }) => children),
      stat: (path, step) => this.exists(path, step),
    }
  }

  /**
   * Where the reply of a set with a `version` is lost, the znode is read: the next version with this data is its success, the
   * old version its failure, after which it is sent again.
   * @throws KeeperError NO_NODE, BAD_VERSION, NO_AUTH.
   */
  set(path: ZnodePath, data: Data, options: VersionOptions = noOptions): Promise<ZnodeStat> {
    try {
      checkPath(path, 'set')
      const own = versionOptions.of(options, 'set')
      return this.#set(path, this.#fitting(dataOf(data, 'data', 'set'), path, 'set'), own, true)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Data that can be no part of any request is refused before it is copied into one. */
  #fitting(data: Uint8Array | null, path: string, operation: string): Uint8Array | null {
    const { requestBytesMax } = this.#session
    if (data === null || data.length <= requestBytesMax) return data
    const message = tooLarge('data', data.length, requestBytesMax)
    throw new KeeperError('FRAME_TOO_LARGE', { path, operation, outcome: 'not-sent', message })
  }

  #set(path: ZnodePath, data: Uint8Array | null, options: VersionOptions, acceptsEqual: boolean): Promise<ZnodeStat> {
    const version = options.version ?? -1
    const length = data?.length
    const look = async ({ seen }: Lost): Promise<Finding<ZnodeStat>> => {
      const found = await this.#look(path)
      const verdict = verdictOfSet({ data, version, seen }, found)
      return found === undefined ? { verdict } : { verdict, result: () => found.stat }
    }
    const call: CallSpec<ZnodeStat> = {
      operation: 'set',
      type: opCode.setData,
      path,
      write(writer, own) {
        writer.ustring(own)
        writer.buffer(intact(data, length))
        writer.int(version)
      },
      read: readZnodeStat,
      recovery: { look, acceptsEqual },
    }
    return this.#calls.call(call, options)
  }

  /**
   * Reads, applies `change`, writes if nobody else wrote meanwhile, and repeats until it fits. `change` may be called often; it
   * gets undefined where the znode does not exist, which is created then, and gives undefined to leave everything as it is.
   * @throws KeeperError NO_NODE where its parent is missing, unless `create.parents` is set; TIMEOUT where others were faster for as
   *   long as `timeout`; CONNECTION_LOSS with outcome `unknown` where the reply was lost and another client may have written the same bytes: of two clients that count, only one has counted then.
   */
  async update(
    path: ZnodePath,
    change: Change,
    given: UpdateOptions = noOptions,
  ): Promise<{ readonly data: Uint8Array; readonly stat: ZnodeStat }> {
    checkPath(path, 'update')
    callable(change, 'change', 'update')
    const options = updateOptions.of(given, 'update')
    const host: UpdateHost = {
      find: (own, step) => this.find(own, step),
      bytesOf: (data) => this.#fitting(dataOf(data, 'what change gave', 'update'), path, 'update'),
      create: (own, data, step) => this.#createOf(own, data, step),
      setData: (own, data, step, acceptsEqual) => this.#set(own, data, step, acceptsEqual),
    }
    return update(host, path, change, options, this.#budget('update', path, options))
  }

  /** `version` is compared with the aversion. @throws KeeperError INVALID_ACL, NO_NODE, BAD_VERSION, NO_AUTH. */
  async setAcl(path: ZnodePath, given: readonly Acl[], options: VersionOptions = noOptions): Promise<ZnodeStat> {
    checkPath(path, 'setAcl')
    const acl = checkedAcl(given, 'acl', 'setAcl')
    const own = versionOptions.of(options, 'setAcl')
    const { version = -1 } = own
    const look = async ({ seen }: Lost): Promise<Finding<ZnodeStat>> => {
      const found = await Promise.all([this.sync(path), this.getAcl(path)])
        .then(([, each]) => each)
        .catch((error: unknown) => {
          ignoreMissing(error)
          return undefined
        })
      const verdict = verdictOfSetAcl({ acl, version, seen }, found)
      return found === undefined ? { verdict } : { verdict, result: () => found.stat }
    }
    const call: CallSpec<ZnodeStat> = {
      operation: 'setAcl',
      type: opCode.setACL,
      path,
      write: (writer, ownPath) => writeSetACLRequest(writer, { path: ownPath, acl, version }),
      read: readZnodeStat,
      recovery: { look, acceptsEqual: true },
    }
    return this.#calls.call(call, own)
  }

  /**
   * With `idempotent` a znode that is not there is success. Without it, where the reply is lost and the znode is gone, it may be this
   * call that deleted it or another client: that is outcome `unknown`. With `recursive` nothing is deleted where a permission that
   * it needs is missing, or the version is another; what changes after these have been looked at can still end it halfway.
   * @throws KeeperError NO_NODE, BAD_VERSION, NOT_EMPTY, NO_AUTH.
   */
  async delete(path: ZnodePath, given: DeleteOptions = noOptions): Promise<void> {
    checkPath(path, 'delete')
    const options = deleteOptions.of(given, 'delete')
    try {
      await this.#deleteOf(path, options)
    } catch (error) {
      if (!options.idempotent || !KeeperError.is(error, 'NO_NODE')) throw error
    }
  }

  async #deleteOf(path: ZnodePath, options: DeleteOptions): Promise<void> {
    const { version = -1, idempotent = false, recursive = false } = options
    if (!recursive) return this.#delete(path, version, options, idempotent)
    const host: DeleteHost = {
      children: (own, step) => this.children(own, step),
      deleteOne: (own, expected, step, isIdempotent) => this.#delete(own, expected, step, isIdempotent),
      tryDelete: (own, step) => this.#tryDelete(own, step),
    }
    await deleteTree(host, path, version, idempotent, this.#budget('delete', path, options))
  }

  /**
   * Asks for a delete with a version that no znode has: a server looks at the permission first, and deletes nothing either way.
   * Versions begin at 0, and -1 stands for any.
   */
  #tryDelete(path: ZnodePath, options: CallOptions): Promise<void> {
    const write = (writer: Writer, own: string): void => {
      writer.ustring(own)
      writer.int(versionOfNone)
    }
    const call = { operation: 'delete', type: opCode.delete, path, write, read: () => {}, isRepeatable: true }
    return this.#calls.call(call, options).catch((error: unknown) => {
      if (!KeeperError.is(error, 'BAD_VERSION') && !KeeperError.is(error, 'NO_NODE')) throw error
    })
  }

  /** `acceptsEqual` undefined: nobody looks into a lost reply. */
  #delete(path: ZnodePath, version: number, options: CallOptions, acceptsEqual: boolean | undefined): Promise<void> {
    const look = async ({ seen }: Lost): Promise<Finding<void>> => {
      const found = await this.#look(path)
      const parent = await this.exists(parentPath(path) as ZnodePath)
      return { verdict: verdictOfDelete({ seen }, found, parent), result: () => undefined }
    }
    const call: CallSpec<void> = {
      operation: 'delete',
      type: opCode.delete,
      path,
      write(writer, own) {
        writer.ustring(own)
        writer.int(version)
      },
      read: () => void this.#session.ephemerals.delete(path),
      recovery: acceptsEqual === undefined ? undefined : { look, acceptsEqual },
    }
    return this.#calls.call(call, options)
  }

  /** What is at a path, and nothing that was executed before this call overlooked. */
  async #look(path: ZnodePath): Promise<GetResult | undefined> {
    const [, found] = await Promise.all([this.sync(path), this.find(path)])
    return found
  }

  /**
   * All operations or none. Results stand in the order of the operations.
   * @throws KeeperError TRANSACTION_FAILED with `failedOp` saying which operation failed and why.
   */
  transaction<const Ops extends readonly TransactionOp<unknown>[]>(...ops: Ops): Promise<TransactionResults<Ops>> {
    return this.transactionOf(ops)
  }

  /**
   * `transaction` with options. Where the reply is lost, a transaction that makes an ephemeral, or with a `marker`, is found out
   * about and completed; of others it is known only where a `set` with a version certainly was not executed.
   */
  async transactionOf<const Ops extends readonly TransactionOp<unknown>[]>(
    given: Ops,
    givenOptions: TransactionOptions = noOptions,
  ): Promise<TransactionResults<Ops>> {
    const ops = operationsOf(given, 'transaction')
    const options = transactionOptions.of(givenOptions, 'transaction')
    if (ops.length === 0) return [] as unknown as TransactionResults<Ops>
    const { marker } = options
    if (marker === undefined) return (await this.#transact(ops, options)) as TransactionResults<Ops>
    const path = joinPath(marker, `_c_${uuid(this.#session.runtime.random.bytes(16))}`)
    const mark = { ...op.create(path, '', { mode: 'ephemeral' }), lost: lostMarker(path) }
    const budget = this.#budget('transaction', marker, options)
    for (;;) {
      try {
        const { idempotent = false } = options
        const results = await this.#transact([...ops, mark], { ...budget.step(), idempotent })
        void this.#delete(path, -1, {}, true).catch(() => {})
        return results.slice(0, -1) as unknown as TransactionResults<Ops>
      } catch (error) {
        const failed = KeeperError.is(error, 'TRANSACTION_FAILED') ? error.failedOp : undefined
        if (failed?.index !== ops.length || failed.code !== 'NO_NODE') throw error
        await this.#createOf(marker, empty, { ...budget.step(), mode: 'container', parents: true }).catch(
          ignoreExisting,
        )
        // An empty container may be removed by the server between the two.
        await budget.again(error)
      }
    }
  }

  /** Keeps the list of ephemerals of this session. */
  #note(ops: readonly TransactionOp<unknown>[], results: readonly unknown[]): void {
    for (const [i, { ephemeral, path }] of ops.entries()) {
      if (ephemeral === 'made') this.#session.ephemerals.add((results[i] as CreatedInTransaction).path)
      else if (ephemeral === 'gone') this.#session.ephemerals.delete(path)
    }
  }

  #transact(ops: readonly TransactionOp<unknown>[], options: TransactionOptions): Promise<unknown[]> {
    const read = (reader: Reader): unknown[] => {
      const results = readMultiResponse(reader)
      const failed = results.findIndex((result) => result.type === opCode.error && result.err !== 0)
      const result = results[failed]
      if (result !== undefined && result.type === opCode.error) {
        const path = ops[failed]?.path ?? ''
        const code = keeperCodeOf(result.err) ?? 'UNKNOWN_CODE'
        throw new KeeperError('TRANSACTION_FAILED', {
          operation: 'transaction',
          path,
          message: `operation ${failed} of ${ops.length} failed with ${code}; nothing was changed`,
          failedOp: { index: failed, code, path },
        })
      }
      const values = ops.map((each, i) => each.decode(results[i] as never, (path) => this.#chroot.toUser(path)))
      this.#note(ops, values)
      return values
    }
    const lostOps = ops.map((each) => each.lost)
    const look = async (lost: Lost): Promise<Finding<unknown[]>> => {
      await this.sync()
      const eyes: Look = {
        sessionId: this.sessionId,
        find: (path) => this.find(path as ZnodePath),
        stat: (path) => this.exists(path as ZnodePath),
        names: async (path) => (await this.children(path as ZnodePath)).children,
      }
      const { verdict, zxid } = await evidenceOfAll(lostOps, lost, eyes)
      const isKnown = zxid !== undefined && (verdict === 'applied' || verdict === 'equal')
      const results = isKnown ? await resultsOfAll(lostOps, zxid, eyes) : undefined
      if (results === undefined) return { verdict }
      this.#note(ops, results)
      return { verdict, result: () => results }
    }
    const call: CallSpec<unknown[]> = {
      operation: 'transaction',
      type: opCode.multi,
      // Encoded where it is written: what was taken from an operation meanwhile fails this call then.
      write: (writer) => {
        const operations = ops.map((each) => each.encode((path) => this.#chroot.toServer(path)))
        writeMultiRequest(writer, operations)
      },
      read,
      recovery: { look, acceptsEqual: options.idempotent === true },
    }
    return this.#calls.call(call, options)
  }

  // -- subtrees and handles -------------------------------------------------------------------------------------------

  /** A znode whose data is read and written by `codec`. Sends nothing. */
  node(path: ZnodePath): ZnodeHandle<Uint8Array>
  node<T>(path: ZnodePath, codec: Codec<T>): ZnodeHandle<T>
  node<T>(path: ZnodePath, codec?: Codec<T>): ZnodeHandle<T> | ZnodeHandle<Uint8Array> {
    checkPath(path, 'node')
    if (codec !== undefined) looking('codec', 'node', () => checkedCodec(codec, 'codec', 'node'))
    return codec === undefined ? new ZnodeHandle(this, path, bytes) : new ZnodeHandle(this, path, codec)
  }

  /**
   * Everything at and below `path`, as it was at one zxid, however large. Needs ZooKeeper 3.6.
   * @throws KeeperError NO_AUTH where one znode of it may not be read, UNIMPLEMENTED.
   */
  async tree(path: ZnodePath, options: CallOptions = noOptions): Promise<Tree> {
    checkPath(path, 'tree')
    return readTree(this.#watches, path, this.#budget('tree', path, callOptions.of(options, 'tree')))
  }

  /**
   * Copies a subtree to a path that does not exist yet, as it is at one zxid; returns the number of znodes. In one transaction
   * where it fits into one, else parents first, in several: then a missing permission or a znode that is too large is found before
   * anything is copied, and an error that comes later says how many znodes are there.
   * @throws KeeperError TRANSACTION_FAILED where something is there already, or nothing may be created; BAD_ARGUMENTS where it holds ephemerals.
   */
  async copy(from: ZnodePath, to: ZnodePath, options: CopyOptions = noOptions): Promise<number> {
    checkPaths({ from, to }, 'copy')
    const own = copyOptions.of(options, 'copy')
    return copyTree(this.#treeClient(), from, to, own, this.#budget('copy', from, own))
  }

  #treeClient(): TreeClient {
    return {
      requestBytesMax: this.#session.requestBytesMax,
      transactionBytes: (ops) => {
        const writer = new Writer()
        writeMultiRequest(
          writer,
          ops.map((each) => each.encode((path) => this.#chroot.toServer(path))),
        )
        return writer.length + requestHeaderBytes
      },
      getAcl: (path, options) => this.getAcl(path, options),
      transactionOf: (ops, options) => this.transactionOf(ops, options),
      tree: (path, options) => this.tree(path, options),
    }
  }

  /**
   * Moves a subtree to a path that does not exist yet, in one transaction; returns the number of znodes.
   * @throws KeeperError as `copy`; FRAME_TOO_LARGE where it does not fit into one transaction.
   */
  async move(from: ZnodePath, to: ZnodePath, options: CallOptions = noOptions): Promise<number> {
    checkPaths({ from, to }, 'move')
    const own = callOptions.of(options, 'move')
    return moveTree(this.#treeClient(), from, to, own, this.#budget('move', from, own))
  }

  // -- watches --------------------------------------------------------------------------------------------------------

  /**
   * What is there now, then every change, in order, for ever: across lost connections and sessions. Leaving the loop removes
   * the watch. What happened while away is delivered as the difference.
   */
  watch<T = Uint8Array>(
    path: ZnodePath,
    options: WatchOptions<T> = noOptions,
  ): AsyncGenerator<WatchChange<T>, void, void> {
    checkPath(path, 'watch')
    return new Watcher<T>(this.#watches, path, watchOptions.of(options, 'watch') as WatchOptions<T>).changes()
  }

  #budget(operation: string, path: string | undefined, options: CallOptions): Budget {
    const { clock, random } = this.#session.runtime
    const host: BudgetHost = { clock, random, vainMsMax: this.#session.requestTimeoutMs }
    return new Budget(host, operation, path, options)
  }
}

function readData(reader: Reader): GetResult {
  const data = reader.bufferCopy() ?? empty
  return { data, stat: readZnodeStat(reader) }
}

function missing(): undefined {
  return undefined
}

function readExistence(reader: Reader): ExistenceResult {
  return { stat: readZnodeStat(reader) }
}

function noExistence(): ExistenceResult {
  return { stat: undefined }
}

function readChildren(reader: Reader): ChildrenResult {
  const children = reader.vector(4, readName) ?? []
  return { children, stat: readZnodeStat(reader) }
}

function readName(reader: Reader): string {
  return reader.ustring() ?? ''
}

function ignoreExisting(error: unknown): void {
  if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
}
