/**
 * The watches of this client: which watchers an event concerns, and what a server must know after a reconnect. Paths are the
 * server's.
 */
import { type EventType, eventType, type WatcherEvent, type ZnodePath } from '@lightkeeper/protocol'
import { jsonable } from '../json-form.ts'

/** A one-shot event as users see it; `none` when the session ended first. */
export interface WatchedEvent {
  /** What happened. Children: one was created or deleted; the event does not say which. */
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' | 'none'
  /** The path of the watch: for `childrenChanged` the parent. */
  readonly path: ZnodePath
  /** The zxid of the change, if the server sends it (3.9 and later), else -1n. */
  readonly zxid: bigint
}

export type OneShotKind = 'data' | 'exists' | 'children'
export type PersistentMode = 'persistent' | 'recursive'

/** Gets the events of persistent watches and news of the connection; it must return at once. */
export interface Watcher {
  event(type: EventType, path: string, zxid: bigint): void
  /** The watches are registered on a new connection, perhaps of a new session; any change may have happened meanwhile. */
  restored(): void
  disconnected(): void
  sessionEnded(path: string): void
  /** There will be no more events. */
  ended(): void
}

/** Waits for one event of one path. */
export interface OneShotWatcher {
  event(type: EventType, path: string, zxid: bigint): void
  /** The session has ended, and the watch with it. */
  sessionEnded(path: string): void
}

/** What all callers of `changed` for one event share. */
interface Changed {
  readonly promise: Promise<WatchedEvent>
  readonly watcher: OneShotWatcher
}

/** The watchers at a path. Nearly always there is one: a set for each would be a fifth of the memory of a watch. */
type Waiting = OneShotWatcher | Set<OneShotWatcher>

export interface WatchPaths {
  readonly data: readonly string[]
  readonly exists: readonly string[]
  readonly children: readonly string[]
  readonly persistent: readonly string[]
  readonly recursive: readonly string[]
}

const eventNames = new Map<number, WatchedEvent['type']>([
  [eventType.nodeCreated, 'created'],
  [eventType.nodeDeleted, 'deleted'],
  [eventType.nodeDataChanged, 'dataChanged'],
  [eventType.nodeChildrenChanged, 'childrenChanged'],
])

const oneShotKinds: readonly OneShotKind[] = ['data', 'exists', 'children']

