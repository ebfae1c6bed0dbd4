/**
 * Who watches what: path → watchers and watcher → paths, one table for data and one for children (WatchManager.java). A watcher is
 * a connection; its watches end with it, not with the session.
 */
import { TextMap, TextSet } from '@lightkeeper/runtime'
import { PathTrie } from '../tree/path-trie.ts'

/** Bits of the modes that a watcher may have on one path, several at once since 3.9. */
export const watchMode = { oneShot: 1, persistent: 2, recursive: 4 } as const

/** About the bytes of a watch without its path. */
const entryBytes = 128
/** Characters of a path after this one count four times: while such paths arrive, the heap grows by several times their number. */
const longFrom = 1024
/** About the bytes of a level of the tree in which recursive watches are found. */
const levelBytes = 400

/** A watcher, and the size of its watches over all tables. */
export interface WatchHolder {
  watchCount: number
  watchBytes: number
}

/** About the bytes of all watches of a server. */
export interface WatchTotal {
  bytes: number
}

export function bytesOfWatch(path: string): number {
  return path.length + 3 * Math.max(0, path.length - longFrom) + entryBytes
}

/** What a recursive watch takes beyond that: each level of its path has a place of its own. Above `most` it is not counted to its end. */
export function bytesOfLevels(path: string, most = Number.POSITIVE_INFINITY): number {
  let bytes = levelBytes
  for (let at = path.indexOf('/', 1); at >= 0 && bytes <= most; at = path.indexOf('/', at + 1)) bytes += levelBytes
  return bytes
}

/**
 * The watchers of a path, with the modes of each. Most paths have one watcher, with a one-shot watch alone: that watcher stands for
 * itself, since a map of its own would take more than the rest of the watch.
 */
type Watchers<W> = W | Map<W, number>

export class WatchTable<W extends WatchHolder> {
  /** Pairs of watcher and path. */
  size = 0
  /** The largest number of watchers that a path has had since the table was last empty. */
  widest = 0
  readonly #total: WatchTotal
  readonly #watchersOf = new TextMap<Watchers<W>>()
  readonly #pathsOf = new Map<W, TextSet>()
  /** Watchers with recursive watches, found from any path below. */
  readonly #recursive = new PathTrie<Set<W>>()

  constructor(total: WatchTotal = { bytes: 0 }) {
    this.#total = total
  }

  /** Paths with at least one watch. */
  get pathCount(): number {
    return this.#watchersOf.size
  }

  /** Watchers with at least one watch. */
  get watcherCount(): number {
    return this.#pathsOf.size
  }

  /** Registering the same watch again changes nothing. */
  add(path: string, watcher: W, mode: number): void {
    const watchers = this.#watchersOf.get(path)
    const before = heldBy(watchers, watcher)
    if ((before & mode) === mode) return
    if (watchers === undefined && mode === watchMode.oneShot) this.#watchersOf.set(path, watcher)
    else this.#mapOf(path, watchers).set(watcher, before | mode)
    const count = isMap(watchers) ? watchers.size : watchers === undefined || watchers === watcher ? 1 : 2
    if (count > this.widest) this.widest = count
    if (mode === watchMode.recursive) {
      const known = this.#recursive.get(path)
      if (known === undefined) this.#recursive.set(path, new Set([watcher]))
      else known.add(watcher)
      this.#countBytes(watcher, bytesOfLevels(path))
    }
    if (before !== 0) return
    let paths = this.#pathsOf.get(watcher)
    if (paths === undefined) {
      paths = new TextSet()
      this.#pathsOf.set(watcher, paths)
    }
    paths.add(path)
    this.#count(path, watcher, 1)
  }

