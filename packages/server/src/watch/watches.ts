/**
 * The two watch tables of a server and the rules between them: which change causes which events, in which order, and what a
 * reconnecting client has missed (DataTree.java: createNode, deleteNode, setData, setWatches).
 */
import {
  type Acl,
  addWatchMode,
  type EventType,
  eventType,
  parentPath,
  type SetWatches2,
  watcherType,
} from '@lightkeeper/protocol'
import type { ChangeReceiver, DataTree } from '../tree/data-tree.ts'
import type { Znode } from '../tree/znode.ts'
import { OverBudget } from './over-budget.ts'
import { bytesOfLevels, bytesOfWatch, type WatchHolder, WatchTable, type WatchTotal, watchMode } from './watch-table.ts'

/** A connection, as a watcher. */
export interface Watcher extends WatchHolder {
  /**
   * Queues an event before everything that the connection gets later. `acl` guards the event's znode: a watcher that may not read
   * it gets no event, and its one-shot watch is still used up. Null means no check.
   */
  notify(type: EventType, path: string, zxid: bigint, acl: readonly Acl[] | null): void
}

/** The zxid of events without a transaction: those after a reconnect. */
const noZxid = -1n

/** Fewer watchers of one path than this do not count as work. */
const wide = 32

/** The limits of watches; docs/operations/limits.md. */
export interface WatchLimits {
  readonly maxCnxnWatches: number
  readonly maxCnxnWatchBytes: number
  readonly maxWatchBytes: number
}

const unlimited: WatchLimits = {
  maxCnxnWatches: Number.POSITIVE_INFINITY,
  maxCnxnWatchBytes: Number.POSITIVE_INFINITY,
  maxWatchBytes: Number.POSITIVE_INFINITY,
}

