/** The client: one object for the life of a process, one method per operation, options last. */
import {
  type Acl,
  joinPath,
  KeeperError,
  keeperCodeOf,
  keeperCodes,
  nodeName,
  opCode,
  openAcl,
  parentPath,
  type Reader,
  readGetACLResponse,
  readMultiResponse,
  readStat,
  readWhoAmIResponse,
  type Writer,
  writeCreateRequest,
  writeMultiRequest,
  writeSetACLRequest,
  type ZnodePath,
} from '@lightkeeper/protocol'
import type { Chroot } from './connect-string.ts'
import type {
  AuthOption,
  CallOptions,
  CreateOptions,
  Credentials,
  DeleteOptions,
  ReadOptions,
  VersionOptions,
} from './options.ts'
import type { RequestSpec } from './session/request.ts'
import type { Session } from './session/session.ts'
import { isFinal, type SessionState } from './session/states.ts'
import { ZnodeStat } from './stat.ts'
import {
  type CreateResult,
  checkPath,
  createKind,
  type TransactionOp,
  type TransactionResults,
  toBytes,
} from './transaction.ts'
import type { WatchChange } from './watch/change.ts'
import type { OneShotKind, WatchedEvent } from './watch/registry.ts'
import { SessionWatches } from './watch/source.ts'
import { Watcher, type WatchOptions } from './watch/watcher.ts'

export type Data = Uint8Array | string | null

export interface GetResult {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
  /** With `watch`: settles with the event, or with type `none` when the session ends first. Never rejects. */
  readonly changed?: Promise<WatchedEvent>
}

export interface ExistsResult {
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

/** One read of `readMany`. */
export type ManyRead = { readonly get: ZnodePath } | { readonly children: ZnodePath }
export type ManyResult =
  | { readonly data: Uint8Array; readonly stat: ZnodeStat }
  | { readonly children: readonly string[] }
  | { readonly error: KeeperError }

export interface Identity {
  readonly scheme: string
  readonly user: string
}

const empty = new Uint8Array(0)
/** A recursive delete keeps at most this many deletes on their way. */
const deleteBatch = 64
/** Wait between attempts to remove what a protected create may have left. */
const cleanUpRetryMs = 1_000

export class Client implements AsyncDisposable {
  readonly #session: Session
  readonly #chroot: Chroot
  readonly #watches: SessionWatches
  readonly #requestTimeout: number | undefined

  /** Use `connect`. */
  constructor(session: Session, chroot: Chroot, requestTimeout: number | undefined) {
    this.#session = session
    this.#chroot = chroot
    this.#watches = new SessionWatches(session, chroot, requestTimeout)
    this.#requestTimeout = requestTimeout
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

  /** The state now and every one that follows, none left out; ends with a final one. */
  async *states(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<SessionState, void, void> {
    const { signal } = options
    const pending: SessionState[] = [this.state]
    let wake: (() => void) | undefined
    const stop = this.#session.onState((state) => {
      pending.push(state)
      wake?.()
    })
    const onAbort = (): void => wake?.()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal?.aborted) {
        const state = pending.shift()
        if (state !== undefined) {
          yield state
          if (isFinal(state)) return
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      stop()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Adds an identity to this and every later connection. @throws KeeperError AUTH_FAILED; the client is closed then. */
  addAuth(scheme: string, credentials: Credentials): Promise<void> {
    const option: AuthOption = { scheme, credentials }
    return this.#session.addAuth(option)
  }

  /** Ends the session, so that its ephemerals go at once. Settles in every state; calls still pending fail with CLOSED. */
  close(): Promise<void> {
    return this.#session.close(2_000)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // -- reads ----------------------------------------------------------------------------------------------------------

  /** @throws KeeperError NO_NODE, NO_AUTH, and those of every call: CONNECTION_LOSS, SESSION_EXPIRED, TIMEOUT, CLOSED. */
  get(path: ZnodePath, options: ReadOptions = {}): Promise<GetResult> {
    return this.#read('get', opCode.getData, path, options, 'data', (reader) => {
      const data = reader.buffer()?.slice() ?? empty
      return { data, stat: new ZnodeStat(readStat(reader)) }
    })
  }

  /** As `get`, but undefined for a znode that does not exist; for nothing else. */
  async find(path: ZnodePath, options: CallOptions = {}): Promise<GetResult | undefined> {
    try {
      return await this.get(path, options)
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  exists(path: ZnodePath, options: ReadOptions = {}): Promise<ExistsResult> {
    const onMissing = (): ExistsResult => ({ stat: undefined })
    const read = (reader: Reader): ExistsResult => ({ stat: new ZnodeStat(readStat(reader)) })
    return this.#read('exists', opCode.exists, path, options, 'data', read, onMissing)
  }

  children(path: ZnodePath, options: ReadOptions = {}): Promise<ChildrenResult> {
    return this.#read('children', opCode.getChildren2, path, options, 'children', (reader) => {
      const children = reader.vector(4, (each) => each.ustring() ?? '') ?? []
      return { children, stat: new ZnodeStat(readStat(reader)) }
    })
  }

  getAcl(
    path: ZnodePath,
    options: CallOptions = {},
  ): Promise<{ readonly acl: readonly Acl[]; readonly stat: ZnodeStat }> {
    return this.#call(
      'getAcl',
      opCode.getACL,
      path,
      options,
      (writer, own) => writer.ustring(own),
      (reader) => {
        const { acl, stat } = readGetACLResponse(reader)
        return { acl, stat: new ZnodeStat(stat) }
      },
    )
  }

