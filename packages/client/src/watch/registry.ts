/** Which watches this client holds: whom an event wakes, and what to tell a server after a reconnect. Paths are the server's. */
import { type EventType, eventType, type WatcherEvent } from '@lightkeeper/protocol'

/** A one-shot event as users see it; `none` when the session ended first. */
export interface WatchedEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' | 'none'
  readonly path: string
  /** Zxid of the change, where the server tells it (3.9 and later), else -1n. */
  readonly zxid: bigint
}

export type OneShotKind = 'data' | 'exists' | 'children'
export type PersistentMode = 'persistent' | 'recursive'

/** Hears of changes and of the connection; must return at once. */
export interface Listener {
  event(type: EventType, path: string, zxid: bigint): void
  /** The watches are back in place on a new connection, perhaps of a new session; anything may have happened meanwhile. */
  restored(): void
  disconnected(): void
  /** No more events, ever. */
  ended(): void
}

type Settle = (event: WatchedEvent) => void

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

export class WatchRegistry {
  readonly #oneShot: Record<OneShotKind, Map<string, Set<Settle>>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
  }
  readonly #persistent: Record<PersistentMode, Map<string, Set<Listener>>> = {
    persistent: new Map(),
    recursive: new Map(),
  }
  readonly #listeners = new Set<Listener>()
  readonly #changed: Record<OneShotKind, Map<string, Promise<WatchedEvent>>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
  }

  addOneShot(kind: OneShotKind, path: string, settle: Settle): void {
    const table = this.#oneShot[kind]
    const waiting = table.get(path)
    if (waiting === undefined) table.set(path, new Set([settle]))
    else waiting.add(settle)
  }

  /** One promise for all who wait for the same event: a caller who asks again and again must not pile anything up. */
  changed(kind: OneShotKind, path: string): Promise<WatchedEvent> {
    const promises = this.#changed[kind]
    const known = promises.get(path)
    if (known !== undefined) return known
    const promise = new Promise<WatchedEvent>((resolve) => {
      this.addOneShot(kind, path, (event) => {
        promises.delete(path)
        resolve(event)
      })
    })
    promises.set(path, promise)
    return promise
  }

  /** Listens to the connection alone. */
  addListener(listener: Listener): void {
    this.#listeners.add(listener)
  }

  removeListener(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  addPersistent(mode: PersistentMode, path: string, listener: Listener): void {
    const table = this.#persistent[mode]
    const listeners = table.get(path)
    if (listeners === undefined) table.set(path, new Set([listener]))
    else listeners.add(listener)
  }

  /** True when that was the last local user of the watch, so that the server may drop it. */
  removePersistent(mode: PersistentMode, path: string, listener: Listener): boolean {
    const listeners = this.#persistent[mode].get(path)
    if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return false
    this.#persistent[mode].delete(path)
    return true
  }

  /** Whether a persistent watch, of this mode if one is given, is held at exactly `path`. */
  isPersistent(path: string, mode?: PersistentMode): boolean {
    if (mode !== undefined) return this.#persistent[mode].has(path)
    return this.#persistent.persistent.has(path) || this.#persistent.recursive.has(path)
  }

  /** The one-shot watches at `path` that live in a server's data table, in the shape of `paths`. */
  dataWatchesAt(path: string): WatchPaths {
    const at = (kind: OneShotKind): string[] => (this.#oneShot[kind].has(path) ? [path] : [])
    return { data: at('data'), exists: at('exists'), children: [], persistent: [], recursive: [] }
  }

  /** Whether anything else is watched at `path`: then a removal must not name all types. */
  isWatched(path: string): boolean {
    const tables = [...Object.values(this.#oneShot), ...Object.values(this.#persistent)]
    return tables.some((table) => table.has(path))
  }

  /** Tells everybody an event concerns; `toUser` maps its path. */
  dispatch(event: WatcherEvent, zxid: bigint, toUser: (path: string) => string): void {
    const { path } = event
    const type = event.type as EventType
    const { data, exists, children } = this.#oneShot
    const name = eventNames.get(type)
    if (name === undefined) return
    const told: WatchedEvent = { type: name, path: toUser(path), zxid }
    if (type === eventType.nodeChildrenChanged) fire(children, path, told)
    else {
      fire(data, path, told)
      fire(exists, path, told)
      if (type === eventType.nodeDeleted) fire(children, path, told)
    }
    const heard = new Set(this.#persistent.persistent.get(path))
    if (type !== eventType.nodeChildrenChanged && this.#persistent.recursive.size > 0) {
      for (let at = path; ; at = at.lastIndexOf('/') <= 0 ? '/' : at.slice(0, at.lastIndexOf('/'))) {
        for (const listener of this.#persistent.recursive.get(at) ?? []) heard.add(listener)
        if (at === '/') break
      }
    }
    for (const listener of heard) listener.event(type, path, zxid)
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
    for (const listener of [...this.#listeners]) listener.restored()
  }

  disconnected(): void {
    for (const listener of [...this.#listeners]) listener.disconnected()
  }

  /** The session is gone: one-shot watches settle as `none`; persistent ones stay, for the next session. */
  sessionEnded(toUser: (path: string) => string): void {
    for (const table of Object.values(this.#oneShot)) {
      for (const path of [...table.keys()]) fire(table, path, { type: 'none', path: toUser(path), zxid: -1n })
    }
  }

  ended(): void {
    for (const listener of [...this.#listeners]) listener.ended()
    this.#listeners.clear()
  }
}

function fire(table: Map<string, Set<Settle>>, path: string, event: WatchedEvent): void {
  const waiting = table.get(path)
  if (waiting === undefined) return
  table.delete(path)
  for (const settle of waiting) settle(event)
}