  /** Whether the watcher has `mode` on `path`; 0 means any. */
  has(path: string, watcher: W, mode: number): boolean {
    const held = heldBy(this.#watchersOf.get(path), watcher)
    return mode === 0 ? held !== 0 : (held & mode) !== 0
  }

  /** Removes `mode`, or with 0 all modes. Returns whether there was anything to remove. */
  remove(path: string, watcher: W, mode: number): boolean {
    const watchers = this.#watchersOf.get(path)
    const held = heldBy(watchers, watcher)
    const taken = mode === 0 ? held : held & mode
    if (watchers === undefined || taken === 0) return false
    this.#lower(path, watchers, watcher, held, taken)
    return true
  }

  /** Removes up to `most` watches of a watcher, fewer where paths are long. Returns how many more it might remove; above 0, none is left. */
  removeSome(watcher: W, most: number): number {
    let left = most
    for (const path of this.#pathsOf.get(watcher) ?? []) {
      if (left <= 0) return left
      left -= 1 + (path.length >> 8)
      this.remove(path, watcher, 0)
    }
    return left
  }

  /**
   * Everyone who gets an event for a change of `path`, each once: its watchers, whose one-shot watches are now used up, and
   * watchers with a recursive watch on an ancestor. Undefined when there is no watcher.
   */
  trigger(path: string): Set<W> | undefined {
    let reached: Set<W> | undefined
    const watchers = this.#watchersOf.get(path)
    if (isMap(watchers)) {
      reached = new Set(watchers.keys())
      for (const [watcher, held] of watchers) {
        if ((held & watchMode.oneShot) !== 0) this.#lower(path, watchers, watcher, held, watchMode.oneShot)
      }
    } else if (watchers !== undefined) {
      reached = new Set([watchers])
      this.#lower(path, watchers, watchers, watchMode.oneShot, watchMode.oneShot)
    }
    this.#recursive.above(path, (recursive) => {
      for (const watcher of recursive) {
        reached ??= new Set()
        reached.add(watcher)
      }
    })
    return reached
  }

  /** About how many watchers `trigger` would return. */
  reach(path: string): number {
    const watchers = this.#watchersOf.get(path)
    let count = isMap(watchers) ? watchers.size : watchers === undefined ? 0 : 1
    this.#recursive.above(path, (recursive) => {
      count += recursive.size
    })
    return count
  }

  /** Every path with its watchers, for the monitoring commands. */
  *byPath(): Generator<readonly [path: string, watchers: readonly W[]]> {
    for (const [path, watchers] of this.#watchersOf) yield [path, isMap(watchers) ? [...watchers.keys()] : [watchers]]
  }

  /** Every watcher with its paths, for the monitoring commands. */
  byWatcher(): ReadonlyMap<W, TextSet> {
    return this.#pathsOf
  }

  /** The same watchers as a map. */
  #mapOf(path: string, watchers: Watchers<W> | undefined): Map<W, number> {
    if (isMap(watchers)) return watchers
    const map = new Map<W, number>()
    if (watchers !== undefined) map.set(watchers, watchMode.oneShot)
    this.#watchersOf.set(path, map)
    return map
  }

  #lower(path: string, watchers: Watchers<W>, watcher: W, held: number, taken: number): void {
    if ((taken & watchMode.recursive) !== 0) {
      const recursive = this.#recursive.get(path)
      recursive?.delete(watcher)
      if (recursive?.size === 0) this.#recursive.delete(path)
      this.#countBytes(watcher, -bytesOfLevels(path))
    }
    const left = held & ~taken
    if (isMap(watchers)) {
      if (left !== 0) {
        watchers.set(watcher, left)
        return
      }
      watchers.delete(watcher)
    }
    if (!isMap(watchers) || watchers.size === 0) this.#watchersOf.delete(path)
    if (this.#watchersOf.size === 0) this.widest = 0
    const paths = this.#pathsOf.get(watcher)
    paths?.delete(path)
    if (paths?.size === 0) this.#pathsOf.delete(watcher)
    this.#count(path, watcher, -1)
  }

  #count(path: string, watcher: W, by: 1 | -1): void {
    this.size += by
    watcher.watchCount += by
    this.#countBytes(watcher, by * bytesOfWatch(path))
  }

  #countBytes(watcher: W, bytes: number): void {
    this.#total.bytes += bytes
    watcher.watchBytes += bytes
  }
}

function isMap<W>(watchers: Watchers<W> | undefined): watchers is Map<W, number> {
  return watchers instanceof Map
}

/** The modes that `watcher` has; 0 for none. */
function heldBy<W>(watchers: Watchers<W> | undefined, watcher: W): number {
  if (isMap(watchers)) return watchers.get(watcher) ?? 0
  return watchers === watcher ? watchMode.oneShot : 0
}
