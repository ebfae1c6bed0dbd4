/**
 * The client: one object for the life of a process, one method per operation, options last. Methods check what a user hands over;
 * what they do stands in `operations/`, `watch/` and `session/`.
 */
import { type Acl, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Clock, Random } from '@lightkeeper/runtime'
import { acl as checkedAcl } from './arguments/acl.ts'
import { callable, looking, noOptions, type OptionSet, text } from './arguments/checks.ts'
import { credentials as checkedCredentials } from './arguments/connect-options.ts'
import { contentOf, dataOf } from './arguments/data.ts'
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
  watchOptionsOf,
} from './arguments/tables.ts'
import { bytes, type Codec } from './codec.ts'
import { Chroot, parseConnectString } from './connect-string.ts'
import { ZnodeHandle } from './node.ts'
import { CallContext } from './operations/call.ts'
import type { ClientLike } from './operations/client-like.ts'
import { copyTree, moveTree } from './operations/copy.ts'
import { type CreateResult } from './operations/create.ts'
import { create, ensure } from './operations/create-call.ts'
import { createKind } from './operations/create-kind.ts'
import { deleteOnce } from './operations/delete.ts'
import { deleteBelow } from './operations/delete-below.ts'
import { detach } from './operations/detach.ts'
import { operationsOf, type TransactionOp, type TransactionResults } from './operations/op.ts'
import {
  type AclResult,
  type ChildrenResult,
  childrenRead,
  countDescendants,
  type ExistenceResult,
  ephemerals,
  existenceRead,
  existsRead,
  find,
  type GetResult,
  getAcl,
  getRead,
  type Identity,
  type ManyResult,
  readMany,
  readZnode,
  sync,
  whoAmI,
  type ZnodeRead,
} from './operations/reads.ts'
import { setData } from './operations/set.ts'
import { setAcl } from './operations/set-acl.ts'
import { transaction } from './operations/transaction.ts'
import { type Change, type UpdateResult, update } from './operations/update.ts'
import type {
  CallOptions,
  CopyOptions,
  CreateOptions,
  Credentials,
  Data,
  DeleteOptions,
  EnsureOptions,
  ManyRead,
  ReadOptions,
  TransactionOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
} from './options.ts'
import { Lease } from './session/lease.ts'
import { tooLarge } from './session/request.ts'
import { Session } from './session/session.ts'
import { statesOf } from './session/state-stream.ts'
import type { Closing, SessionState } from './session/states.ts'
import { type ClientStats, statsOf } from './session/stats.ts'
import type { ZnodeStat } from './stat.ts'
import type { WatchChange } from './watch/change.ts'
import { readTree, type Tree } from './watch/read-tree.ts'
import { SessionWatches } from './watch/source.ts'
import { WatchStream } from './watch/stream.ts'

/** How long `close` waits for a server to end the session, milliseconds. */
const closePatienceMs = 2_000

export class Client implements AsyncDisposable, ClientLike {
  readonly #session: Session
  readonly #context: CallContext

