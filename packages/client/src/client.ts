/**
 * The client: one object for the life of a process, one method for each operation, options last. Methods check their arguments; the
 * work itself is in `operations/`, `watch/` and `session/`.
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
  memberChange,
  readOptions,
  statesOptions,
  transactionOptions,
  updateOptions,
  versionOptions,
  watchKind,
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
import { type EnsembleConfiguration, reconfigure } from './operations/reconfigure.ts'
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
  MemberChange,
  ReadOptions,
  TransactionOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
} from './options.ts'
import type { Hold } from './session/balance.ts'
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

/** How long `close` waits until a server has ended the session, milliseconds. */
const closePatienceMs = 2_000

/**
 * A client of ZooKeeper, made by `connect`: one object for the life of a process. It finds servers, keeps its session, and opens
 * a new one where the old one has expired. All methods may be called at any time and by many callers at once.
 */
export class Client implements AsyncDisposable, ClientLike {
  readonly #session: Session
  readonly #context: CallContext

  /** Use `connect`. The parameters have no types, so that the internals of a client are not part of its declaration. */
  constructor(session: unknown, chroot: unknown) {
    if (!(session instanceof Session && chroot instanceof Chroot)) {
      throw new TypeError('a Client is made by connect()')
    }
    this.#session = session
    this.#context = new CallContext(session, chroot, new SessionWatches(session, chroot))
  }

  // -- session --------------------------------------------------------------------------------------------------------

  /** The state of the session now. `states()` gives every state from now on. */
  get state(): SessionState {
    return this.#session.state
  }

  /** Id of the current session; 0n while there is none. */
  get sessionId(): bigint {
    return this.#session.sessionId
  }

  /** Counts the sessions of this client, from 0. It grows when a session has expired and a new one takes its place. */
  get epoch(): number {
    return this.#session.epoch
  }

  /** Highest zxid that this client has seen. */
  get lastZxid(): bigint {
    return this.#session.lastZxid
  }

  /** The clock of this client. Code that is built on a client must use it, so that the code also runs in a simulator. */
  get clock(): Clock {
    return this.#session.runtime.clock
  }

  /** The source of random numbers; use it for the same reason as `clock`. */
  get random(): Random {
    return this.#session.runtime.random
  }

