/**
 * Validates a write against the tree and the pending changes and makes a transaction of it, or returns the error number of the
 * refusal. The order of the checks decides which error a client sees (PrepRequestProcessor.java). Pure, except that it records
 * pending changes. It does not decide the order of transactions.
 */
import {
  type Acl,
  type CreateRequest,
  createModeOf,
  createModes,
  type DeleteRequest,
  eachMultiOperation,
  hasMoreOperations,
  type Id,
  keeperCodes,
  lastSlash,
  type MultiOperation,
  opCode,
  pathProblem,
  permission,
  type Reader,
  type SetACLRequest,
  type SetDataRequest,
  sequenceSuffix,
  ttlMsMax,
} from '@lightkeeper/protocol'
import type { Access, AclRoom } from '../auth/access.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { containerOwner, kindOf, ttlOwner } from '../tree/ephemeral-owner.ts'
import { type Excess, excessOf } from '../tree/quota.ts'
import { isReapable } from '../tree/reaping.ts'
import type { NodeTxn, Txn } from '../tree/txn.ts'
import type { HeapGuard } from './heap-guard.ts'
import type { PendingChanges } from './pending-changes.ts'

export interface PrepareOptions {
  /** Whether TTL znodes are allowed. */
  readonly extendedTypesEnabled: boolean
  readonly enforceQuota: boolean
  /** Ephemerals of one session, about; 0 is unlimited. */
  readonly maxSessionEphemerals: number
}

/** Called for each write that exceeds a limit of the quota of `path`, whether it is refused for it or not. */
export type OverQuota = (path: string, excess: Excess, isRefused: boolean) => void

/** The client's identities and session, and the zxid. */
export interface PrepareContext {
  readonly session: bigint
  readonly identities: readonly Id[]
  readonly zxid: bigint
  /** Wall-clock milliseconds, for ctime and mtime. */
  readonly time: bigint
}

type CreateType = typeof opCode.create | typeof opCode.create2 | typeof opCode.createContainer | typeof opCode.createTTL

const undeletable: ReadonlySet<string> = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'])

/** The most characters of paths that a closeSession lists; above it the record says "everything that it owns", as before 3.6. */
const listedPathsMax = 256 * 1024

/**
 * How much larger than its request a transaction may become by its ACLs, bytes: by entries `auth`, and by ids that are no UTF-8. A much
 * larger one would be proposed, and no member would take it from its leader, nor from the next one.
 */
const addedAclBytesMax = 1_000_000

/** No operation of a multi has fewer bytes: a header, a path of one character, a version. */
const operationBytesMin = 18

const badArguments = keeperCodes.BAD_ARGUMENTS.number
const quotaExceeded = keeperCodes.QUOTA_EXCEEDED.number
const noNode = keeperCodes.NO_NODE.number
const noAuth = keeperCodes.NO_AUTH.number
/** The results of the operations of a failed multi: of those before the failed one, and of those after it. */
const rolledBack: NodeTxn = { type: opCode.error, err: 0 }
const neverTried: NodeTxn = { type: opCode.error, err: keeperCodes.RUNTIME_INCONSISTENCY.number }

export class Preparer {
  readonly #tree: DataTree
  readonly #pending: PendingChanges
  readonly #access: Access
  readonly #options: PrepareOptions
  readonly #overQuota: OverQuota
  /** What is left for the transaction with the zxid below. */
  readonly #aclRoom: AclRoom = { bytes: 0 }
  #aclRoomOf = -1n

  constructor(
    tree: DataTree,
    pending: PendingChanges,
    access: Access,
    options: PrepareOptions,
    overQuota: OverQuota = () => {},
  ) {
    this.#tree = tree
    this.#pending = pending
    this.#access = access
    this.#options = options
    this.#overQuota = overQuota
  }

