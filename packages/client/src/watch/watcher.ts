/**
 * `watch()`: the loop everybody writes, once and right. Registers first, then reads; takes every event as "read this path
 * again", never as data; after a reconnect reads everything and delivers the difference. What is delivered for a path is a
 * chain that ends in the server's state.
 */
import { type EventType, eventType, isWithin, joinPath, KeeperError, parentPath } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'
import type { Listener, PersistentMode } from './registry.ts'

export interface WatchOptions {
  /** The znode and everything below it. Default false. */
  readonly recursive?: boolean
  /** The direct children of the znode, with their data, instead of the znode itself. Default false. */
  readonly children?: boolean
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined
}

/** What is known of a znode. */
export interface ZnodeSnapshot {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
}

/** Why a change is told: it was there at the start, an event was heard, or it was found after a reconnect. */
export type Via = 'snapshot' | 'event' | 'resync'

export type WatchChange =
  | { readonly kind: 'created'; readonly path: string; readonly current: ZnodeSnapshot; readonly via: Via }
  | {
      readonly kind: 'changed'
      readonly path: string
      readonly previous: ZnodeSnapshot
      readonly current: ZnodeSnapshot
      /** Writes between the two that were never seen, exact since the version counts them. */
      readonly missed: number
      readonly via: Via
    }
  | { readonly kind: 'deleted'; readonly path: string; readonly previous: ZnodeSnapshot; readonly via: Via }
  /** What was delivered so far equals what the server has. */
  | { readonly kind: 'ready' }
  /** The connection is lost; the view may lag until the next `ready`. */
  | { readonly kind: 'stale' }

/** What a stream needs of the client; all paths are the user's. */
export interface WatchSource {
  find(path: string, watch: boolean): Promise<ZnodeSnapshot | undefined>
  /** Names, undefined where the znode is missing. */
  list(path: string, watch: boolean): Promise<readonly string[] | undefined>
  /** False where the server does not have persistent watches. */
  arm(path: string, mode: PersistentMode, listener: Listener): Promise<boolean>
  disarm(path: string, mode: PersistentMode, listener: Listener): void
  /** Hears of one-shot watches left by `find` and `list`, as events. */
  listen(listener: Listener): void
  unlisten(listener: Listener): void
  toUser(path: string): string
  readonly isConnected: boolean
}

export class Watcher implements Listener {
  readonly #source: WatchSource
  readonly #root: string
  readonly #scope: 'node' | 'children' | 'tree'
  readonly #signal: AbortSignal | undefined
  readonly #known = new Map<string, ZnodeSnapshot>()
  /** Paths to read again, in the order they were heard of: at most one entry a path, however fast changes come. */
  readonly #dirty = new Set<string>()
  #needsResync = true
  #isStale = false
  #isArmed = false
  /** One-shot watches do the work, since the server has no persistent ones. */
  #isOneShot = false
  #hasEnded = false
  #wake: (() => void) | undefined

  constructor(source: WatchSource, root: string, options: WatchOptions) {
    this.#source = source
    this.#root = root
    this.#scope = options.recursive ? 'tree' : options.children ? 'children' : 'node'
    this.#signal = options.signal
  }

  // -- heard from the protocol loop -----------------------------------------------------------------------------------

