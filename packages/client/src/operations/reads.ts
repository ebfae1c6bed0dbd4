/** Reads: of one znode, with or without a one-shot watch; of many znodes; and questions about a path or the client. */
import {
  type Acl,
  KeeperError,
  keeperCodes,
  opCode,
  type Reader,
  readGetACLResponse,
  readMultiResponse,
  readWhoAmIResponse,
  type Writer,
  writeMultiRequest,
  type ZnodePath,
} from '@lightkeeper/protocol'
import type { CallOptions, ManyRead, ReadOptions } from '../options.ts'
import type { RequestSpec } from '../session/request.ts'
import type { OneShotKind, WatchedEvent, WatchRegistry } from '../session/watch-registry.ts'
import { readZnodeStat, ZnodeStat } from '../stat.ts'
import type { CallContext } from './call.ts'

/** What `get` read: the data of a znode and its Stat. */
export interface GetResult {
  /** The data; empty where the znode has none. */
  readonly data: Uint8Array
  /** The Stat, read together with the data. */
  readonly stat: ZnodeStat
  /** With `watch`: settles with the event, or with type `none` when the session ends first. Never rejects. */
  readonly changed?: Promise<WatchedEvent>
}

/** What `exists` found. */
export interface ExistenceResult {
  /** Undefined where the znode does not exist. */
  readonly stat: ZnodeStat | undefined
  /** With `watch`: as in `GetResult`. A watch of a znode that does not exist waits for its creation. */
  readonly changed?: Promise<WatchedEvent>
}

/** What `children` read: the names of the children, and the Stat of their parent. */
export interface ChildrenResult {
  /** Names, in no particular order. */
  readonly children: readonly string[]
  /** The Stat of the parent. */
  readonly stat: ZnodeStat
  /** With `watch`: settles when a child comes or goes, or the parent is deleted; otherwise as in `GetResult`. */
  readonly changed?: Promise<WatchedEvent>
}

/** What one read of `readMany` gave: data, names of children, or the error of this read alone. */
export type ManyResult =
  | { readonly data: Uint8Array; readonly stat: ZnodeStat }
  | { readonly children: readonly string[] }
  | { readonly error: KeeperError }

export interface AclResult {
  readonly acl: readonly Acl[]
  readonly stat: ZnodeStat
}

/** An identity that the server knows for this connection, as `whoAmI` reports it. */
export interface Identity {
  /** The authentication scheme: `ip`, `digest`, `sasl`, `x509`. */
  readonly scheme: string
  /** The user within the scheme, as the server shows it: for `digest` the name without the password. */
  readonly user: string
}

const empty = new Uint8Array(0)
/** How many times to `sync` before we conclude that the transaction `atLeast` belongs to another ensemble. */
const syncsMax = 3

// -- one znode --------------------------------------------------------------------------------------------------------

/** A kind of read of one znode. */
export interface ZnodeRead<T extends object | undefined> {
  readonly operation: string
  readonly type: number
  /** The kind of one-shot watch that it may leave. */
  readonly kind: OneShotKind
  decode(reader: Reader): T
  /** The result where the znode does not exist; without it the read fails with NO_NODE. */
  onMissing?(): T
}

export const getRead: ZnodeRead<GetResult> = {
  operation: 'get',
  type: opCode.getData,
  kind: 'data',
  decode(reader) {
    const data = reader.bufferCopy() ?? empty
    return { data, stat: readZnodeStat(reader) }
  },
}

export const existsRead: ZnodeRead<ZnodeStat | undefined> = {
  operation: 'exists',
  type: opCode.exists,
  kind: 'data',
  decode: readZnodeStat,
  onMissing: () => undefined,
}

export const existenceRead: ZnodeRead<ExistenceResult> = {
  operation: 'existence',
  type: opCode.exists,
  kind: 'data',
  decode: (reader) => ({ stat: readZnodeStat(reader) }),
  onMissing: () => ({ stat: undefined }),
}