  /** Use `connect`. Its parameters have no types, so that what is inside a client is no part of its declaration. */
  constructor(session: unknown, chroot: unknown) {
    if (!(session instanceof Session && chroot instanceof Chroot)) {
      throw new TypeError('a Client is made by connect()')
    }
    this.#session = session
    this.#context = new CallContext(session, chroot, new SessionWatches(session, chroot))
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
    return statesOf(this.#session, statesOptions.of(options, 'states').signal)
  }

  /** What this client has done and how it is, in numbers. */
  stats(): ClientStats {
    return statsOf(this.#session, this.#context.watches.counters)
  }

  /**
   * Other servers from now on: a list as in a connect string, without a chroot. Clients that should be elsewhere then move with
   * their session, so many that every server has its share.
   * @throws TypeError for a text that is no list of servers.
   */
  updateServers(list: string): void {
    const { servers, chroot, service } = parseConnectString(list)
    if (chroot !== '' || service !== undefined) throw new TypeError(`"${list}" must be a list of servers alone`)
    this.#session.balance.replaceServers(servers)
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
    const identity = {
      scheme: text(scheme, 'scheme', 'addAuth'),
      credentials: checkedCredentials(credentials, 'credentials', 'addAuth'),
    }
    return this.#context.budget('addAuth', undefined, own).until(this.#session.addAuth(identity))
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
    return detach(this.#context, callOptions.of(options, 'detach'))
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
    return this.#read(getRead, path, options, readOptions)
  }

  /** As `get`, but undefined for a znode that does not exist; for nothing else. */
  async find(path: ZnodePath, options: Omit<ReadOptions, 'watch'> = noOptions): Promise<GetResult | undefined> {
    const own = findOptions.of(options, 'find')
    checkPath(path, 'find')
    return find(this.#context, path, own)
  }

  /** The Stat of a znode, or undefined where there is none, so that `if (await zk.exists(path))` asks what it seems to ask. */
  exists(path: ZnodePath, options: Omit<ReadOptions, 'watch'> = noOptions): Promise<ZnodeStat | undefined> {
    return this.#read(existsRead, path, options, findOptions)
  }

  /**
   * As `exists`, with a one-shot watch where `watch` is set: of one znode that is missing too, so that its creation is heard of.
   * The result is always an object; look at its `stat`.
   */
  existence(path: ZnodePath, options: ReadOptions = noOptions): Promise<ExistenceResult> {
    return this.#read(existenceRead, path, options, readOptions)
  }

  children(path: ZnodePath, options: ReadOptions = noOptions): Promise<ChildrenResult> {
    return this.#read(childrenRead, path, options, readOptions)
  }

  /** Not an async function, since that would cost each read more than the checks do. */
  #read<T extends object | undefined>(
    read: ZnodeRead<T>,
    path: ZnodePath,
    options: ReadOptions,
    table: OptionSet<ReadOptions>,
  ): Promise<T> {
    let own: ReadOptions
    try {
      checkPath(path, read.operation)
      own = table.of(options, read.operation)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    return readZnode(this.#context, read, path, own)
  }

  async getAcl(path: ZnodePath, options: CallOptions = noOptions): Promise<AclResult> {
    checkPath(path, 'getAcl')
    return getAcl(this.#context, path, callOptions.of(options, 'getAcl'))
  }

  /** Reads many znodes as they are at one zxid. Each read succeeds or fails alone. Needs ZooKeeper 3.6. */
  async readMany(reads: readonly ManyRead[], options: CallOptions = noOptions): Promise<ManyResult[]> {
    return readMany(this.#context, readsOf(reads, 'readMany'), callOptions.of(options, 'readMany'))
  }

  /** Paths of the ephemerals of this session that start with `prefix`. */
  async ephemerals(prefix: ZnodePath = '/', options: CallOptions = noOptions): Promise<ZnodePath[]> {
    checkPath(prefix, 'ephemerals')
    return ephemerals(this.#context, prefix, callOptions.of(options, 'ephemerals'))
  }

  /** Number of znodes below `path`, itself not counted. */
  async countDescendants(path: ZnodePath, options: CallOptions = noOptions): Promise<number> {
    checkPath(path, 'countDescendants')
    return countDescendants(this.#context, path, callOptions.of(options, 'countDescendants'))
  }

  /** Waits until the server connected to has seen everything that was written before this call. */
  async sync(path: ZnodePath = '/', options: CallOptions = noOptions): Promise<void> {
    checkPath(path, 'sync')
    return sync(this.#context, path, callOptions.of(options, 'sync'))
  }

  async whoAmI(options: CallOptions = noOptions): Promise<Identity[]> {
    return whoAmI(this.#context, callOptions.of(options, 'whoAmI'))
  }

  // -- writes ---------------------------------------------------------------------------------------------------------

  /**
   * Creates a znode; `data` defaults to empty. Where the reply is lost, an ephemeral is looked for and found, and so is a
   * `protected` one; a sequential one that is not protected cannot be distinguished from others and fails with outcome `unknown`.
   * With `idempotent` a znode that is there already with this data and of this kind is success.
   * @throws KeeperError NODE_EXISTS, NO_NODE where a parent is missing and `parents` is not set, NO_AUTH, and others.
   */
  async create(path: ZnodePath, data?: Data, given: CreateOptions = noOptions): Promise<CreateResult> {
    const options = createOptions.of(given, 'create')
    createKind(options, 'create')
    checkPath(path, 'create', options.sequential)
    const content = this.#fitting(contentOf(data, 'data', 'create'), path, 'create')
    return create(this.#context, path, content, options)
  }

  /**
   * Makes sure that a znode exists: creates it, empty and with its missing parents, where it does not. `create` with `parents: true`
   * makes the parents in the same way.
   * @throws KeeperError NO_AUTH, and NO_NODE where the chroot does not exist.
   */
  async ensure(path: ZnodePath, given: EnsureOptions = noOptions): Promise<void> {
    checkPath(path, 'ensure')
    return ensure(this.#context, path, ensureOptions.of(given, 'ensure'))
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
      return setData(this.#context, path, this.#fitting(dataOf(data, 'data', 'set'), path, 'set'), own, true)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Data that can be no part of any request is refused before it is copied into one. */
  #fitting(data: Uint8Array | null, path: string, operation: string): Uint8Array | null {
    const { requestBytesMax } = this.#session.config
    if (data === null || data.length <= requestBytesMax) return data
    const message = tooLarge('data', data.length, requestBytesMax)
    throw new KeeperError('FRAME_TOO_LARGE', { path, operation, outcome: 'not-sent', message })
  }

  /**
   * Reads, applies `change`, writes if no other client wrote meanwhile, and repeats until it fits. `change` may be called often; it
   * gets undefined where the znode does not exist, which is created then, and gives undefined to leave everything as it is.
   * @throws KeeperError NO_NODE where its parent is missing, unless `create.parents` is set; TIMEOUT where others were faster for as
   *   long as `timeout`; CONNECTION_LOSS with outcome `unknown` where the reply was lost and another client may have written the same
   *   bytes: of two clients that count, only one has counted then.
   */
  async update(path: ZnodePath, change: Change, given: UpdateOptions = noOptions): Promise<UpdateResult> {
    checkPath(path, 'update')
    callable(change, 'change', 'update')
    const options = updateOptions.of(given, 'update')
    const bytesOf = (data: Data): Uint8Array | null =>
      this.#fitting(dataOf(data, 'what change gave', 'update'), path, 'update')
    return update(this.#context, path, change, bytesOf, options)
  }

  /** `version` is compared with the aversion. @throws KeeperError INVALID_ACL, NO_NODE, BAD_VERSION, NO_AUTH. */
  async setAcl(path: ZnodePath, acl: readonly Acl[], options: VersionOptions = noOptions): Promise<ZnodeStat> {
    checkPath(path, 'setAcl')
    const own = checkedAcl(acl, 'acl', 'setAcl')
    return setAcl(this.#context, path, own, versionOptions.of(options, 'setAcl'))
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
    const { version = -1, idempotent = false, recursive = false } = options
    try {
      if (recursive) await deleteBelow(this.#context, path, options)
      else await deleteOnce(this.#context, path, version, options, idempotent)
    } catch (error) {
      if (!idempotent || !KeeperError.is(error, 'NO_NODE')) throw error
    }
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
    options: TransactionOptions = noOptions,
  ): Promise<TransactionResults<Ops>> {
    const ops = operationsOf(given, 'transaction')
    const results = await transaction(this.#context, ops, transactionOptions.of(options, 'transaction'))
    return results as unknown as TransactionResults<Ops>
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
    const own = callOptions.of(options, 'tree')
    return readTree(this.#context.watches, path, this.#context.budget('tree', path, own))
  }

  /**
   * Copies a subtree to a path that does not exist yet, as it is at one zxid; returns the number of znodes. In one transaction
   * where it fits into one, else parents first, in several: then a missing permission or a znode that is too large is found before
   * anything is copied, and an error that comes later says how many znodes are there.
   * @throws KeeperError TRANSACTION_FAILED where something is there already, or nothing may be created; BAD_ARGUMENTS where it holds ephemerals.
   */
  async copy(from: ZnodePath, to: ZnodePath, options: CopyOptions = noOptions): Promise<number> {
    checkPaths({ from, to }, 'copy')
    return copyTree(this.#context, from, to, copyOptions.of(options, 'copy'))
  }

  /**
   * Moves a subtree to a path that does not exist yet, in one transaction; returns the number of znodes.
   * @throws KeeperError as `copy`; FRAME_TOO_LARGE where it does not fit into one transaction.
   */
  async move(from: ZnodePath, to: ZnodePath, options: CallOptions = noOptions): Promise<number> {
    checkPaths({ from, to }, 'move')
    return moveTree(this.#context, from, to, callOptions.of(options, 'move'))
  }

  // -- watches --------------------------------------------------------------------------------------------------------

  /**
   * What is there now, then every change, in order, for ever: across lost connections and sessions. Leaving the loop removes
   * the watch. What happened while away is delivered as the difference.
   * @throws TypeError for both `recursive` and `children`: each says what else is watched.
   */
  watch<T = Uint8Array>(
    path: ZnodePath,
    options: WatchOptions<T> = noOptions,
  ): AsyncGenerator<WatchChange<T>, void, void> {
    checkPath(path, 'watch')
    return new WatchStream<T>(this.#context.watches, path, watchOptionsOf(options)).changes()
  }
}
