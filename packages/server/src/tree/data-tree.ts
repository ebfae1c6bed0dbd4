/**
 * The tree of znodes. `apply` is a pure function of a transaction and the tree. It never looks at the clock and never refuses: the
 * checks were made when the transaction was prepared.
 */
import {
  type Acl,
  lastSlash,
  type MultiResult,
  opCode,
  openAcl,
  parentPath,
  type TxnHeader,
} from '@lightkeeper/protocol'
import { assert, TextSet } from '@lightkeeper/runtime'
import { AclTable } from './acl-table.ts'
import { DescendantCounts } from './descendant-counts.ts'
import { computedDigestOf, TreeDigest } from './digest.ts'
import { containerOwner, kindOf, ttlOwner } from './ephemeral-owner.ts'
import { Quotas, quotaRoot } from './quotas.ts'
import { isReapable } from './reaping.ts'
import type { NodeTxn, Txn } from './txn.ts'
import { statOf, type Znode, ZnodeStore } from './znode.ts'
import { ZnodeIndex } from './znode-index.ts'

/** Called for every change as it is applied, in the order in which Apache triggers watches (DataTree.java). */
export interface ChangeReceiver {
  /** A create of `path` below `parent`. */
  created(path: string, node: Znode, parent: string, parentNode: Znode, zxid: bigint): void
  dataChanged(path: string, node: Znode, zxid: bigint): void
  deleted(path: string, node: Znode, parent: string, parentNode: Znode, zxid: bigint): void
}

/** Called before the ACL list of a znode is replaced; see TreeWalk. */
export interface AclObserver {
  replaced(path: string, before: readonly Acl[]): void
}

/** For a tree without watches. */
const ignoring: ChangeReceiver = { created() {}, dataChanged() {}, deleted() {} }
/** No system path is longer. */
const systemPathMax = '/zookeeper/config'.length
const readOnlyConfigAcl: readonly Acl[] = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]

/** A set of paths that others change. */
export type PathSet = Pick<TextSet, 'size' | 'has' | typeof Symbol.iterator>

export class DataTree {
  /** Every znode by path. */
  readonly nodes: ZnodeIndex
  readonly acls = new AclTable()
  readonly quotas: Quotas
  /** Sessions whose creation is applied and whose end is not: id and timeout in milliseconds, as a snapshot holds them. */
  readonly sessions = new Map<bigint, number>()
  /** The walks over this tree that are under way. */
  readonly aclObservers = new Set<AclObserver>()
  /** It may be replaced between two transactions: a tree can be loaded first and watched later. */
  receiver: ChangeReceiver
  /** The digest of the current tree, where digests are on. */
  readonly digest = new TreeDigest()
  /** Bytes of paths and data, the number `mntr` calls approximate_data_size. */
  dataSize = 0
  /** No znode ever had more data, bytes. */
  largestData = 0
  /** No znode ever had more children. */
  mostChildren = 0
  readonly #ephemerals = new Map<bigint, TextSet>()
  readonly #containers = new TextSet()
  readonly #ttls = new TextSet()
  readonly #counts = new DescendantCounts()
  readonly #store = new ZnodeStore()

  constructor(receiver: ChangeReceiver = ignoring) {
    this.receiver = receiver
    // System znodes do not count as children: a new root shows cversion -1.
    const root = this.#store.make(openAcl)
    const system = this.#store.make(openAcl)
    const quota = this.#store.make(openAcl)
    const config = this.#store.make(this.acls.acquire(readOnlyConfigAcl))
    for (const node of [root, system, quota, config]) node.data = new Uint8Array(0)
    config.aversion = -1
    this.nodes = new ZnodeIndex(root)
    this.quotas = new Quotas(this.nodes)
    this.nodes.add('/zookeeper', system)
    this.nodes.add(quotaRoot, quota)
    this.nodes.add('/zookeeper/config', config)
    this.digest.value = this.computeDigest()
    this.dataSize = '/'.length + '/zookeeper'.length + quotaRoot.length + '/zookeeper/config'.length
  }

  get(path: string): Znode | undefined {
    return this.nodes.get(path)
  }

  /** Paths of the ephemerals of a session, in the order of their creation. */
  ephemeralsOf(session: bigint): PathSet {
    return this.#ephemerals.get(session) ?? none
  }