  /** Reads many znodes as they are at one zxid. Each read succeeds or fails alone. Needs ZooKeeper 3.6. */
  async readMany(reads: readonly ManyRead[], options: CallOptions = {}): Promise<ManyResult[]> {
    const paths = reads.map((read) => ('get' in read ? read.get : read.children))
    for (const path of paths) checkPath(path, 'readMany')
    const operations = reads.map((read, i) => {
      const path = this.#chroot.toServer(paths[i] as string)
      return { type: 'get' in read ? opCode.getData : opCode.getChildren, path, watch: false }
    })
    const write = (writer: Writer): void => writeMultiRequest(writer, operations)
    return this.#call('readMany', opCode.multiRead, undefined, options, write, (reader) =>
      readMultiResponse(reader).map((result, i): ManyResult => {
        if (result.type === opCode.getData)
          return { data: result.data?.slice() ?? empty, stat: new ZnodeStat(result.stat) }
        if (result.type === opCode.getChildren) return { children: result.children }
        const err = result.type === opCode.error ? result.err : keeperCodes.MARSHALLING_ERROR.number
        return { error: KeeperError.fromNumber(err, { path: paths[i], operation: 'readMany' }) }
      }),
    )
  }

  /** Paths of the ephemerals of this session that start with `prefix`. */
  ephemerals(prefix: ZnodePath = '/', options: CallOptions = {}): Promise<string[]> {
    return this.#call(
      'ephemerals',
      opCode.getEphemerals,
      prefix,
      options,
      (writer, own) => writer.ustring(own),
      (reader) => (reader.vector(4, (each) => each.ustring() ?? '') ?? []).map((path) => this.#chroot.toUser(path)),
    )
  }

  /** Number of znodes below `path`, itself not counted. */
  countDescendants(path: ZnodePath, options: CallOptions = {}): Promise<number> {
    const write = (writer: Writer, own: string): void => writer.ustring(own)
    return this.#call('countDescendants', opCode.getAllChildrenNumber, path, options, write, (reader) => reader.int())
  }

