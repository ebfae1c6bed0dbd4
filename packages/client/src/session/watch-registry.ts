/** The watches this client holds: which listeners an event concerns, and what a server must know after a reconnect. Paths are the server's. */
import { type EventType, eventType, type WatcherEvent, type ZnodePath } from '@lightkeeper/protocol'
import { jsonable } from '../json-form.ts'

/** A one-shot event as users see it; `none` when the session ended first. */
export interface WatchedEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' | 'none'
  readonly path: ZnodePath
  /** Zxid of the change, where the server sends it (3.9 and later), else -1n. */
  readonly zxid: bigint
}

export type OneShotKind = 'data' | 'exists' | 'children'
export type PersistentMode = 'persistent' | 'recursive'

/** Gets the events of persistent watches and news of the connection; must return at once. */
export interface WatchListener {
  event(type: EventType, path: string, zxid: bigint): void
  /** The watches are back in place on a new connection, perhaps of a new session; anything may have happened meanwhile. */
  restored(): void
  disconnected(): void
  sessionEnded(path: string): void
  /** No more events, ever. */
  ended(): void
}

/** Waits for one event of one path. */
export interface OneShotListener {
  event(type: EventType, path: string, zxid: bigint): void
  /** The session is gone, and the watch with it. */
  sessionEnded(path: string): void
}

/** The listeners that wait at a path. Almost always one: a set for each would be a fifth of the memory of a watch. */
type Waiting = OneShotListener | Set<OneShotListener>

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
  readonly #persistent: Record<PersistentMode, Map<string, Set<WatchListener>>> = {
    persistent: new Map(),
    recursive: new Map(),
  }
  readonly #listeners = new Set<WatchListener>()
  #hasEnded = false
  readonly #changed: Record<OneShotKind, Map<string, Promise<WatchedEvent>>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
  }

  /** A listener that waits already waits once: asking again and again piles nothing up. */
  addOneShot(kind: OneShotKind, path: string, user: OneShotListener): void {
    const table = this.#oneShot[kind]
    const waiting = table.get(path)
    if (waiting === undefined) table.set(path, user)
    else if (waiting instanceof Set) waiting.add(user)
    else if (waiting !== user) table.set(path, new Set([waiting, user]))
  }

  /** Takes a listener out of every one-shot watch; returns those without a listener now. */
  removeOneShots(user: OneShotListener): { readonly kind: OneShotKind; readonly path: string }[] {
    const idle: { kind: OneShotKind; path: string }[] = []
    for (const kind of oneShotKinds) {
      for (const [path, waiting] of this.#oneShot[kind]) {
        if (waiting instanceof Set ? !waiting.delete(user) || waiting.size > 0 : waiting !== user) continue
        this.#oneShot[kind].delete(path)
        idle.push({ kind, path })
      }
    }
    return idle
  }

  /** Whether a listener waits at `path` for what a server keeps in its table of this kind: it has one for data and existence. */
  isOneShot(kind: OneShotKind, path: string): boolean {
    if (kind === 'children') return this.#oneShot.children.has(path)
    return this.#oneShot.data.has(path) || this.#oneShot.exists.has(path)
  }

  /** One promise for all who wait for the same event. `userPath` is the path in it. */
  changed(kind: OneShotKind, path: string, userPath: ZnodePath): Promise<WatchedEvent> {
    const promises = this.#changed[kind]
    const known = promises.get(path)
    if (known !== undefined) return known
    const promise = new Promise<WatchedEvent>((resolve) => {
      const settle = (type: WatchedEvent['type'], zxid: bigint): void => {
        promises.delete(path)
        resolve(jsonable({ type, path: userPath, zxid }))
      }
      this.addOneShot(kind, path, {
        event: (type, _path, zxid) => settle(eventNames.get(type) ?? 'none', zxid),
        sessionEnded: () => settle('none', -1n),
      })
    })
    promises.set(path, promise)
    return promise
  }

  /** Gives a listener news of the connection; one that is over says so at once. */
  addListener(listener: WatchListener): void {
    if (this.#hasEnded) listener.ended()
    else this.#listeners.add(listener)
  }

  removeListener(listener: WatchListener): void {
    this.#listeners.delete(listener)
  }

  addPersistent(mode: PersistentMode, path: string, listener: WatchListener): void {
    const table = this.#persistent[mode]
    const listeners = table.get(path)
    if (listeners === undefined) table.set(path, new Set([listener]))
    else listeners.add(listener)
  }

  /** True when that was the last listener of the watch, so that the server may drop it. */
  removePersistent(mode: PersistentMode, path: string, listener: WatchListener): boolean {
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

  /** Hands an event to every listener it concerns. */
  dispatch(event: WatcherEvent, zxid: bigint): void {
    const { path } = event
    const type = event.type as EventType
    if (!eventNames.has(type)) return
    const { data, exists, children } = this.#oneShot
    // A listener that waits for several kinds at a path, or also by a persistent watch, gets the event once.
    const heard = new Set<OneShotListener>()
    if (type === eventType.nodeChildrenChanged) take(children, path, heard)
    else {
      take(data, path, heard)
      take(exists, path, heard)
      if (type === eventType.nodeDeleted) take(children, path, heard)
    }
    for (const listener of this.#persistent.persistent.get(path) ?? []) heard.add(listener)
    if (type !== eventType.nodeChildrenChanged && this.#persistent.recursive.size > 0) {
      for (let at = path; ; at = at.lastIndexOf('/') <= 0 ? '/' : at.slice(0, at.lastIndexOf('/'))) {
        for (const listener of this.#persistent.recursive.get(at) ?? []) heard.add(listener)
        if (at === '/') break
      }
    }
    for (const user of heard) user.event(type, path, zxid)
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
    for (const listener of [...this.#listeners]) listener.restored()
  }

  disconnected(): void {
    for (const listener of [...this.#listeners]) listener.disconnected()
  }

  /** The session is gone: one-shot watches end; persistent ones stay, for the next session. */
  sessionEnded(): void {
    for (const table of Object.values(this.#oneShot)) {
      for (const path of [...table.keys()]) {
        const waiting = new Set<OneShotListener>()
        take(table, path, waiting)
        for (const user of waiting) user.sessionEnded(path)
      }
    }
  }

  ended(): void {
    this.#hasEnded = true
    for (const listener of [...this.#listeners]) listener.ended()
    this.#listeners.clear()
  }
}

/** Moves the listeners that wait at `path` to `to`: their watch is used up. */
function take(table: Map<string, Waiting>, path: string, to: Set<OneShotListener>): void {
  const waiting = table.get(path)
  if (waiting === undefined) return
  table.delete(path)
  if (waiting instanceof Set) for (const user of waiting) to.add(user)
  else to.add(waiting)
}