  /** Sessions that own ephemerals, with their paths. */
  ephemerals(): ReadonlyMap<bigint, PathSet> {
    return this.#ephemerals
  }

  get ephemeralCount(): number {
    let count = 0
    for (const paths of this.#ephemerals.values()) count += paths.size
    return count
  }

  /** Computes the digest by a walk over every znode. */
  computeDigest(): bigint {
    const digest = new TreeDigest()
    this.nodes.forEach((node, path) => digest.add(computedDigestOf(path, node)))
    return digest.value
  }

  /** Number of descendants of `path`, which may not exist. Counted once, then kept up to date as long as it is requested. */
  countDescendants(path: string): number {
    const node = this.nodes.get(path)
    if (node === undefined) return 0
    return node === this.nodes.root ? this.nodes.size - 1 : this.#counts.of(node)
  }

  /**
   * Paths of containers and TTL znodes that may go; see isReapable for the arguments.
   */
  reapable(now: number, neverUsedMs: number): string[] {
    const paths: string[] = []
    for (const among of [this.#containers, this.#ttls]) {
      for (const path of among) {
        const node = this.nodes.get(path)
        if (node !== undefined && isReapable(node, now, neverUsedMs)) paths.push(path)
      }
    }
    return paths
  }

  /**
   * Applies a committed transaction. Returns the znode that it created or changed, so that the reply can show its Stat; for a multi
   * the result of each operation.
   */
  apply(header: TxnHeader, txn: Txn): Znode | MultiResult[] | undefined {
    switch (txn.type) {
      case opCode.multi:
        return this.#applyMulti(header, txn.txns)
      case opCode.closeSession:
        this.#deleteOwned(header.clientId, txn.paths2Delete ?? [...this.ephemeralsOf(header.clientId)], header.zxid)
        this.#ephemerals.delete(header.clientId)
        this.sessions.delete(header.clientId)
        return undefined
      case opCode.createSession:
        this.sessions.set(header.clientId, txn.timeOut)
        return undefined
      default:
        return this.#applyNodeTxn(header, txn)
    }
  }

  #applyNodeTxn(header: TxnHeader, txn: NodeTxn): Znode | undefined {
    switch (txn.type) {
      case opCode.create:
      case opCode.create2:
        return this.createNode(header, txn, txn.ephemeral ? header.clientId : 0n)
      case opCode.createContainer:
        return this.createNode(header, txn, containerOwner)
      case opCode.createTTL:
        return this.createNode(header, txn, ttlOwner(txn.ttl))
      case opCode.delete:
      case opCode.deleteContainer:
        this.deleteNode(txn.path, header.zxid)
        return undefined
      case opCode.setData:
      case opCode.reconfig:
        return this.setData(header, txn.path, txn.data, txn.version)
      case opCode.setACL:
        return this.setAcl(txn.path, txn.acl ?? openAcl, txn.version)
      case opCode.check:
      case opCode.error:
        return undefined
    }
  }

  #applyMulti(header: TxnHeader, txns: readonly NodeTxn[]): MultiResult[] {
    // A failed multi is logged with an error for every operation and changes nothing.
    return txns.map((txn): MultiResult => {
      const node = this.#applyNodeTxn(header, txn)
      switch (txn.type) {
        case opCode.create:
          return txn as MultiResult
        case opCode.create2:
        case opCode.createContainer:
        case opCode.createTTL:
          return { type: opCode.create2, path: txn.path, stat: statOf(node as Znode) }
        case opCode.setData:
          return { type: opCode.setData, stat: statOf(node as Znode) }
        case opCode.error:
          return txn
        case opCode.check:
          return checked
        default:
          return deleted
      }
    })
  }

  // -- steps, for `apply` and for replaying a log (replay.ts) ------------------------------------------------------------