  /** Waits until the server connected to has seen everything that was written before this call. */
  sync(path: ZnodePath = '/', options: CallOptions = {}): Promise<void> {
    return this.#call(
      'sync',
      opCode.sync,
      path,
      options,
      (writer, own) => writer.ustring(own),
      () => undefined,
    )
  }

  whoAmI(options: CallOptions = {}): Promise<Identity[]> {
    return this.#call(
      'whoAmI',
      opCode.whoAmI,
      undefined,
      options,
      () => {},
      (reader) => readWhoAmIResponse(reader).clientInfo.map(({ authScheme, user }) => ({ scheme: authScheme, user })),
    )
  }

  // -- writes ---------------------------------------------------------------------------------------------------------

  /**
   * Creates a znode; `data` defaults to empty.
   * @throws KeeperError NODE_EXISTS, NO_NODE where a parent is missing and `parents` is not set, NO_AUTH, and others.
   */
  async create(path: ZnodePath, data: Data = empty, options: CreateOptions = {}): Promise<CreateResult> {
    checkPath(path, 'create', options.sequential)
    const bytes = toBytes(data)
    const create = options.protected
      ? (): Promise<CreateResult> => this.#createProtected(path, bytes, options)
      : (): Promise<CreateResult> => this.#create(path, bytes, options)
    if (!options.parents) return create()
    for (;;) {
      try {
        return await create()
      } catch (error) {
        if (!KeeperError.is(error, 'NO_NODE')) throw error
        // A container parent may vanish again between this and the next try, so the two are repeated together.
        await this.#createParents(parentPath(path) as ZnodePath, options)
      }
    }
  }

  #create(path: string, data: Uint8Array | null, options: CreateOptions): Promise<CreateResult> {
    const { type, flags, ttl } = createKind(options)
    const acl = options.acl ?? openAcl
    return this.#call(
      'create',
      type,
      path as ZnodePath,
      options,
      (writer, own) => {
        writeCreateRequest(writer, { path: own, data, acl, flags })
        if (type === opCode.createTTL) writer.long(ttl)
      },
      (reader) => ({ path: this.#chroot.toUser(reader.ustring() ?? ''), stat: new ZnodeStat(readStat(reader)) }),
    )
  }

  async #createParents(path: ZnodePath, options: CreateOptions): Promise<void> {
    if (path === '/') {
      // Below a chroot whose znode does not exist there is nothing a user could name to create it.
      throw new KeeperError('NO_NODE', {
        path: this.#chroot.prefix || '/',
        operation: 'create',
        message: 'the chroot does not exist',
      })
    }
    const mode = options.parents === 'container' ? 'container' : 'persistent'
    const { signal, timeout, acl } = options
    const own: CreateOptions = { mode, signal, timeout, parents: options.parents ?? true, ...(acl ? { acl } : {}) }
    await this.create(path, empty, own).catch((error: unknown) => {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
    })
  }

  /**
   * A create that is not repeated blindly (Curator's protected mode): the name carries a mark of its own, and after a lost
   * reply the parent is searched for it before anything is sent again.
   */
  async #createProtected(path: ZnodePath, data: Uint8Array | null, options: CreateOptions): Promise<CreateResult> {
    const parent = parentPath(path) as ZnodePath
    const mark = `_c_${uuid(this.#session.runtime.random.bytes(16))}-`
    const marked = joinPath(parent, mark + nodeName(path))
    const { signal, timeout } = options
    /** A create went out, and neither its reply nor a look at the parent has told what became of it. */
    let mayExist = false
    try {
      for (let tries = 0; ; tries++) {
        try {
          return await this.#create(marked, data, options)
        } catch (error) {
          mayExist ||= !KeeperError.is(error) || error.outcome === 'unknown'
          if (!mayExist || !KeeperError.is(error, 'CONNECTION_LOSS') || tries >= 8) throw error
        }
        const found = await this.#findMarked(parent, mark, { signal, timeout })
        const isOwn = options.mode !== 'ephemeral' || found?.stat.ephemeralOwner === this.sessionId
        if (found !== undefined && isOwn) return found
        // Made by a session that is gone: it would vanish under us.
        if (found !== undefined) await this.delete(found.path as ZnodePath, { signal, timeout }).catch(ignoreMissing)
        mayExist = false
      }
    } catch (error) {
      if (!mayExist) throw error
      // Whatever gave up here, a create that may have gone through must not stay behind.
      void this.#removeMarked(parent, mark)
      if (!KeeperError.is(error) || error.outcome === 'unknown') throw error
      // The search was refused or never sent; the create before it was sent.
      throw new KeeperError(error.code, { path, operation: 'create', outcome: 'unknown', cause: error })
    }
  }

  async #findMarked(parent: ZnodePath, mark: string, options: CallOptions): Promise<CreateResult | undefined> {
    for (;;) {
      try {
        // Another server may not have heard of the create yet. Any request under way from the connection that was lost is
        // executed before this one, or refused since the session has moved.
        await this.sync(parent, options)
        const { children } = await this.children(parent, options)
        const name = children.find((child) => child.startsWith(mark))
        if (name === undefined) return undefined
        const path = joinPath(parent, name)
        const { stat } = await this.exists(path, options)
        return stat === undefined ? undefined : { path, stat }
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE')) return undefined
        // Refused for want of room it would be refused again at once, and nothing else would ever run.
        if (!KeeperError.is(error, 'CONNECTION_LOSS') || error.outcome === 'not-sent') throw error
      }
    }
  }

  /** Goes on until it is certain that nothing is left, or nobody is left to ask. */
  async #removeMarked(parent: ZnodePath, mark: string): Promise<void> {
    const { clock } = this.#session.runtime
    while (!isFinal(this.state)) {
      try {
        const found = await this.#findMarked(parent, mark, {})
        if (found !== undefined) await this.#delete(found.path as ZnodePath, {})
        return
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE') || (KeeperError.is(error) && error.outcome === 'rejected')) return
        await new Promise<void>((resolve) => void clock.after(cleanUpRetryMs, resolve))
      }
    }
  }

  /** @throws KeeperError NO_NODE, BAD_VERSION, NO_AUTH. */
  set(path: ZnodePath, data: Data, options: VersionOptions = {}): Promise<ZnodeStat> {
    const bytes = toBytes(data)
    return this.#call(
      'set',
      opCode.setData,
      path,
      options,
      (writer, own) => {
        writer.ustring(own)
        writer.buffer(bytes)
        writer.int(options.version ?? -1)
      },
      (reader) => new ZnodeStat(readStat(reader)),
    )
  }

  /** `version` is compared with the aversion. @throws KeeperError INVALID_ACL, NO_NODE, BAD_VERSION, NO_AUTH. */
  setAcl(path: ZnodePath, acl: readonly Acl[], options: VersionOptions = {}): Promise<ZnodeStat> {
    const version = options.version ?? -1
    const write = (writer: Writer, own: string): void => writeSetACLRequest(writer, { path: own, acl, version })
    return this.#call('setAcl', opCode.setACL, path, options, write, (reader) => new ZnodeStat(readStat(reader)))
  }

  /** @throws KeeperError NO_NODE, BAD_VERSION, NOT_EMPTY, NO_AUTH. */
  async delete(path: ZnodePath, options: DeleteOptions = {}): Promise<void> {
    if (!options.recursive) return this.#delete(path, options)
    const { signal, timeout, version } = options
    for (;;) {
      const below = await this.children(path, { signal, timeout })
      for (let i = 0; i < below.children.length; i += deleteBatch) {
        const batch = below.children.slice(i, i + deleteBatch).map(async (name) => {
          await this.delete(joinPath(path, name), { signal, timeout, recursive: true }).catch(ignoreMissing)
        })
        await Promise.all(batch)
      }
      try {
        return await this.#delete(path, { signal, timeout, ...(version === undefined ? {} : { version }) })
      } catch (error) {
        // Somebody created a child meanwhile.
        if (!KeeperError.is(error, 'NOT_EMPTY')) throw error
      }
    }
  }

  #delete(path: ZnodePath, options: VersionOptions): Promise<void> {
    return this.#call(
      'delete',
      opCode.delete,
      path,
      options,
      (writer, own) => {
        writer.ustring(own)
        writer.int(options.version ?? -1)
      },
      () => undefined,
    )
  }

  /**
   * All operations or none. Results stand in the order of the operations.
   * @throws KeeperError TRANSACTION_FAILED with `failedOp` saying which operation failed and why.
   */
  transaction<const Ops extends readonly TransactionOp<unknown>[]>(...ops: Ops): Promise<TransactionResults<Ops>> {
    return this.transactionOf(ops)
  }

  /** `transaction` with options. */
  transactionOf<const Ops extends readonly TransactionOp<unknown>[]>(
    ops: Ops,
    options: CallOptions = {},
  ): Promise<TransactionResults<Ops>> {
    if (ops.length === 0) return Promise.resolve([] as unknown as TransactionResults<Ops>)
    const operations = ops.map((each) => each.encode((path) => this.#chroot.toServer(path)))
    const write = (writer: Writer): void => writeMultiRequest(writer, operations)
    return this.#call('transaction', opCode.multi, undefined, options, write, (reader) => {
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
      return ops.map((each, i) =>
        each.decode(results[i] as never, (path) => this.#chroot.toUser(path)),
      ) as TransactionResults<Ops>
    })
  }

  // -- watches --------------------------------------------------------------------------------------------------------

  /**
   * What is there now, then every change, in order, for ever: across lost connections and sessions. Leaving the loop removes
   * the watch. What happened while away is delivered as the difference.
   */
  watch<T = Uint8Array>(path: ZnodePath, options: WatchOptions<T> = {}): AsyncGenerator<WatchChange<T>, void, void> {
    checkPath(path, 'watch')
    return new Watcher<T>(this.#watches, path, options).changes()
  }

  // -- the way of every call ------------------------------------------------------------------------------------------

  #call<T>(
    operation: string,
    type: number,
    path: ZnodePath | undefined,
    options: CallOptions,
    write: (writer: Writer, serverPath: string) => void,
    read: (reader: Reader, zxid: bigint) => T,
  ): Promise<T> {
    try {
      if (path !== undefined && operation !== 'create') checkPath(path, operation)
    } catch (error) {
      return Promise.reject(error as KeeperError)
    }
    const own = path === undefined ? '' : this.#chroot.toServer(path)
    const spec: RequestSpec<T> = { type, operation, path, write: (writer) => write(writer, own), read }
    return this.#session.submit(spec, options.signal, options.timeout ?? this.#requestTimeout)
  }

  #read<T extends object>(
    operation: string,
    type: number,
    path: ZnodePath,
    options: ReadOptions,
    kind: OneShotKind,
    read: (reader: Reader) => T,
    onMissing?: () => T,
  ): Promise<T> {
    try {
      checkPath(path, operation)
    } catch (error) {
      return Promise.reject(error as KeeperError)
    }
    const own = this.#chroot.toServer(path)
    const watch = options.watch ?? false
    const { watches } = this.#session
    const watched = (value: T, as: OneShotKind): T =>
      watch ? { ...value, changed: watches.changed(as, own, path) } : value
    const spec: RequestSpec<T> = {
      type,
      operation,
      path,
      write(writer) {
        writer.ustring(own)
        // A persistent watch at the path hears the same; servers before 3.9 would turn it into a one-shot.
        writer.boolean(watch && (kind === 'children' || !watches.isPersistent(own)))
      },
      read: (reader) => watched(read(reader), kind),
      ...(onMissing === undefined
        ? {}
        : {
            onError: (err: number) =>
              err === keeperCodes.NO_NODE.number ? { value: watched(onMissing(), 'exists') } : undefined,
          }),
    }
    return this.#session.submit(spec, options.signal, options.timeout ?? this.#requestTimeout)
  }
}

function ignoreMissing(error: unknown): void {
  if (!KeeperError.is(error, 'NO_NODE')) throw error
}

/** Random bytes as a version 4 UUID, the form Curator uses. */
function uuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte, i) => {
    const value = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte
    return value.toString(16).padStart(2, '0')
  }).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