export class WatchRegistry {
  readonly #oneShot: Record<OneShotKind, Map<string, Waiting>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
  }
  readonly #persistent: Record<PersistentMode, Map<string, Set<Watcher>>> = {
    persistent: new Map(),
    recursive: new Map(),
  }
  readonly #watchers = new Set<Watcher>()
  #hasEnded = false
  readonly #changed: Record<OneShotKind, Map<string, Changed>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
  }

  /** A watcher waits once, however often it asks: asking again does not use more memory. */
  addOneShot(kind: OneShotKind, path: string, watcher: OneShotWatcher): void {
    const table = this.#oneShot[kind]
    const waiting = table.get(path)
    if (waiting === undefined) table.set(path, watcher)
    else if (waiting instanceof Set) waiting.add(watcher)
    else if (waiting !== watcher) table.set(path, new Set([waiting, watcher]))
  }

  /** Removes a watcher from every one-shot watch; returns the watches that have no watcher now. */
  removeOneShots(watcher: OneShotWatcher): { readonly kind: OneShotKind; readonly path: string }[] {
    const idle: { kind: OneShotKind; path: string }[] = []
    for (const kind of oneShotKinds) {
      for (const [path, waiting] of this.#oneShot[kind]) {
        if (waiting instanceof Set ? !waiting.delete(watcher) || waiting.size > 0 : waiting !== watcher) continue
        this.#oneShot[kind].delete(path)
        idle.push({ kind, path })
      }
    }
    return idle
  }

  /** Whether a watcher waits at `path` for an event from the server's table of this kind; data and existence share one table. */
  isOneShot(kind: OneShotKind, path: string): boolean {
    if (kind === 'children') return this.#oneShot.children.has(path)
    return this.#oneShot.data.has(path) || this.#oneShot.exists.has(path)
  }

  /** One promise for all callers that wait for the same event. `userPath` is the path in it. */
  changed(kind: OneShotKind, path: string, userPath: ZnodePath): Promise<WatchedEvent> {
    const promises = this.#changed[kind]
    const known = promises.get(path)
    if (known !== undefined) return known.promise
    let settle = (_type: WatchedEvent['type'], _zxid: bigint): void => {}
    const promise = new Promise<WatchedEvent>((resolve) => {
      settle = (type, zxid) => {
        promises.delete(path)
        resolve(jsonable({ type, path: userPath, zxid }))
      }
    })
    const watcher: OneShotWatcher = {
      event: (type, _path, zxid) => settle(eventNames.get(type) ?? 'none', zxid),
      sessionEnded: () => settle('none', -1n),
    }
    this.addOneShot(kind, path, watcher)
    promises.set(path, { promise, watcher })
    return promise
  }

  /**
   * Settles the promise of `changed` with `none`, and removes its watcher. Returns false where there is none, `shared` where other
   * watchers wait for the same event, and `idle` where the server may remove the watch.
   */
  giveUp(kind: OneShotKind, path: string): false | 'shared' | 'idle' {
    const known = this.#changed[kind].get(path)
    if (known === undefined) return false
    const table = this.#oneShot[kind]
    const waiting = table.get(path)
    if (waiting instanceof Set) waiting.delete(known.watcher)
    else if (waiting === known.watcher) table.delete(path)
    known.watcher.sessionEnded(path)
    if (waiting instanceof Set && waiting.size > 0) return 'shared'
    table.delete(path)
    return 'idle'
  }

  /** Gives a watcher news of the connection. A watcher that has ended returns at once. */
  addWatcher(watcher: Watcher): void {
    if (this.#hasEnded) watcher.ended()
    else this.#watchers.add(watcher)
  }

  removeWatcher(watcher: Watcher): void {
    this.#watchers.delete(watcher)
  }

  addPersistent(mode: PersistentMode, path: string, watcher: Watcher): void {
    const table = this.#persistent[mode]
    const watchers = table.get(path)
    if (watchers === undefined) table.set(path, new Set([watcher]))
    else watchers.add(watcher)
  }

  /** Returns true when that was the last watcher of the watch, so that the server may remove it. */
  removePersistent(mode: PersistentMode, path: string, watcher: Watcher): boolean {
    const watchers = this.#persistent[mode].get(path)
    if (watchers === undefined || !watchers.delete(watcher) || watchers.size > 0) return false
    this.#persistent[mode].delete(path)
    return true
  }

  /** Whether there is a persistent watch, of this mode if one is given, at exactly `path`. */
  isPersistent(path: string, mode?: PersistentMode): boolean {
    if (mode !== undefined) return this.#persistent[mode].has(path)
    return this.#persistent.persistent.has(path) || this.#persistent.recursive.has(path)
  }

  /** The one-shot watches at `path` in a server's data table, in the same form as `paths`. */
  dataWatchesAt(path: string): WatchPaths {
    const at = (kind: OneShotKind): string[] => (this.#oneShot[kind].has(path) ? [path] : [])
    return { data: at('data'), exists: at('exists'), children: [], persistent: [], recursive: [] }
  }

  /** Whether anything else is watched at `path`: then a removal must not name all types. */
  isWatched(path: string): boolean {
    const tables = [...Object.values(this.#oneShot), ...Object.values(this.#persistent)]
    return tables.some((table) => table.has(path))
  }

  /** Passes an event to every watcher that it concerns. */
  dispatch(event: WatcherEvent, zxid: bigint): void {
    const { path } = event
    const type = event.type as EventType
    if (!eventNames.has(type)) return
    const { data, exists, children } = this.#oneShot
    // A watcher may wait for several kinds at a path, or also by a persistent watch; it gets the event once.
    const heard = new Set<OneShotWatcher>()
    if (type === eventType.nodeChildrenChanged) take(children, path, heard)
    else {
      take(data, path, heard)
      take(exists, path, heard)
      if (type === eventType.nodeDeleted) take(children, path, heard)
    }
    for (const watcher of this.#persistent.persistent.get(path) ?? []) heard.add(watcher)
    if (type !== eventType.nodeChildrenChanged && this.#persistent.recursive.size > 0) {
      for (let at = path; ; at = at.lastIndexOf('/') <= 0 ? '/' : at.slice(0, at.lastIndexOf('/'))) {
        for (const watcher of this.#persistent.recursive.get(at) ?? []) heard.add(watcher)
        if (at === '/') break
      }
    }
    for (const watcher of heard) watcher.event(type, path, zxid)
  }

  get persistentCount(): number {
    return this.#persistent.persistent.size + this.#persistent.recursive.size
  }

  get oneShotCount(): number {
    return oneShotKinds.reduce((sum, kind) => sum + this.#oneShot[kind].size, 0)
  }

  paths(): WatchPaths {
    return {
      data: [...this.#oneShot.data.keys()],
      exists: [...this.#oneShot.exists.keys()],
      children: [...this.#oneShot.children.keys()],
      persistent: [...this.#persistent.persistent.keys()],
      recursive: [...this.#persistent.recursive.keys()],
    }
  }

  restored(): void {
    for (const watcher of [...this.#watchers]) watcher.restored()
  }

  disconnected(): void {
    for (const watcher of [...this.#watchers]) watcher.disconnected()
  }

  /** The session has ended: one-shot watches end; persistent watches stay, for the next session. */
  sessionEnded(): void {
    for (const table of Object.values(this.#oneShot)) {
      for (const path of [...table.keys()]) {
        const waiting = new Set<OneShotWatcher>()
        take(table, path, waiting)
        for (const watcher of waiting) watcher.sessionEnded(path)
      }
    }
  }

  ended(): void {
    this.#hasEnded = true
    for (const watcher of [...this.#watchers]) watcher.ended()
    this.#watchers.clear()
  }
}

/** Moves the watchers at `path` to `to`, because their watch has fired. */
function take(table: Map<string, Waiting>, path: string, to: Set<OneShotWatcher>): void {
  const waiting = table.get(path)
  if (waiting === undefined) return
  table.delete(path)
  if (waiting instanceof Set) for (const watcher of waiting) to.add(watcher)
  else to.add(waiting)
}