export class Watches implements ChangeReceiver {
  readonly #total: WatchTotal = { bytes: 0 }
  readonly #limits: WatchLimits
  readonly #reached: readonly { add(watchers: number): void }[] | undefined
  readonly data = new WatchTable<Watcher>(this.#total)
  readonly children = new WatchTable<Watcher>(this.#total)

  /** `reached` sums up how many watchers each change reached, by the type of the event. */
  constructor(limits: WatchLimits = unlimited, reached?: readonly { add(watchers: number): void }[]) {
    this.#limits = limits
    this.#reached = reached
  }

  /** About the bytes of all watches. */
  get bytes(): number {
    return this.#total.bytes
  }

  /** Whether `watcher` may have one more watch on `path`. `mode` is that of addWatch, undefined for a one-shot watch. */
  hasRoom(path: string, watcher: Watcher, mode?: number): boolean {
    const { maxCnxnWatches, maxCnxnWatchBytes, maxWatchBytes } = this.#limits
    // A persistent one is a watch of data and one of children.
    const count = mode === addWatchMode.persistent ? 2 : 1
    const bytes = count * bytesOfWatch(path)
    const room = Math.min(maxCnxnWatchBytes - watcher.watchBytes, maxWatchBytes - this.#total.bytes) - bytes
    if (watcher.watchCount + count > maxCnxnWatches || room < 0) return false
    return mode !== addWatchMode.persistentRecursive || bytesOfLevels(path, room) <= room
  }

  /** About how many events a change of the data of `path` causes; 0 while no znode has many watchers. */
  reach(path: string): number {
    return this.data.widest < wide ? 0 : this.data.reach(path)
  }

  /** As `reach`, for the creation or deletion of `path`. */
  reachWithParent(path: string): number {
    if (this.children.widest < wide) return this.reach(path)
    return this.data.reach(path) + this.children.reach(parentPath(path))
  }

  created(path: string, node: Znode, parent: string, parentNode: Znode, zxid: bigint): void {
    this.#fire(this.data, eventType.nodeCreated, path, zxid, node.acl)
    this.#fire(this.children, eventType.nodeChildrenChanged, parent, zxid, parentNode.acl)
  }

  dataChanged(path: string, node: Znode, zxid: bigint): void {
    this.#fire(this.data, eventType.nodeDataChanged, path, zxid, node.acl)
  }

  deleted(path: string, node: Znode, parent: string, parentNode: Znode, zxid: bigint): void {
    const notified = this.#fire(this.data, eventType.nodeDeleted, path, zxid, node.acl)
    this.#fire(this.children, eventType.nodeDeleted, path, zxid, node.acl, notified)
    this.#fire(this.children, eventType.nodeChildrenChanged, parent, zxid, parentNode.acl)
  }

  addData(path: string, watcher: Watcher): void {
    this.data.add(path, watcher, watchMode.oneShot)
  }

  addChildren(path: string, watcher: Watcher): void {
    this.children.add(path, watcher, watchMode.oneShot)
  }

  /** `mode` as in addWatch, 0 or 1; the path may not exist. */
  addPersistent(path: string, watcher: Watcher, mode: number): void {
    if (mode === addWatchMode.persistentRecursive) {
      this.data.add(path, watcher, watchMode.recursive)
      return
    }
    this.data.add(path, watcher, watchMode.persistent)
    this.children.add(path, watcher, watchMode.persistent)
  }

  /** Whether the watcher has a watch of this type, 1 … 5. */
  has(path: string, watcher: Watcher, type: number): boolean {
    switch (type) {
      case watcherType.children:
        return this.children.has(path, watcher, watchMode.oneShot)
      case watcherType.data:
        return this.data.has(path, watcher, watchMode.oneShot)
      case watcherType.persistent:
        return this.data.has(path, watcher, watchMode.persistent)
      case watcherType.persistentRecursive:
        return this.data.has(path, watcher, watchMode.recursive)
      default:
        return this.children.has(path, watcher, 0) || this.data.has(path, watcher, 0)
    }
  }

  /** Removes watches of this type, 1 … 5; returns false when there were none. */
  remove(path: string, watcher: Watcher, type: number): boolean {
    switch (type) {
      case watcherType.children:
        return this.children.remove(path, watcher, watchMode.oneShot)
      case watcherType.data:
        return this.data.remove(path, watcher, watchMode.oneShot)
      case watcherType.persistentRecursive:
        return this.data.remove(path, watcher, watchMode.recursive)
      default: {
        const mode = type === watcherType.persistent ? watchMode.persistent : 0
        const fromChildren = this.children.remove(path, watcher, mode)
        return this.data.remove(path, watcher, mode) || fromChildren
      }
    }
  }

  /**
   * Registers the watches of a reconnected client. A watch whose znode changed since `relativeZxid` gets its event at once instead.
   */
  restore(request: SetWatches2, watcher: Watcher, tree: DataTree): void {
    const since = request.relativeZxid
    const add = (path: string, register: () => void, mode?: number): void => {
      // Some of them would be lost without notice: setWatches has no error for a single path.
      if (!this.hasRoom(path, watcher, mode)) throw new OverBudget('it has too many watches, or too long ones')
      register()
    }
    for (const path of request.dataWatches) {
      const node = tree.get(path)
      if (node === undefined) watcher.notify(eventType.nodeDeleted, path, noZxid, null)
      else if (node.mzxid > since) watcher.notify(eventType.nodeDataChanged, path, noZxid, null)
      else add(path, () => this.addData(path, watcher))
    }
    for (const path of request.existWatches) {
      if (tree.get(path) !== undefined) watcher.notify(eventType.nodeCreated, path, noZxid, null)
      else add(path, () => this.addData(path, watcher))
    }
    for (const path of request.childWatches) {
      const node = tree.get(path)
      if (node === undefined) watcher.notify(eventType.nodeDeleted, path, noZxid, null)
      else if (node.pzxid > since) watcher.notify(eventType.nodeChildrenChanged, path, noZxid, null)
      else add(path, () => this.addChildren(path, watcher))
    }
    for (const path of request.persistentWatches) {
      add(path, () => this.addPersistent(path, watcher, addWatchMode.persistent), addWatchMode.persistent)
    }
    for (const path of request.persistentRecursiveWatches) {
      const { persistentRecursive } = addWatchMode
      add(path, () => this.addPersistent(path, watcher, persistentRecursive), persistentRecursive)
    }
  }

  /** Removes up to `most` watches of a watcher that is gone and gets no more events; see WatchTable for what it returns. */
  removeSome(watcher: Watcher, most: number): number {
    const left = this.data.removeSome(watcher, most)
    return left > 0 ? this.children.removeSome(watcher, left) : left
  }

  #fire(
    table: WatchTable<Watcher>,
    type: EventType,
    path: string,
    zxid: bigint,
    acl: readonly Acl[],
    except?: Set<Watcher>,
  ): Set<Watcher> | undefined {
    if (table.pathCount === 0) return undefined
    const notified = table.trigger(path)
    if (notified === undefined) return undefined
    this.#reached?.[type]?.add(notified.size)
    for (const watcher of notified) {
      if (!except?.has(watcher)) watcher.notify(type, path, zxid, acl)
    }
    return notified
  }
}
