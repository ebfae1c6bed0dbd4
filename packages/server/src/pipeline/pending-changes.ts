/**
 * What transactions that are prepared but not applied will change. A request is validated against the tree and these changes, so
 * that many writes can be on their way to the log at once (PrepRequestProcessor.java, ChangeRecord). It knows of each znode what
 * the tree's digest needs, since the digest is logged before anything is applied.
 */
import { type Acl, lastSlash } from '@lightkeeper/protocol'
import { TextMap, TextSet } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import { crcOfPath, type Digestible, digestOf, digestOfZnode, pathCrcOf, TreeDigest } from '../tree/digest.ts'
import type { Znode } from '../tree/znode.ts'

/** What validation must know of a znode; a Znode fits. */
export interface NodeView {
  readonly version: number
  /** Number of children ever created: the sequence counter. */
  readonly cversion: number
  readonly aversion: number
  readonly numChildren: number
  readonly ephemeralOwner: bigint
  /** Undefined while it is that of the stored znode. */
  readonly mtime: bigint | undefined
  readonly acl: readonly Acl[]
  readonly dataLength: number
}

/**
 * A znode as it will be. Fields that no pending transaction changes are read from the stored znode on demand: they cannot change
 * before this is applied, since every change goes through here.
 */
export class Change implements NodeView, Digestible {
  /** Known once a transaction touches it. */
  path = ''
  /** The last transaction that touched the znode. */
  zxid = 0n
  /** The znode will be gone; then the other fields have no meaning. */
  isGone = false
  readonly source: Znode | undefined
  version: number
  cversion: number
  aversion: number
  numChildren: number
  acl: readonly Acl[]
  mzxid: bigint | undefined
  mtime: bigint | undefined
  pzxid: bigint | undefined
  /** For a znode that is not stored yet; so are the next two. */
  czxid = 0n
  ctime = 0n
  #ephemeralOwner = 0n
  /** Undefined while it equals that of the stored znode. */
  #data: Uint8Array | null | undefined
  /** The share of this path in the running digest. */
  counted = 0
  /** The share that the path alone adds to any digest of its znode; -1 while it is not known. */
  pathCrc = -1
  /** Changed since the last seal. */
  isTouched = false
  /** Number of the last multi that stored it, or saved its earlier state. */
  multi = 0

  constructor(source: Znode | undefined) {
    this.source = source
    this.version = source === undefined ? 0 : source.version
    this.cversion = source === undefined ? 0 : source.cversion
    this.aversion = source === undefined ? 0 : source.aversion
    this.numChildren = source === undefined ? 0 : source.numChildren
    this.acl = source === undefined ? none : source.acl
    this.mzxid = undefined
    this.mtime = undefined
    this.pzxid = undefined
    this.#data = source === undefined ? null : undefined
  }

  get ephemeralOwner(): bigint {
    return this.source === undefined ? this.#ephemeralOwner : this.source.ephemeralOwner
  }

  set ephemeralOwner(owner: bigint) {
    this.#ephemeralOwner = owner
  }

  get data(): Uint8Array | null {
    return this.#data === undefined ? (this.source as Znode).data : this.#data
  }

  set data(bytes: Uint8Array | null) {
    this.#data = bytes
  }

  get dataLength(): number {
    if (this.#data === undefined) return (this.source as Znode).dataLength
    return this.#data === null ? 0 : this.#data.length
  }

  copy(): Change {
    const copy = new Change(this.source)
    copy.path = this.path
    copy.zxid = this.zxid
    copy.isGone = this.isGone
    copy.version = this.version
    copy.cversion = this.cversion
    copy.aversion = this.aversion
    copy.numChildren = this.numChildren
    copy.acl = this.acl
    copy.mzxid = this.mzxid
    copy.mtime = this.mtime
    copy.pzxid = this.pzxid
    copy.czxid = this.czxid
    copy.ctime = this.ctime
    copy.#ephemeralOwner = this.#ephemeralOwner
    copy.#data = this.#data
    copy.counted = this.counted
    copy.pathCrc = this.pathCrc
    return copy
  }
}

const none: readonly Acl[] = []

export class PendingChanges {
  readonly #tree: DataTree
  readonly #withDigest: boolean
  #changes = new TextMap<Change>()
  /**
   * Paths at which an ephemeral was made by a change that is pending, by session; what became of it since is in `#changes`. Thousands
   * of sessions may end at once, and none of them must look at the changes of all.
   */
  #ephemerals = new Map<bigint, TextSet>()
  /**
   * Sessions whose end is pending, with its zxid: what they own in the tree will be gone. A session may own a hundred thousand znodes,
   * and none of them has a change of its own for that.
   */
  #ended = new Map<bigint, bigint>()
  /** Digest of the tree after everything sealed is applied. */
  readonly #digest = new TreeDigest()
  /** Paths that were touched since the last seal. */
  readonly #touched: Change[] = []
  #isTouched = false
  /** The number of multis. */
  #multi = 0
  /** While a multi is prepared: each path with its earlier state, to undo everything. */
  #journal: (string | Change | undefined)[] | undefined