  /** The parent exists and the path is free. */
  createNode(
    header: TxnHeader,
    txn: { path: string; data: Uint8Array | null; acl: readonly Acl[] | null; parentCVersion: number },
    owner: bigint,
  ): Znode {
    const { path } = txn
    const parent = parentPath(path)
    const parentNode = this.nodes.get(parent)
    assert(parentNode !== undefined, `create ${path}: the parent exists when a create is applied`)
    assert(!this.nodes.has(path), `create ${path}: the path is free when a create is applied`)
    const node = this.#store.make(this.acls.acquire(txn.acl ?? openAcl))
    node.czxid = header.zxid
    node.mzxid = header.zxid
    node.pzxid = header.zxid
    node.ctime = header.time
    node.mtime = header.time
    node.ephemeralOwner = owner
    node.data = txn.data
    // Raised, never lowered; compared by serial-number order, so that the counter wraps around instead of stopping at 2^31-1.
    if (((txn.parentCVersion - parentNode.cversion) | 0) > 0) parentNode.cversion = txn.parentCVersion
    if (header.zxid > parentNode.pzxid) parentNode.pzxid = header.zxid
    this.nodes.addBelow(parentNode, path, lastSlash(path), node)
    this.dataSize += path.length + node.dataLength
    this.#noteRead(parentNode, node)
    if (this.#counts.size > 0) this.#counts.changed(this.nodes.root, path, 1)
    if (owner !== 0n) this.#remember(path, owner)
    if (path.startsWith('/zookeeper/')) this.quotas.created(path)
    this.quotas.used(path, 1, node.dataLength)
    this.receiver.created(path, node, parent, parentNode, header.zxid)
    return node
  }

  /** The znode exists; only a damaged log can delete one with children. */
  deleteNode(path: string, zxid: bigint): void {
    const node = this.nodes.get(path)
    const parent = parentPath(path)
    const parentNode = this.nodes.get(parent)
    assert(node !== undefined && parentNode !== undefined, `delete ${path}: the znode exists when a delete is applied`)
    const slash = lastSlash(path)
    this.#delete(path, slash, path.slice(slash + 1), node, parent, parentNode, zxid)
    if (!node.isPersistent) this.#forget(path, node.ephemeralOwner)
    this.#store.release(node)
  }

  /**
   * Those that exist, of a session that ends and may own very many. Siblings come one after the other: their parent is looked up once.
   * The caller forgets all ephemerals of the session at once.
   */
  #deleteOwned(owner: bigint, paths: readonly string[], zxid: bigint): void {
    let under: string | undefined
    let parentNode: Znode | undefined
    for (const path of paths) {
      const slash = lastSlash(path)
      if (slash !== under?.length || !path.startsWith(under)) {
        under = path.slice(0, slash)
        parentNode = this.nodes.get(under)
      }
      const name = path.slice(slash + 1)
      const node = parentNode?.children?.get(name)
      if (node === undefined) continue
      this.#delete(path, slash, name, node, under === '' ? '/' : under, parentNode as Znode, zxid)
      if (!node.isPersistent && node.ephemeralOwner !== owner) this.#forget(path, node.ephemeralOwner)
      this.#store.release(node)
    }
  }

