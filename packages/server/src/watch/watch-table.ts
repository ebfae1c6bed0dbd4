/**
 * Who watches what: path → watchers and watcher → paths, one table for data and one for children (WatchManager.java).
 * A watcher is a connection; its watches die with it, not with the session.
 */

/** Bits of the modes a watcher may hold on one path, all at once since 3.9. */
export const watchMode = { oneShot: 1, persistent: 2, recursive: 4 } as const

export class WatchTable<W> {
  readonly #watchersOf = new Map<string, Map<W, number>>()
  readonly #pathsOf = new Map<W, Set<string>>()
  /** Recursive watches in the table: while there are none, no ancestor is looked at. */
  #recursiveCount = 0

  /** Paths with at least one watch. */
  get pathCount(): number {
    return this.#watchersOf.size
  }

  /** Watchers with at least one watch. */
  get watcherCount(): number {
    return this.#pathsOf.size
  }

  /** Pairs of watcher and path. */
  get size(): number {
    let count = 0
    for (const watchers of this.#watchersOf.values()) count += watchers.size
    return count
  }

  /** Registering the same watch again changes nothing. */
  add(path: string, watcher: W, mode: number): void {
    let watchers = this.#watchersOf.get(path)
    if (watchers === undefined) {
      watchers = new Map()
      this.#watchersOf.set(path, watchers)
    }
    const before = watchers.get(watcher) ?? 0
    if ((before & mode) === mode) return
    watchers.set(watcher, before | mode)
    if (mode === watchMode.recursive) this.#recursiveCount++
    if (before !== 0) return
    let paths = this.#pathsOf.get(watcher)
    if (paths === undefined) {
      paths = new Set()
      this.#pathsOf.set(watcher, paths)
    }
    paths.add(path)
  }

  /** Whether the watcher holds `mode` on `path`; 0 asks for any. */
  has(path: string, watcher: W, mode: number): boolean {
    const held = this.#watchersOf.get(path)?.get(watcher) ?? 0
    return mode === 0 ? held !== 0 : (held & mode) !== 0
  }

  /** Takes `mode` away, or with 0 all. Returns whether there was anything to take. */
  remove(path: string, watcher: W, mode: number): boolean {
    const watchers = this.#watchersOf.get(path)
    const held = watchers?.get(watcher) ?? 0
    const taken = mode === 0 ? held : held & mode
    if (watchers === undefined || taken === 0) return false
    this.#lower(path, watchers, watcher, held, taken)
    return true
  }

  removeWatcher(watcher: W): void {
    const paths = this.#pathsOf.get(watcher)
    if (paths === undefined) return
    this.#pathsOf.delete(watcher)
    for (const path of paths) {
      const watchers = this.#watchersOf.get(path)
      if (watchers === undefined) continue
      if (((watchers.get(watcher) ?? 0) & watchMode.recursive) !== 0) this.#recursiveCount--
      watchers.delete(watcher)
      if (watchers.size === 0) this.#watchersOf.delete(path)
    }
  }

  /**
   * Everybody to tell about a change of `path`, each once: those who watch it, whose one-shot watches are used up by this, and
   * those with a recursive watch on an ancestor. Undefined when there is nobody.
   */
  trigger(path: string): Set<W> | undefined {
    let told: Set<W> | undefined
    const watchers = this.#watchersOf.get(path)
    if (watchers !== undefined) {
      told = new Set(watchers.keys())
      for (const [watcher, held] of watchers) {
        if ((held & watchMode.oneShot) !== 0) this.#lower(path, watchers, watcher, held, watchMode.oneShot)
      }
    }
    if (this.#recursiveCount > 0) {
      for (let at = ancestor(path); at !== undefined; at = ancestor(at)) {
        for (const [watcher, held] of this.#watchersOf.get(at) ?? []) {
          if ((held & watchMode.recursive) === 0) continue
          told ??= new Set()
          told.add(watcher)
        }
      }
    }
    return told
  }

  /** Every watcher with its paths, for the monitoring commands. */
  byWatcher(): ReadonlyMap<W, ReadonlySet<string>> {
    return this.#pathsOf
  }

  #lower(path: string, watchers: Map<W, number>, watcher: W, held: number, taken: number): void {
    if ((taken & watchMode.recursive) !== 0) this.#recursiveCount--
    const left = held & ~taken
    if (left !== 0) {
      watchers.set(watcher, left)
      return
    }
    watchers.delete(watcher)
    if (watchers.size === 0) this.#watchersOf.delete(path)
    const paths = this.#pathsOf.get(watcher)
    paths?.delete(path)
    if (paths?.size === 0) this.#pathsOf.delete(watcher)
  }
}

function ancestor(path: string): string | undefined {
  if (path === '/' || path === '') return undefined
  const at = path.lastIndexOf('/')
  return at <= 0 ? '/' : path.slice(0, at)
}