  constructor(tree: DataTree, withDigest: boolean) {
    this.#tree = tree
    this.#withDigest = withDigest
    this.#digest.value = tree.digest.value
  }

  get size(): number {
    return this.#changes.size
  }

  /** The znode as it will be after everything prepared is applied. */
  view(path: string): NodeView | undefined {
    if (this.#changes.size === 0) return this.#tree.get(path)
    const change = this.#changes.get(path === '' ? '/' : path)
    if (change === undefined) return this.#stored(path)
    return change.isGone ? undefined : change
  }

  /** The stored znode, unless the end of its owner is pending. */
  #stored(path: string): Znode | undefined {
    const node = this.#tree.get(path)
    if (node === undefined || this.#ended.size === 0) return node
    return this.#ended.has(node.ephemeralOwner) ? undefined : node
  }

  /** A change of an existing znode; the caller fills it in. */
  change(path: string, zxid: bigint): Change {
    const key = path === '' ? '/' : path
    return this.changeOf(key, this.#changes.get(key) ?? (this.#tree.get(key) as Znode), zxid)
  }

  /** The same, where `view` was just looked up. */
  changeOf(key: string, view: NodeView, zxid: bigint): Change {
    if (view instanceof Change) {
      if (this.#journal !== undefined && view.multi !== this.#multi) {
        // Saved once for each multi: a rollback restores the state before it.
        this.#journal.push(key, view.copy())
        view.multi = this.#multi
      }
      view.zxid = zxid
      this.#touch(key, view)
      return view
    }
    const node = view as Znode
    const change = new Change(node)
    change.zxid = zxid
    if (this.#withDigest) {
      change.pathCrc = pathCrcOf(key, node)
      change.counted = digestOfZnode(key, node)
    }
    return this.#put(key, change)
  }

  create(
    path: string,
    zxid: bigint,
    time: bigint,
    ephemeralOwner: bigint,
    acl: readonly Acl[],
    data: Uint8Array | null,
  ): void {
    const change = new Change(undefined)
    change.zxid = zxid
    change.czxid = zxid
    change.mzxid = zxid
    change.pzxid = zxid
    change.ctime = time
    change.mtime = time
    change.ephemeralOwner = ephemeralOwner
    change.acl = acl
    change.data = data
    if (ephemeralOwner !== 0n) this.#noteEphemeral(path, ephemeralOwner)
    this.#replace(path, change)
  }

  #noteEphemeral(path: string, owner: bigint): void {
    const known = this.#ephemerals.get(owner)
    if (known === undefined) this.#ephemerals.set(owner, new TextSet().add(path))
    else known.add(path)
  }

  remove(path: string, zxid: bigint): void {
    const change = new Change(undefined)
    change.zxid = zxid
    change.isGone = true
    this.#replace(path, change)
  }

  /** About how many ephemerals the session will own after everything prepared is applied: not fewer. */
  ephemeralCountOf(session: bigint): number {
    return this.#tree.ephemeralsOf(session).size + (this.#ephemerals.get(session)?.size ?? 0)
  }

  /** Ephemerals that the session will own after everything prepared is applied. */
  ephemeralsOf(session: bigint): string[] {
    const paths: string[] = []
    const owns = (change: Change): boolean => !change.isGone && change.ephemeralOwner === session
    const stored = this.#tree.ephemeralsOf(session)
    // An earlier end of the session has them: a member may ask for the end of a session that expires at the same time.
    const isEnded = this.#ended.has(session)
    for (const path of stored) {
      const change = this.#changes.size === 0 ? undefined : this.#changes.get(path)
      if (change === undefined ? !isEnded : owns(change)) paths.push(path)
    }
    for (const path of this.#ephemerals.get(session) ?? []) {
      const change = this.#changes.get(path)
      if (change !== undefined && owns(change) && !stored.has(path)) paths.push(path)
    }
    return paths
  }

  /** The end of a session: what it owns by then will be gone. Returns the paths. Not within a multi. */
  endSession(session: bigint, zxid: bigint): readonly string[] {
    const paths = this.ephemeralsOf(session)
    if (paths.length === 0) return paths
    const hasChanges = this.#changes.size > 0
    // Siblings come one after the other: the parent is looked up once for all of them.
    let under: string | undefined
    let parent: Change | undefined
    let children: TextMap<Znode> | undefined
    for (const path of paths) {
      const slash = lastSlash(path)
      if (parent === undefined || slash !== under?.length || !path.startsWith(under)) {
        under = path.slice(0, slash)
        parent = this.change(under, zxid)
        children = this.#tree.get(under)?.children
      }
      parent.numChildren--
      parent.pzxid = zxid
      if (hasChanges && this.#changes.has(path)) this.remove(path, zxid)
      else if (this.#withDigest) {
        const node = children?.get(path.slice(slash + 1)) as Znode
        this.#digest.subtract(digestOfZnode(path, node))
      }
    }
    this.#ended.set(session, zxid)
    return paths
  }

  /** Something was recorded that belongs to no sealed transaction yet. */
  get isTouched(): boolean {
    return this.#isTouched
  }

  /** Saves earlier states from now on, so that `rollBack` can undo what follows. */
  begin(): void {
    this.#journal = []
    this.#multi++
  }

  keep(): void {
    this.#journal = undefined
  }

  rollBack(): void {
    const journal = this.#journal ?? []
    this.#journal = undefined
    for (let i = journal.length - 2; i >= 0; i -= 2) {
      const before = journal[i + 1] as Change | undefined
      if (before === undefined) this.#changes.delete(journal[i] as string)
      else this.#changes.set(journal[i] as string, before)
    }
    for (const change of this.#touched) change.isTouched = false
    this.#touched.length = 0
    this.#isTouched = false
  }

  /** A transaction is complete: returns the digest of the tree after it, undefined where digests are off. */
  seal(): bigint | undefined {
    this.#isTouched = false
    if (!this.#withDigest) return undefined
    for (const change of this.#touched) {
      const { path } = change
      change.isTouched = false
      // A change that another one has replaced is counted there.
      if (this.#changes.get(path) !== change) continue
      this.#digest.subtract(change.counted)
      if (change.pathCrc < 0) change.pathCrc = crcOfPath(path)
      change.counted = change.isGone ? 0 : digestOf(path, change, change.pathCrc)
      this.#digest.add(change.counted)
    }
    this.#touched.length = 0
    return this.#digest.value
  }

  /** Everything up to `zxid` is applied; `isAll` when nothing prepared is later. */
  settle(zxid: bigint, isAll: boolean): void {
    // A map that is cleared keeps its old table, which points to its new one: once the collector has moved one of them to the old
    // space, it moves all that follow, and what they held. So a map is replaced, never cleared.
    if (this.#ephemerals.size > 0) this.#ephemerals = new Map()
    if (isAll) {
      if (this.#withDigest)
        for (const { source, counted } of this.#changes.values()) if (source !== undefined) source.share = counted
      this.#changes = new TextMap()
      if (this.#ended.size > 0) this.#ended = new Map()
      return
    }
    for (const [session, endedAt] of this.#ended) if (endedAt <= zxid) this.#ended.delete(session)
    for (const [path, change] of this.#changes) {
      if (change.zxid <= zxid) {
        this.#changes.delete(path)
        // The znode is what was sealed.
        if (this.#withDigest && change.source !== undefined) change.source.share = change.counted
      } else if (change.source === undefined && change.ephemeralOwner !== 0n) {
        this.#noteEphemeral(path, change.ephemeralOwner)
      }
    }
  }

  #replace(path: string, change: Change): void {
    const existing = this.#changes.get(path)
    if (existing !== undefined) {
      change.counted = existing.counted
      this.#journal?.push(path, existing)
      this.#changes.set(path, change)
      this.#touch(path, change)
      return
    }
    const node = this.#withDigest ? this.#stored(path) : undefined
    if (node !== undefined) change.counted = digestOfZnode(path, node)
    this.#put(path, change)
  }

  #put(path: string, change: Change): Change {
    if (this.#journal !== undefined) {
      this.#journal.push(path, undefined)
      change.multi = this.#multi
    }
    this.#changes.set(path, change)
    this.#touch(path, change)
    return change
  }

  #touch(path: string, change: Change): void {
    this.#isTouched = true
    if (!this.#withDigest || change.isTouched) return
    change.isTouched = true
    change.path = path
    this.#touched.push(change)
  }
}