  event(type: EventType, serverPath: string): void {
    const path = this.#source.toUser(serverPath)
    // Only the one-shot fallback sees this type; the list is read again below it.
    const isRelevant = type === eventType.nodeChildrenChanged ? this.#isOneShot : this.#covers(path)
    if (!isRelevant && !(this.#isOneShot && path === this.#root)) return
    this.#dirty.delete(path)
    this.#dirty.add(path)
    this.#wakeUp()
  }

  restored(): void {
    this.#needsResync = true
    this.#wakeUp()
  }

  disconnected(): void {
    this.#isStale = true
    this.#wakeUp()
  }

  ended(): void {
    this.#hasEnded = true
    this.#wakeUp()
  }

  #wakeUp(): void {
    this.#wake?.()
  }

  #covers(path: string): boolean {
    if (this.#scope === 'node') return path === this.#root
    if (this.#scope === 'tree') return isWithin(path, this.#root)
    return path !== this.#root && parentPath(path) === this.#root
  }

  // -- pulled by the user ---------------------------------------------------------------------------------------------

  /** Ends when the consumer leaves, the signal aborts or the client closes; rejects where a read is refused (NO_AUTH). */
  async *changes(): AsyncGenerator<WatchChange, void, void> {
    const onAbort = (): void => this.#wakeUp()
    this.#signal?.addEventListener('abort', onAbort, { once: true })
    this.#source.listen(this)
    let via: Via = 'snapshot'
    try {
      while (!this.#isOver()) {
        if (this.#isStale && !this.#source.isConnected) {
          this.#isStale = false
          this.#needsResync = true
          yield { kind: 'stale' }
        } else if (!this.#source.isConnected) {
          await this.#sleep(() => this.#source.isConnected)
        } else if (this.#needsResync) {
          this.#isStale = false
          const changes = await this.#attempt(() => this.#resync(via))
          if (changes === undefined) continue
          yield* changes
          via = 'resync'
          if (!this.#needsResync) yield { kind: 'ready' }
        } else if (this.#dirty.size > 0) {
          const [path] = this.#dirty as Set<string>
          this.#dirty.delete(path as string)
          const changes = await this.#attempt(() => this.#reread(path as string, 'event'))
          if (changes === undefined) this.#needsResync = true
          else yield* changes
        } else await this.#sleep(() => this.#dirty.size > 0 || this.#needsResync || this.#isStale)
      }
    } finally {
      this.#signal?.removeEventListener('abort', onAbort)
      this.#source.unlisten(this)
      if (this.#isArmed) this.#source.disarm(this.#root, this.#mode, this)
    }
  }

  get #mode(): PersistentMode {
    return this.#scope === 'node' ? 'persistent' : 'recursive'
  }

  #isOver(): boolean {
    return this.#hasEnded || this.#signal?.aborted === true
  }

  async #sleep(isDone: () => boolean): Promise<void> {
    if (isDone() || this.#isOver()) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  /** Undefined when the connection or session went meanwhile: the next connect brings everything up to date. */
  async #attempt(read: () => Promise<WatchChange[]>): Promise<WatchChange[] | undefined> {
    try {
      return await read()
    } catch (error) {
      const passing = (['CONNECTION_LOSS', 'SESSION_EXPIRED', 'CLOSED', 'TIMEOUT'] as const).some((code) =>
        KeeperError.is(error, code),
      )
      if (!passing) throw error
      return undefined
    }
  }

  /** Registers where needed, reads everything, and returns how it differs from what was delivered. */
  async #resync(via: Via): Promise<WatchChange[]> {
    // What is heard from here on is read again: clear first, then register, then read.
    this.#needsResync = false
    this.#dirty.clear()
    try {
      if (!this.#isArmed && !this.#isOneShot) {
        this.#isArmed = await this.#source.arm(this.#root, this.#mode, this)
        this.#isOneShot = !this.#isArmed
      }
      return this.#compareAll(this.#root, await this.#walk(this.#root), via)
    } catch (error) {
      this.#needsResync = true
      throw error
    }
  }

  /** Everything in scope at and below `path`, read now; parents in front of their children. */
  async #walk(path: string): Promise<Map<string, ZnodeSnapshot>> {
    const found = new Map<string, ZnodeSnapshot>()
    if (this.#scope !== 'children' || path !== this.#root) {
      const current = await this.#source.find(path, this.#isOneShot)
      if (current === undefined) return found
      found.set(path, current)
    }
    const lists = this.#scope === 'tree' || (this.#scope === 'children' && path === this.#root)
    if (!lists) return found
    const names = await this.#source.list(path, this.#isOneShot)
    if (names === undefined && this.#isOneShot) await this.#source.find(path, true)
    // Side by side: one round trip a level, not one a znode.
    const below = await Promise.all((names ?? []).map((name) => this.#walk(joinPath(path, name))))
    for (const each of below) for (const [child, snapshot] of each) found.set(child, snapshot)
    return found
  }

  /** Reads one path that was heard of. */
  async #reread(path: string, via: Via): Promise<WatchChange[]> {
    if (!this.#isOneShot) return this.#compare(path, await this.#source.find(path, false), via)
    // One-shot watches say too little about what is below: compare the subtree from here.
    return this.#compareAll(path, await this.#walk(path), via)
  }

  /** Steps only once everything was read: what is recorded as delivered must be delivered, not lost with a failed read. */
  #compareAll(path: string, found: ReadonlyMap<string, ZnodeSnapshot>, via: Via): WatchChange[] {
    const gone = [...this.#known.keys()].filter((known) => isWithin(known, path) && !found.has(known))
    // Children in front of their parents, as a server deletes them.
    gone.sort((a, b) => b.length - a.length)
    const changes = gone.flatMap((known) => this.#compare(known, undefined, via))
    for (const [each, current] of found) changes.push(...this.#compare(each, current, via))
    return changes
  }

  /** The step from what was delivered of a path to `current`, recorded as delivered. */
  #compare(path: string, current: ZnodeSnapshot | undefined, via: Via): WatchChange[] {
    const previous = this.#known.get(path)
    if (current === undefined) {
      if (previous === undefined) return []
      this.#known.delete(path)
      return [{ kind: 'deleted', path, previous, via }]
    }
    // By ids, never by version: a znode deleted and created again has version 0 again.
    if (previous !== undefined && previous.stat.czxid === current.stat.czxid) {
      if (current.stat.mzxid === previous.stat.mzxid) return []
      this.#known.set(path, current)
      const missed = Math.max(0, current.stat.version - previous.stat.version - 1)
      return [{ kind: 'changed', path, previous, current, missed, via }]
    }
    this.#known.set(path, current)
    const created: WatchChange = { kind: 'created', path, current, via }
    return previous === undefined ? [created] : [{ kind: 'deleted', path, previous, via }, created]
  }
}