  /** All but what its owner knows of it, and but its place in the store. */
  #delete(
    path: string,
    slash: number,
    name: string,
    node: Znode,
    parent: string,
    parentNode: Znode,
    zxid: bigint,
  ): void {
    if (zxid > parentNode.pzxid) parentNode.pzxid = zxid
    if (this.#counts.size > 0) this.#counts.removed(this.nodes.root, path, node)
    this.nodes.deleteBelow(parentNode, path, slash, name)
    this.dataSize -= path.length + node.dataLength
    this.acls.release(node.acl)
    if (path.startsWith('/zookeeper/')) this.quotas.deleted(path)
    this.quotas.used(path, -1, -node.dataLength)
    this.receiver.deleted(path, node, parent, parentNode, zxid)
  }

  /** `node` is the znode at `path`. */
  setData(
    header: TxnHeader,
    path: string,
    data: Uint8Array | null,
    version: number,
    node: Znode | undefined = this.nodes.get(path),
  ): Znode {
    if (node === undefined) assert(false, `setData ${path}: the znode exists when a setData is applied`)
    const growth = (data?.length ?? 0) - node.dataLength
    node.data = data
    node.mtime = header.time
    node.mzxid = header.zxid
    node.version = version
    this.dataSize += growth
    if (node.dataLength > this.largestData) this.largestData = node.dataLength
    if (path.startsWith('/zookeeper/')) this.quotas.written(path)
    if (growth !== 0) this.quotas.used(path, 0, growth)
    this.receiver.dataChanged(path, node, header.zxid)
    return node
  }

  setAcl(path: string, acl: readonly Acl[], aversion: number): Znode {
    const node = this.nodes.get(path)
    assert(node !== undefined, `setACL ${path}: the znode exists when a setACL is applied`)
    const before = node.acl
    if (this.aclObservers.size > 0) for (const observer of this.aclObservers) observer.replaced(path, before)
    node.acl = this.acls.acquire(acl)
    this.acls.release(before)
    node.aversion = aversion
    return node
  }

  // -- loading ----------------------------------------------------------------------------------------------------------

  /**
   * Stores a znode of a snapshot; parents come before their children. `stat` is a StatPersisted, and the root's path is empty.
   * Returns what is wrong with the znode, undefined where it is right; after an error the tree cannot be used.
   */
  load(path: string, data: Uint8Array | null, acl: readonly Acl[], stat: Uint8Array): string | undefined {
    // Only the znodes of a new tree can exist already.
    const known = path.length <= systemPathMax ? this.nodes.get(path === '' ? '/' : path) : undefined
    if (known !== undefined && !this.#fresh.delete(path)) return 'is there twice'
    const node = known ?? this.#store.make(openAcl)
    this.acls.release(node.acl)
    node.acl = this.acls.acquire(acl)
    node.data = data
    node.persistedStat = stat
    if (known !== undefined) return undefined
    const slash = lastSlash(path)
    if (path.charCodeAt(0) !== 0x2f || path.charCodeAt(1) === 0x2f || slash === path.length - 1) return 'is no path'
    // Siblings come one after the other.
    if (slash !== this.#loadingUnder.length || !path.startsWith(this.#loadingUnder)) {
      this.#loadingUnder = path.slice(0, slash)
      this.#loadingParent = this.nodes.get(slash === 0 ? '/' : this.#loadingUnder)
    }
    const parent = this.#loadingParent
    if (parent === undefined) return 'stands in front of its parent or without one'
    if (!this.nodes.addBelow(parent, path, slash, node)) return 'is there twice'
    this.#noteRead(parent, node)
    if (!node.isPersistent) this.#remember(path, node.ephemeralOwner)
    return undefined
  }

  /** Znodes of a new tree that were not loaded yet. */
  readonly #fresh = new Set(['', '/zookeeper', quotaRoot, '/zookeeper/config'])

  /** Path and znode of the parent of the last loaded znode. */
  #loadingUnder = '?'
  #loadingParent: Znode | undefined

  /** Everything is loaded: computes what follows from the znodes, including usage below quotas. */
  loaded(): void {
    this.dataSize = 0
    const ofQuotas: string[] = []
    this.nodes.forEach((node, path) => {
      this.dataSize += path.length + node.dataLength
      if (path.startsWith(quotaRoot)) ofQuotas.push(path)
    })
    this.quotas.loaded(ofQuotas)
    this.digest.value = this.computeDigest()
  }

  #noteRead(parent: Znode, node: Znode): void {
    if (node.dataLength > this.largestData) this.largestData = node.dataLength
    if (parent.numChildren > this.mostChildren) this.mostChildren = parent.numChildren
  }

  #remember(path: string, owner: bigint): void {
    const kind = kindOf(owner)
    if (kind === 'container') this.#containers.add(path)
    else if (kind === 'ttl') this.#ttls.add(path)
    else {
      let paths = this.#ephemerals.get(owner)
      if (paths === undefined) {
        paths = new TextSet()
        this.#ephemerals.set(owner, paths)
      }
      paths.add(path)
    }
  }

  #forget(path: string, owner: bigint): void {
    const kind = kindOf(owner)
    if (kind === 'container') this.#containers.delete(path)
    else if (kind === 'ttl') this.#ttls.delete(path)
    else {
      const paths = this.#ephemerals.get(owner)
      paths?.delete(path)
      if (paths?.size === 0) this.#ephemerals.delete(owner)
    }
  }
}

const none = new TextSet()
const checked: MultiResult = { type: opCode.check }
const deleted: MultiResult = { type: opCode.delete }