  /** `ttl` is given only for createTTL. Returns the transaction or a negative error number. */
  create(context: PrepareContext, type: CreateType, request: CreateRequest, ttl: bigint | undefined): NodeTxn | number {
    const mode = createModeOf(request.flags)
    if (mode === undefined) return badArguments
    if (mode.ttl || type === opCode.createTTL) {
      if (!this.#options.extendedTypesEnabled) return keeperCodes.UNIMPLEMENTED.number
      // Apache lets createTTL pass with the flags of another mode, and dies when it applies it.
      if (type !== opCode.createTTL || !mode.ttl) return badArguments
      if (ttl === undefined || ttl <= 0n || ttl > BigInt(ttlMsMax)) return badArguments
    }
    const given = request.path
    const slash = lastSlash(given)
    if (slash < 0 || given.includes('\u0000')) return badArguments
    const acl = this.#fixUp(context, request.acl)
    if (acl === undefined) return keeperCodes.INVALID_ACL.number
    const parent = slash === 0 ? '/' : given.slice(0, slash)
    const parentView = this.#pending.view(parent)
    if (parentView === undefined) return noNode
    if (!this.#access.allows(parentView.acl, permission.create, context.identities)) return noAuth
    const path = mode.sequential ? given + sequenceSuffix(parentView.cversion) : given
    if (pathProblem(path) !== undefined) return badArguments
    if (this.#pending.view(path) !== undefined) return keeperCodes.NODE_EXISTS.number
    if (kindOf(parentView.ephemeralOwner) === 'ephemeral') return keeperCodes.NO_CHILDREN_FOR_EPHEMERALS.number
    if (mode.ephemeral && this.#ownsMost(context.session)) return quotaExceeded
    const { data } = request
    if (this.#refusesQuota(path, 1, data?.length ?? 0)) return quotaExceeded

    const parentCVersion = (parentView.cversion + 1) | 0
    const change = this.#pending.change(parent, context.zxid)
    change.cversion = parentCVersion
    change.pzxid = context.zxid
    change.numChildren++
    const { zxid, time } = context
    if (type === opCode.createContainer) {
      this.#pending.create(path, zxid, time, containerOwner, acl, data)
      return { type, path, data, acl, parentCVersion }
    }
    if (type === opCode.createTTL) {
      this.#pending.create(path, zxid, time, ttlOwner(ttl as bigint), acl, data)
      return { type, path, data, acl, parentCVersion, ttl: ttl as bigint }
    }
    this.#pending.create(path, zxid, time, mode.ephemeral ? context.session : 0n, acl, data)
    return { type, path, data, acl, ephemeral: mode.ephemeral, parentCVersion }
  }

  delete(context: PrepareContext, request: DeleteRequest): NodeTxn | number {
    const { path } = request
    const slash = lastSlash(path)
    if (slash < 0 || path.includes('\u0000') || undeletable.has(path)) return badArguments
    const parent = slash === 0 ? '/' : path.slice(0, slash)
    const parentView = this.#pending.view(parent)
    if (parentView === undefined) return noNode
    if (!this.#access.allows(parentView.acl, permission.delete, context.identities)) return noAuth
    const view = this.#pending.view(path)
    if (view === undefined) return noNode
    if (request.version !== -1 && request.version !== view.version) return keeperCodes.BAD_VERSION.number
    if (view.numChildren > 0) return keeperCodes.NOT_EMPTY.number
    this.#recordDelete(path, parent, context.zxid)
    return { type: opCode.delete, path }
  }

  /** Whether the container or TTL znode may go once everything prepared is applied; see isReapable for the arguments. */
  mayReap(path: string, now: number, neverUsedMs: number): boolean {
    const view = this.#pending.view(path)
    const mtime = view?.mtime ?? this.#tree.get(path)?.mtime
    if (view === undefined || mtime === undefined) return false
    const { ephemeralOwner, cversion, numChildren } = view
    return isReapable({ ephemeralOwner, cversion, numChildren, mtime }, now, neverUsedMs)
  }

  /** The reaper's own request: removes a container or TTL znode that is still empty. */
  deleteContainer(zxid: bigint, path: string): NodeTxn | number {
    const view = this.#pending.view(path)
    if (view === undefined) return noNode
    if (view.numChildren > 0) return keeperCodes.NOT_EMPTY.number
    if (kindOf(view.ephemeralOwner) === 'ephemeral') return keeperCodes.BAD_VERSION.number
    this.#recordDelete(path, path.slice(0, lastSlash(path)) || '/', zxid)
    return { type: opCode.deleteContainer, path }
  }

  setData(context: PrepareContext, request: SetDataRequest): NodeTxn | number {
    const { path } = request
    if (pathProblem(path) !== undefined) return badArguments
    const view = this.#pending.view(path)
    if (view === undefined) return noNode
    if (!this.#access.allows(view.acl, permission.write, context.identities)) return noAuth
    const length = request.data?.length ?? 0
    if (this.#refusesQuota(path, 0, length - view.dataLength)) return quotaExceeded
    if (request.version !== -1 && request.version !== view.version) return keeperCodes.BAD_VERSION.number
    const version = nextVersion(view.version)
    const { data } = request
    const change = this.#pending.changeOf(path, view, context.zxid)
    change.version = version
    change.data = data
    change.mzxid = context.zxid
    change.mtime = context.time
    return { type: opCode.setData, path, data, version }
  }

  setAcl(context: PrepareContext, request: SetACLRequest): NodeTxn | number {
    const { path } = request
    if (pathProblem(path) !== undefined) return badArguments
    const acl = this.#fixUp(context, request.acl)
    if (acl === undefined) return keeperCodes.INVALID_ACL.number
    const view = this.#pending.view(path)
    if (view === undefined) return noNode
    if (!this.#access.allows(view.acl, permission.admin, context.identities)) return noAuth
    if (request.version !== -1 && request.version !== view.aversion) return keeperCodes.BAD_VERSION.number
    const version = nextVersion(view.aversion)
    const change = this.#pending.change(path, context.zxid)
    change.aversion = version
    change.acl = acl
    return { type: opCode.setACL, path, acl, version }
  }

  check(context: PrepareContext, request: { readonly path: string; readonly version: number }): NodeTxn | number {
    const { path, version } = request
    if (pathProblem(path) !== undefined) return badArguments
    const view = this.#pending.view(path)
    if (view === undefined) return noNode
    if (!this.#access.allows(view.acl, permission.read, context.identities)) return noAuth
    if (version !== -1 && version !== view.version) return keeperCodes.BAD_VERSION.number
    return { type: opCode.check, path, version: nextVersion(view.version) }
  }

  /**
   * All or nothing: each operation sees the effects of the ones before it. A failed multi is a transaction too, with an error for
   * every operation: 0 for those that are rolled back, the cause, RUNTIME_INCONSISTENCY for those after it.
   */
  multi(context: PrepareContext, body: Reader, operationsMax: number, heap: HeapGuard): Txn | number {
    // An operation that will be refused is not prepared first.
    if (body.remaining > operationsMax * operationBytesMin && hasMoreOperations(body, operationsMax))
      return badArguments
    this.#pending.begin()
    try {
      const txn = this.#multi(context, body, operationsMax, heap)
      if (typeof txn === 'number') this.#pending.rollBack()
      return txn
    } catch (error) {
      this.#pending.rollBack()
      throw error
    }
  }

  #multi(context: PrepareContext, body: Reader, operationsMax: number, heap: HeapGuard): Txn | number {
    const bytes = body.remaining
    const txns: NodeTxn[] = []
    let count = 0
    let failure = 0
    let grows = false
    let reads = false
    eachMultiOperation(body, (operation) => {
      const { type } = operation
      if (type === opCode.getData || type === opCode.getChildren) reads = true
      else if (type !== opCode.delete && type !== opCode.check) grows = true
      // The rest is still read to the end: it may be refused for another reason.
      if (++count > operationsMax || failure !== 0 || reads) return
      const txn = this.#multiPart(context, operation)
      if (typeof txn === 'number') failure = txn
      else txns.push(txn)
    })
    if (count > operationsMax) return badArguments
    if (reads) return keeperCodes.MARSHALLING_ERROR.number
    if (grows && !heap.admits(bytes + count * 100)) return quotaExceeded
    if (failure === 0) {
      this.#pending.keep()
      return { type: opCode.multi, txns }
    }
    this.#pending.rollBack()
    const failedAt = txns.length
    const failed = new Array<NodeTxn>(count).fill(rolledBack, 0, failedAt).fill(neverTried, failedAt)
    failed[failedAt] = { type: opCode.error, err: failure }
    return { type: opCode.multi, txns: failed }
  }

  /** Ephemerals of pending creates are deleted too, so the list is made here and not when it is applied. */
  closeSession(session: bigint, zxid: bigint): Txn {
    const paths = this.#pending.endSession(session, zxid)
    let length = 0
    for (const path of paths) length += path.length
    // The session will own exactly these when this is applied. A larger record could not be read again.
    return { type: opCode.closeSession, paths2Delete: length > listedPathsMax ? null : paths }
  }

  #multiPart(context: PrepareContext, operation: MultiOperation): NodeTxn | number {
    switch (operation.type) {
      case opCode.create:
      case opCode.create2:
        // In a multi Apache derives the kind of create from the flags, so a container can come this way.
        return operation.flags === createModes.container.flags
          ? this.create(context, opCode.createContainer, operation, undefined)
          : this.create(context, operation.type, operation, undefined)
      case opCode.createContainer:
        return this.create(context, operation.type, operation, undefined)
      case opCode.createTTL:
        return this.create(context, operation.type, operation, operation.ttl)
      case opCode.delete:
        return this.delete(context, operation)
      case opCode.setData:
        return this.setData(context, operation)
      case opCode.check:
        return this.check(context, operation)
      default:
        return keeperCodes.MARSHALLING_ERROR.number
    }
  }

  /** All operations of a multi share the room. */
  #fixUp({ zxid, identities }: PrepareContext, acl: readonly Acl[]): readonly Acl[] | undefined {
    if (this.#aclRoomOf !== zxid) {
      this.#aclRoomOf = zxid
      this.#aclRoom.bytes = addedAclBytesMax
    }
    return this.#access.fixUp(acl, identities, this.#aclRoom)
  }

  #recordDelete(path: string, parent: string, zxid: bigint): void {
    const change = this.#pending.change(parent, zxid)
    change.numChildren--
    change.pzxid = zxid
    this.#pending.remove(path, zxid)
  }

  /** The end of a session takes time in proportion to its ephemerals, and nobody is served meanwhile. */
  #ownsMost(session: bigint): boolean {
    const { maxSessionEphemerals: most } = this.#options
    return most > 0 && this.#pending.ephemeralCountOf(session) >= most
  }

  /**
   * Whether a quota forbids this change. Only hard limits forbid, and only where quotas are enforced. Usage is the applied one, as in
   * Apache: what is on its way, other operations of the same multi included, is not counted yet.
   */
  #refusesQuota(path: string, count: number, bytes: number): boolean {
    const quota = this.#tree.quotas.covering(path)
    if (quota?.limits === undefined || quota.usage === undefined) return false
    const excess = excessOf(quota.limits, quota.usage, count, bytes)
    if (excess === undefined) return false
    const isRefused = excess.isHard && this.#options.enforceQuota
    this.#overQuota(quota.path, excess, isRefused)
    return isRefused
  }
}

/** In a request -1 means "any version", so no znode may have it (ZOOKEEPER-4743). */
function nextVersion(version: number): number {
  const next = (version + 1) | 0
  return next === -1 ? 0 : next
}
