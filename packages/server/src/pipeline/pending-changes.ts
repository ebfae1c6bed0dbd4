/**
 * What prepared but not yet applied transactions will have done to znodes: a request is validated against the tree and these,
 * so that many writes can be on their way to the log at once (PrepRequestProcessor.java, ChangeRecord).
 */
import type { Acl } from '@lightkeeper/protocol'
import type { DataTree } from '../tree/data-tree.ts'

/** What validation needs to know of a znode; a Znode is one. */
export interface NodeView {
  readonly version: number
  /** Children ever created: the sequence counter. */
  readonly cversion: number
  readonly aversion: number
  readonly numChildren: number
  readonly ephemeralOwner: bigint
  readonly acl: readonly Acl[]
  readonly dataLength: number
}

export interface Change {
  zxid: bigint
  /** The znode will be gone; the other fields mean nothing then. */
  isGone: boolean
  version: number
  cversion: number
  aversion: number
  numChildren: number
  ephemeralOwner: bigint
  acl: readonly Acl[]
  dataLength: number
}

export class PendingChanges {
  readonly #tree: DataTree
  readonly #changes = new Map<string, Change>()
  /** While a multi is prepared: what each path was before, to take it all back. */
  #journal: [path: string, before: Change | undefined][] | undefined

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  get size(): number {
    return this.#changes.size
  }

  /** The znode as it will be once everything prepared is applied. */
  view(path: string): NodeView | undefined {
    if (this.#changes.size === 0) return this.#tree.get(path)
    const change = this.#changes.get(path === '' ? '/' : path)
    if (change === undefined) return this.#tree.get(path)
    return change.isGone ? undefined : change
  }

  /** A change of an existing znode, to be filled in by the caller. */
  change(path: string, zxid: bigint): Change {
    const existing = this.#changes.get(path)
    if (existing !== undefined) {
      this.#journal?.push([path, { ...existing }])
      existing.zxid = zxid
      return existing
    }
    const node = this.view(path) as NodeView
    return this.#put(path, {
      zxid,
      isGone: false,
      version: node.version,
      cversion: node.cversion,
      aversion: node.aversion,
      numChildren: node.numChildren,
      ephemeralOwner: node.ephemeralOwner,
      acl: node.acl,
      dataLength: node.dataLength,
    })
  }

  create(path: string, zxid: bigint, ephemeralOwner: bigint, acl: readonly Acl[], dataLength: number): void {
    this.#replace(path, {
      zxid,
      isGone: false,
      version: 0,
      cversion: 0,
      aversion: 0,
      numChildren: 0,
      ephemeralOwner,
      acl,
      dataLength,
    })
  }

  remove(path: string, zxid: bigint): void {
    const gone = {
      zxid,
      isGone: true,
      version: 0,
      cversion: 0,
      aversion: 0,
      numChildren: 0,
      ephemeralOwner: 0n,
      dataLength: 0,
    }
    this.#replace(path, { ...gone, acl: [] })
  }

  /** Ephemerals the session will own once everything prepared is applied. */
  ephemeralsOf(session: bigint): Set<string> {
    const paths = new Set(this.#tree.ephemeralsOf(session))
    for (const [path, change] of this.#changes) {
      if (!change.isGone && change.ephemeralOwner === session) paths.add(path)
      else paths.delete(path)
    }
    return paths
  }

  /** Starts remembering, so that `rollBack` can undo what follows. */
  begin(): void {
    this.#journal = []
  }

  keep(): void {
    this.#journal = undefined
  }

  rollBack(): void {
    const journal = this.#journal ?? []
    this.#journal = undefined
    for (const [path, before] of journal.reverse()) {
      if (before === undefined) this.#changes.delete(path)
      else this.#changes.set(path, before)
    }
  }

  /** Everything up to `zxid` is applied; `isAll` when nothing prepared is later than that. */
  settle(zxid: bigint, isAll: boolean): void {
    if (isAll) {
      this.#changes.clear()
      return
    }
    for (const [path, change] of this.#changes) if (change.zxid <= zxid) this.#changes.delete(path)
  }

  #replace(path: string, change: Change): void {
    const existing = this.#changes.get(path)
    if (existing === undefined) {
      this.#put(path, change)
      return
    }
    this.#journal?.push([path, existing])
    this.#changes.set(path, change)
  }

  #put(path: string, change: Change): Change {
    this.#journal?.push([path, undefined])
    this.#changes.set(path, change)
    return change
  }
}