  /** The current state, then every later state, without gaps. The stream ends after a final state. */
  states(options: { readonly signal?: AbortSignal } = noOptions): AsyncGenerator<SessionState, void, void> {
    return statesOf(this.#session, statesOptions.of(options, 'states').signal)
  }

  /** What this client has done and how it is, in numbers. */
  stats(): ClientStats {
    return statsOf(this.#session, this.#context.watches.counters)
  }

  /**
   * Replaces the list of servers: a list as in a connect string, without a chroot. Some clients then move with their sessions, just
   * so many that every server has its share.
   * @throws TypeError where the text is no list of servers.
   */
  updateServers(list: string): void {
    const { servers, chroot, service } = parseConnectString(list)
    if (chroot !== '' || service !== undefined)
      throw new TypeError(`"${list}" must be a list of servers without a chroot`)
    this.#session.balance.replaceServers(servers)
  }

  /** Prevents voluntary moves to another server until the result is closed: use it while you hold a lock or a term. */
  hold(): Hold {
    return this.#session.balance.hold()
  }

  /**
   * Says for how long this session certainly lives. `using lease = zk.lease()`: its `signal` aborts before a server may end the
   * session and give the locks of its ephemerals to others, also when this process was stopped for a while.
   */
  lease(): Lease {
    return new Lease(this.#session)
  }

  /**
   * Adds an identity to this connection and every later one. `timeout` and `signal` end only the waiting; the identity stays.
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
   * Ends the session, so that its ephemerals are deleted at once. Settles in every state within `timeout` (default 2000 ms) or when
   * the signal aborts, and never rejects. Calls that are pending fail with CLOSED. The result says whether a server has ended the
   * session; if not, which ephemerals stay, and for how long.
   */
  async close(options: CallOptions = noOptions): Promise<Closing> {
    const { timeout = closePatienceMs, signal } = callOptions.of(options, 'close')
    return this.#session.close(timeout, signal)
  }

  /**
   * Leaves without ending the session: its ephemerals, and so its locks and registrations, stay until the session timeout has
   * passed. `connect` with `attach: token` continues the session, in another process or after a deployment. Waits for the replies
   * to earlier requests, `timeout` milliseconds at most (default 2000); the client is closed then.
   * @returns a token that contains the session's password.
   * @throws KeeperError TIMEOUT; UNIMPLEMENTED on ClickHouse Keeper, which does not let a client continue a session;
   * CONNECTION_LOSS where there is no session. The client stays open then.
   */
  async detach(options: CallOptions = noOptions): Promise<string> {
    return detach(this.#context, callOptions.of(options, 'detach'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // -- reads ----------------------------------------------------------------------------------------------------------

  /**
   * Repeats a read after a lost connection until a server answers or `timeout` has passed.
   * @throws KeeperError NO_NODE, NO_AUTH, and those of every call: TIMEOUT, FRAME_TOO_LARGE, AUTH_FAILED, CLOSED.
   */
  get(path: ZnodePath, options: ReadOptions = noOptions): Promise<GetResult> {
    return this.#read(getRead, path, options, readOptions)
  }

  /** As `get`, but returns undefined where the znode does not exist. Other errors are thrown. */
  async find(path: ZnodePath, options: Omit<ReadOptions, 'watch'> = noOptions): Promise<GetResult | undefined> {
    const own = findOptions.of(options, 'find')
    checkPath(path, 'find')
    return find(this.#context, path, own)
  }

  /** The Stat of a znode, or undefined where it does not exist; so `if (await zk.exists(path))` does what it seems to do. */
  exists(path: ZnodePath, options: Omit<ReadOptions, 'watch'> = noOptions): Promise<ZnodeStat | undefined> {
    return this.#read(existsRead, path, options, findOptions)
  }

  /**
   * As `exists`. With `watch` it leaves a one-shot watch, also on a znode that does not exist: that watch reports its creation. The
   * result is always an object; read its `stat`.
   */
  existence(path: ZnodePath, options: ReadOptions = noOptions): Promise<ExistenceResult> {
    return this.#read(existenceRead, path, options, readOptions)
  }

  /** Names of the children, not sorted, and the Stat. `watch` gives `changed`, as for `get`. @throws KeeperError NO_NODE, NO_AUTH. */
  children(path: ZnodePath, options: ReadOptions = noOptions): Promise<ChildrenResult> {
    return this.#read(childrenRead, path, options, readOptions)
  }

  /** Not an async function: that would cost each read more than the checks do. */
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

  /** The ACL of a znode, and its Stat, whose `aversion` is for `setAcl`. @throws KeeperError NO_NODE, NO_AUTH. */
  async getAcl(path: ZnodePath, options: CallOptions = noOptions): Promise<AclResult> {
    checkPath(path, 'getAcl')
    return getAcl(this.#context, path, callOptions.of(options, 'getAcl'))
  }

  /** Reads many znodes at one zxid. Each read succeeds or fails alone. Needs ZooKeeper 3.6. */
  async readMany(reads: readonly ManyRead[], options: CallOptions = noOptions): Promise<ManyResult[]> {
    return readMany(this.#context, readsOf(reads, 'readMany'), callOptions.of(options, 'readMany'))
  }

  /** Paths of the ephemerals of this session that start with `prefix`. */
  async ephemerals(prefix: ZnodePath = '/', options: CallOptions = noOptions): Promise<ZnodePath[]> {
    checkPath(prefix, 'ephemerals')
    return ephemerals(this.#context, prefix, callOptions.of(options, 'ephemerals'))
  }

  /** Number of znodes below `path`, without `path` itself. */
  async countDescendants(path: ZnodePath, options: CallOptions = noOptions): Promise<number> {
    checkPath(path, 'countDescendants')
    return countDescendants(this.#context, path, callOptions.of(options, 'countDescendants'))
  }

  /** Waits until the server of this connection has applied everything that was written before this call. */
  async sync(path: ZnodePath = '/', options: CallOptions = noOptions): Promise<void> {
    checkPath(path, 'sync')
    return sync(this.#context, path, callOptions.of(options, 'sync'))
  }

  /** The identities that this connection has on the server, with what the server shows of each. It needs a server of 3.7 or newer. */
  async whoAmI(options: CallOptions = noOptions): Promise<Identity[]> {
    return whoAmI(this.#context, callOptions.of(options, 'whoAmI'))
  }

  // -- writes ---------------------------------------------------------------------------------------------------------

  /**
   * Creates a znode; `data` defaults to empty. After a lost reply the client looks for an ephemeral or a `protected` znode and
   * finds it. A sequential znode that is not protected cannot be distinguished from others: the call fails with outcome `unknown`.
   * With `idempotent` the call succeeds where a znode with this data and of this kind exists already.
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
   * Makes sure that a znode exists: creates it, empty and with its missing parents, where it does not. `create` with `parents:
   * true` creates the parents in the same way.
   * @throws KeeperError NO_AUTH, and NO_NODE where the chroot does not exist.
   */
  async ensure(path: ZnodePath, given: EnsureOptions = noOptions): Promise<void> {
    checkPath(path, 'ensure')
    return ensure(this.#context, path, ensureOptions.of(given, 'ensure'))
  }

  /**
   * Writes the data of a znode. After a lost reply to a set with a `version`, the client reads the znode: with the next version and
   * this data the set has succeeded; with the old version it was not executed, and is sent again.
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

  /** Refuses data that fits into no request, before it is copied into one. */
  #fitting(data: Uint8Array | null, path: string, operation: string): Uint8Array | null {
    const { requestBytesMax } = this.#session.config
    if (data === null || data.length <= requestBytesMax) return data
    const message = tooLarge('data', data.length, requestBytesMax)
    throw new KeeperError('FRAME_TOO_LARGE', { path, operation, outcome: 'not-sent', message })
  }

  /**
   * Reads the znode, applies `change`, and writes if no other client wrote meanwhile; otherwise it starts again. `change` may be
   * called often. It gets undefined where the znode does not exist, which is then created. It returns undefined to change nothing.
   * @throws KeeperError NO_NODE where the parent is missing, unless `create.parents` is set; TIMEOUT where other clients were
   * faster during the whole `timeout`; CONNECTION_LOSS with outcome `unknown` where the reply was lost and another client may have
   * written the same bytes. (If two clients increment a counter, only one of the increments has counted then.)
   */
  async update(path: ZnodePath, change: Change, given: UpdateOptions = noOptions): Promise<UpdateResult> {
    checkPath(path, 'update')
    callable(change, 'change', 'update')
    const options = updateOptions.of(given, 'update')
    const bytesOf = (data: Data): Uint8Array | null =>
      this.#fitting(dataOf(data, 'what change gave', 'update'), path, 'update')
    return update(this.#context, path, change, bytesOf, options)
  }

  /** Sets the ACL; `version` is compared with the aversion. @throws KeeperError INVALID_ACL, NO_NODE, BAD_VERSION, NO_AUTH. */
  async setAcl(path: ZnodePath, acl: readonly Acl[], options: VersionOptions = noOptions): Promise<ZnodeStat> {
    checkPath(path, 'setAcl')
    const own = checkedAcl(acl, 'acl', 'setAcl')
    return setAcl(this.#context, path, own, versionOptions.of(options, 'setAcl'))
  }

  /**
   * Deletes a znode. With `idempotent` the call succeeds where the znode does not exist. Without it, if the reply is lost and the
   * znode is gone, this call or another client may have deleted it: the outcome is `unknown`. With `recursive` nothing is deleted
   * where a permission is missing or the version is wrong; changes after this check can still end the call halfway.
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
   * Executes all operations or none. Results are in the order of the operations.
   * @throws KeeperError TRANSACTION_FAILED; `failedOp` says which operation failed and why.
   */
  transaction<const Ops extends readonly TransactionOp<unknown>[]>(...ops: Ops): Promise<TransactionResults<Ops>> {
    return this.transactionOf(ops)
  }

  /**
   * `transaction` with options. After a lost reply the client finds out what happened to a transaction that creates an ephemeral,
   * or that has a `marker`, and completes it. For others it can only find out, by a `set` with a version, that they were certainly
   * not executed.
   */
  async transactionOf<const Ops extends readonly TransactionOp<unknown>[]>(
    given: Ops,
    options: TransactionOptions = noOptions,
  ): Promise<TransactionResults<Ops>> {
    const ops = operationsOf(given, 'transaction')
    const results = await transaction(this.#context, ops, transactionOptions.of(options, 'transaction'))
    return results as unknown as TransactionResults<Ops>
  }

  /**
   * Changes the members of an ensemble, and resolves when the new members have accepted it.
   * @throws KeeperError RECONFIG_DISABLED, RECONFIG_IN_PROGRESS, NEW_CONFIG_NO_QUORUM, BAD_VERSION, BAD_ARGUMENTS, NO_AUTH; after a lost
   * reply CONNECTION_LOSS with outcome `unknown`.
   */
  async reconfigure(change: MemberChange, options: CallOptions = noOptions): Promise<EnsembleConfiguration> {
    const own = memberChange.of(change, 'reconfigure')
    return reconfigure(this.#context, own, callOptions.of(options, 'reconfigure'))
  }

  // -- subtrees and handles -------------------------------------------------------------------------------------------

  /** A znode whose data `codec` reads and writes. Sends nothing. */
  node(path: ZnodePath): ZnodeHandle<Uint8Array>
  node<T>(path: ZnodePath, codec: Codec<T>): ZnodeHandle<T>
  node<T>(path: ZnodePath, codec?: Codec<T>): ZnodeHandle<T> | ZnodeHandle<Uint8Array> {
    checkPath(path, 'node')
    if (codec !== undefined) looking('codec', 'node', () => checkedCodec(codec, 'codec', 'node'))
    return codec === undefined ? new ZnodeHandle(this, path, bytes) : new ZnodeHandle(this, path, codec)
  }

  /**
   * Everything at and below `path`, as it was at one zxid, of any size. Needs ZooKeeper 3.6.
   * @throws KeeperError NO_AUTH where this client may not read one of the znodes, UNIMPLEMENTED.
   */
  async tree(path: ZnodePath, options: CallOptions = noOptions): Promise<Tree> {
    checkPath(path, 'tree')
    const own = callOptions.of(options, 'tree')
    return readTree(this.#context.watches, path, this.#context.budget('tree', path, own))
  }

  /**
   * Copies a subtree, as it is at one zxid, to a path that does not exist yet; returns the number of znodes. Uses one transaction
   * if the subtree fits into one, else several, parents first. With several, the client checks permissions and sizes before it
   * copies anything; a later error says how many znodes were copied.
   * @throws KeeperError TRANSACTION_FAILED where the target exists already, or where nothing may be created; BAD_ARGUMENTS where
   * the subtree holds ephemerals.
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
   * Delivers the current state, then every change, in order, for ever: across lost connections and sessions. Leaving the loop
   * removes the watch. Changes during a lost connection are delivered as the difference.
   * @throws TypeError for both `recursive` and `children`: they are two different scopes.
   */
  watch<T = Uint8Array>(
    path: ZnodePath,
    options: WatchOptions<T> = noOptions,
  ): AsyncGenerator<WatchChange<T>, void, void> {
    checkPath(path, 'watch')
    return new WatchStream<T>(this.#context.watches, path, watchOptionsOf(options)).changes()
  }

  /**
   * Gives up the one-shot watches of a znode that reads with `watch: true` have left: those of `get` and `existence` are `data`, those
   * of `children` are `children`. Their `changed` settles with type `none`. Without a connection the watch is forgotten here, and the
   * server gets no news of it after a reconnect.
   * @returns false where there is no such watch.
   */
  async unwatch(path: ZnodePath, kind: 'data' | 'children'): Promise<boolean> {
    checkPath(path, 'unwatch')
    return this.#context.watches.giveUp(path, watchKind(kind, 'kind', 'unwatch'))
  }
}