export const childrenRead: ZnodeRead<ChildrenResult> = {
  operation: 'children',
  type: opCode.getChildren2,
  kind: 'children',
  decode(reader) {
    const children = reader.vector(4, readText) ?? []
    return { children, stat: readZnodeStat(reader) }
  },
}

function readText(reader: Reader): string {
  return reader.ustring() ?? ''
}

export function readZnode<T extends object | undefined>(
  context: CallContext,
  read: ZnodeRead<T>,
  path: ZnodePath,
  options: ReadOptions,
): Promise<T> {
  if (options.atLeast !== undefined) return caughtUp(context, read, path, options)
  return context.submit(new ZnodeRequest(context, read, path, options.watch ?? false), options)
}

/** As the read `get`, but returns undefined where the znode does not exist. */
export async function find(
  context: CallContext,
  path: ZnodePath,
  options: ReadOptions,
): Promise<GetResult | undefined> {
  try {
    return await readZnode(context, getRead, path, options)
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** As `find`; it sees every write that was executed before this call. */
export async function findSynced(
  context: CallContext,
  path: ZnodePath,
  options: CallOptions,
): Promise<GetResult | undefined> {
  const [, found] = await Promise.all([sync(context, path, options), find(context, path, options)])
  return found
}

/**
 * Sends a `sync` before the read where the server has not seen `atLeast` yet. Once is enough: every server that this client
 * connects to later has seen what the client has seen.
 */
async function caughtUp<T extends object | undefined>(
  context: CallContext,
  read: ZnodeRead<T>,
  path: ZnodePath,
  options: ReadOptions,
): Promise<T> {
  const { atLeast = 0n, watch, signal, timeout } = options
  const { session } = context
  const budget = context.budget('read', path, { signal, timeout })
  const own = watch === undefined ? {} : { watch }
  for (let syncs = 0; session.lastZxid < atLeast; syncs++) {
    if (syncs === syncsMax) {
      const message = `transaction 0x${atLeast.toString(16)} is unknown to this ensemble, which is at 0x${session.lastZxid.toString(16)}`
      throw new KeeperError('DATA_INCONSISTENCY', { path, operation: 'read', outcome: 'rejected', message })
    }
    await sync(context, '/', budget.step())
  }
  return readZnode(context, read, path, { ...budget.step(), ...own })
}

/** One read that is under way. */
class ZnodeRequest<T extends object | undefined> implements RequestSpec<T> {
  readonly operation: string
  readonly type: number
  readonly path: ZnodePath
  readonly isRepeatable = true
  readonly #read: ZnodeRead<T>
  readonly #serverPath: string
  readonly #watch: boolean
  readonly #watches: WatchRegistry

  constructor({ chroot, session }: CallContext, read: ZnodeRead<T>, path: ZnodePath, watch: boolean) {
    this.operation = read.operation
    this.type = read.type
    this.path = path
    this.#read = read
    this.#serverPath = chroot.toServer(path)
    this.#watch = watch
    this.#watches = session.watches
  }

  encode(writer: Writer): void {
    writer.ustring(this.#serverPath)
    // A persistent watch at this path gets the same events. A server before 3.9 would turn it into a one-shot watch.
    writer.boolean(this.#watch && (this.#read.kind === 'children' || !this.#watches.isPersistent(this.#serverPath)))
  }

  decode(reader: Reader): T {
    return this.#watched(this.#read.decode(reader), this.#read.kind)
  }

  onError(err: number): { readonly value: T } | undefined {
    if (this.#read.onMissing === undefined || err !== keeperCodes.NO_NODE.number) return undefined
    return { value: this.#watched(this.#read.onMissing(), 'exists') }
  }

  #watched(value: T, as: OneShotKind): T {
    return this.#watch ? { ...value, changed: this.#watches.changed(as, this.#serverPath, this.path) } : value
  }
}

// -- about a path -----------------------------------------------------------------------------------------------------

/** A read whose request is only a path. */
function ask<T>(
  context: CallContext,
  operation: string,
  type: number,
  path: ZnodePath,
  options: CallOptions,
  decode: (reader: Reader) => T,
): Promise<T> {
  const serverPath = context.chroot.toServer(path)
  const encode = (writer: Writer): void => writer.ustring(serverPath)
  return context.submit({ operation, type, path, encode, decode, isRepeatable: true }, options)
}

export function getAcl(context: CallContext, path: ZnodePath, options: CallOptions): Promise<AclResult> {
  return ask(context, 'getAcl', opCode.getACL, path, options, (reader) => {
    const { acl, stat } = readGetACLResponse(reader)
    return { acl, stat: new ZnodeStat(stat) }
  })
}

export function ephemerals(context: CallContext, prefix: ZnodePath, options: CallOptions): Promise<ZnodePath[]> {
  return ask(context, 'ephemerals', opCode.getEphemerals, prefix, options, (reader) =>
    (reader.vector(4, readText) ?? []).map((path) => context.chroot.toUser(path)),
  )
}

export function countDescendants(context: CallContext, path: ZnodePath, options: CallOptions): Promise<number> {
  return ask(context, 'countDescendants', opCode.getAllChildrenNumber, path, options, (reader) => reader.int())
}

export function sync(context: CallContext, path: ZnodePath, options: CallOptions): Promise<void> {
  return ask(context, 'sync', opCode.sync, path, options, () => undefined)
}

/** Whether a znode exists; the path is the server's, so the chroot does not matter. */
export function isThere(context: CallContext, serverPath: ZnodePath, options: CallOptions): Promise<boolean> {
  const spec: RequestSpec<boolean> = {
    type: opCode.exists,
    operation: 'exists',
    path: serverPath,
    isRepeatable: true,
    encode(writer) {
      writer.ustring(serverPath)
      writer.boolean(false)
    },
    decode: () => true,
    // NO_AUTH shows that the znode exists.
    onError: (err) => ({ value: err !== keeperCodes.NO_NODE.number }),
  }
  return context.submit(spec, options)
}

// -- many, and the client itself --------------------------------------------------------------------------------------

export function readMany(
  context: CallContext,
  reads: readonly ManyRead[],
  options: CallOptions,
): Promise<ManyResult[]> {
  const paths = reads.map((read) => ('get' in read ? read.get : read.children))
  const operations = reads.map((read, i) => {
    const path = context.chroot.toServer(paths[i] as string)
    return { type: 'get' in read ? opCode.getData : opCode.getChildren, path, watch: false }
  })
  const spec: RequestSpec<ManyResult[]> = {
    operation: 'readMany',
    type: opCode.multiRead,
    isRepeatable: true,
    encode: (writer) => writeMultiRequest(writer, operations),
    decode: (reader) =>
      readMultiResponse(reader).map((result, i): ManyResult => {
        if (result.type === opCode.getData) {
          return { data: result.data?.slice() ?? empty, stat: new ZnodeStat(result.stat) }
        }
        if (result.type === opCode.getChildren) return { children: result.children }
        const err = result.type === opCode.error ? result.err : keeperCodes.MARSHALLING_ERROR.number
        return { error: KeeperError.fromNumber(err, { path: paths[i], operation: 'readMany' }) }
      }),
  }
  return context.submit(spec, options)
}

export function whoAmI(context: CallContext, options: CallOptions): Promise<Identity[]> {
  const spec: RequestSpec<Identity[]> = {
    operation: 'whoAmI',
    type: opCode.whoAmI,
    isRepeatable: true,
    encode() {},
    decode: (reader) =>
      readWhoAmIResponse(reader).clientInfo.map(({ authScheme, user }) => ({ scheme: authScheme, user })),
  }
  return context.submit(spec, options)
}
