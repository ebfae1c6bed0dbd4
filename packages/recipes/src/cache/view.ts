/** The content of a cache, and what each of its readers has not seen yet. Changes in, differences out; it never waits. */
import type { WatchChange, ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { type Freshness, live } from '../common/freshness.ts'

/** A znode as a cache has it. */
export interface CacheEntry<T> {
  /** The path of the znode. */
  readonly path: ZnodePath
  /** The data of the znode, as the codec read it. */
  readonly value: T
  /** The Stat, read together with the data. */
  readonly stat: ZnodeStat
}

/** A step of the cache. Several steps of one path between two reads become one. */
export type CacheChange<T> =
  | { readonly kind: 'created'; readonly path: ZnodePath; readonly value: T; readonly stat: ZnodeStat }
  | {
      readonly kind: 'changed'
      /** The path of the znode. */
      readonly path: ZnodePath
      /** The value now. */
      readonly value: T
      /** The Stat of this value. */
      readonly stat: ZnodeStat
      /** What this reader got of the znode before. */
      readonly previous: CacheEntry<T>
    }
  | { readonly kind: 'deleted'; readonly path: ZnodePath; readonly previous: CacheEntry<T> }
  /** The codec cannot decode the data, or the server refuses the read. The cache keeps the last good value. */
  | {
      readonly kind: 'unreadable'
      readonly path: ZnodePath
      /** Why it is not available: KeeperError NO_AUTH or FRAME_TOO_LARGE, or what the codec threw. */
      readonly error: unknown
      /** The data that the codec could not decode; undefined where the read failed. */
      readonly data: Uint8Array | undefined
      /** The Stat of this data; undefined where the read failed. */
      readonly stat: ZnodeStat | undefined
    }
  | Freshness

type Unreadable<T> = Extract<CacheChange<T>, { kind: 'unreadable' }>

/**
 * What one reader has not seen: for each path, the entry that it saw last. Its size is bounded by what the reader has seen and what
 * exists.
 */
export class Untold<T> {
  readonly before = new Map<string, CacheEntry<T> | undefined>()
  readonly unreadable = new Map<string, Unreadable<T>>()
  freshness: Freshness | undefined
}

export class CacheView<T> {
  readonly #entries = new Map<string, CacheEntry<T>>()
  readonly #below = new Map<string, Set<string>>()
  readonly #readers = new Set<Untold<T>>()
  /** Paths that this process has written, until the stream has reached the write, with the last entry from the stream. */
  readonly #written = new Map<ZnodePath, CacheEntry<T> | undefined>()
  #freshness: Freshness | undefined

  get size(): number {
    return this.#entries.size
  }

  /** Undefined before the first snapshot is complete. */
  get freshness(): Freshness | undefined {
    return this.#freshness
  }

  get(path: string): CacheEntry<T> | undefined {
    return this.#entries.get(path)
  }

  /** Names of the children, sorted. */
  children(path: string): string[] {
    return [...(this.#below.get(path) ?? [])].sort()
  }

  entries(): IterableIterator<CacheEntry<T>> {
    return this.#entries.values()
  }

  apply(change: WatchChange<T>): void {
    if (change.kind === 'ready' || change.kind === 'stale') {
      this.#freshness = change.kind === 'ready' ? live(change.zxid) : { kind: 'stale', since: change.since }
      for (const reader of this.#readers) reader.freshness = this.#freshness
      if (change.kind === 'ready') this.#settle(change.zxid)
      return
    }
    const path = change.path as ZnodePath
    if (change.kind === 'unreadable') {
      const { kind, error, data, stat } = change
      for (const reader of this.#readers) reader.unreadable.set(path, { kind, path, error, data, stat })
      return
    }
    const given = change.kind === 'deleted' ? undefined : { path, value: change.value, stat: change.stat }
    if (this.#written.has(path)) {
      const mine = this.#entries.get(path)
      // This is older than the write. The next change, or `ready`, shows the later state.
      if (mine !== undefined && (given === undefined || given.stat.mzxid < mine.stat.mzxid)) {
        this.#written.set(path, given)
        return
      }
      this.#written.delete(path)
    }
    this.#become(path, given)
  }

  /**
   * This process has written `entry`: from now on readers see at least that. The next `ready` that has reached the write shows its
   * fate. Returns false where something newer is known already.
   */
  write(entry: CacheEntry<T>): boolean {
    const { path, stat } = entry
    const before = this.#entries.get(path)
    if (before !== undefined && before.stat.mzxid >= stat.mzxid) return false
    // It was deleted after the write.
    if (before === undefined && this.#freshness?.kind === 'live' && this.#freshness.zxid >= stat.mzxid) return false
    if (!this.#written.has(path)) this.#written.set(path, before)
    this.#become(path, entry)
    return true
  }

  /** The stream has delivered everything up to `zxid`. */
  #settle(zxid: bigint): void {
    for (const [path, given] of this.#written) {
      const mine = this.#entries.get(path)
      if (mine !== undefined && mine.stat.mzxid > zxid) continue
      this.#written.delete(path)
      // It was deleted right after the write, so the stream never saw it.
      if (mine?.stat.mzxid !== given?.stat.mzxid) this.#become(path, given)
    }
  }

  #become(path: ZnodePath, now: CacheEntry<T> | undefined): void {
    const before = this.#entries.get(path)
    if (now === undefined) this.#remove(path)
    else this.#put(now)
    for (const reader of this.#readers) {
      reader.unreadable.delete(path)
      if (!reader.before.has(path)) reader.before.set(path, before)
      // An entry that came and went between two reads is no change.
      else if (now === undefined && reader.before.get(path) === undefined) reader.before.delete(path)
    }
  }

  /** A reader; from now on its changes are kept. */
  read(): Untold<T> {
    const reader = new Untold<T>()
    this.#readers.add(reader)
    return reader
  }

  leave(reader: Untold<T>): void {
    this.#readers.delete(reader)
  }

  /** The next change for a reader, undefined where it has seen everything. */
  next(reader: Untold<T>): CacheChange<T> | undefined {
    for (const [path, previous] of reader.before) {
      reader.before.delete(path)
      const now = this.#entries.get(path)
      if (now === undefined) {
        if (previous !== undefined) return { kind: 'deleted', path: previous.path, previous }
      } else if (previous === undefined) return { kind: 'created', ...now }
      else if (previous.stat.czxid !== now.stat.czxid) {
        // Another znode under the same name.
        reader.before.set(path, undefined)
        return { kind: 'deleted', path: previous.path, previous }
      } else if (previous.stat.mzxid !== now.stat.mzxid) return { kind: 'changed', ...now, previous }
    }
    for (const [path, change] of reader.unreadable) {
      reader.unreadable.delete(path)
      return change
    }
    const { freshness } = reader
    reader.freshness = undefined
    return freshness
  }

  #put(entry: CacheEntry<T>): void {
    const { path } = entry
    this.#entries.set(path, entry)
    const { parent, name } = split(path)
    const siblings = this.#below.get(parent)
    if (siblings === undefined) this.#below.set(parent, new Set([name]))
    else siblings.add(name)
  }

  #remove(path: string): void {
    this.#entries.delete(path)
    const { parent, name } = split(path)
    const siblings = this.#below.get(parent)
    siblings?.delete(name)
    if (siblings?.size === 0) this.#below.delete(parent)
  }
}

/** The root has no parent: its parent is the empty string. */
function split(path: string): { parent: string; name: string } {
  const at = path.lastIndexOf('/')
  return { parent: path === '/' ? '' : at === 0 ? '/' : path.slice(0, at), name: path.slice(at + 1) }
}
