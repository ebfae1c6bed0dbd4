/**
 * Reads from servers without persistent watches: every read leaves a one-shot watch. These watches say too little about the znodes
 * below, so the reader compares lists and walks new znodes.
 */
import { type EventType, eventType, joinPath, KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Watcher } from '../session/watch-registry.ts'
import type { WatchChange } from './change.ts'
import { type Found, StreamReader } from './stream-reader.ts'

export class OneShotReader<T> extends StreamReader<T> {
  /** Between an event and the next read anything may have happened. */
  readonly countsWrites = false

  protected get oneShots(): Watcher {
    return this.parts.watcher
  }

  /** A stream of children also watches the root: nothing else would show its end. */
  concerns(type: EventType, path: ZnodePath): boolean {
    const { scope } = this.parts
    return type === eventType.nodeChildrenChanged || scope.covers(path) || path === scope.root
  }

  async reread(path: ZnodePath): Promise<WatchChange<T>[]> {
    const { scope, view, dirty, source } = this.parts
    let concernsList = false
    const found: Found<T> = new Map()
    const lists = scope.coversChildrenOf(path)
    const isKnown = view.has(path) || (scope.kind === 'children' && path === scope.root)
    if (dirty.concernsZnode(path) || !isKnown || !lists) {
      const before = view.statOf(path)
      const reading = await this.read(path, () => {
        // Reported for the list before the reply.
        concernsList = dirty.concernsList(path)
        dirty.take(path)
      })
      found.set(path, reading)
      if (reading === undefined && path === scope.root) await this.rootIsMissing()
      // Another znode: the watches below the old one have fired.
      const isSame = before !== undefined && before.czxid === reading?.stat?.czxid
      if (!lists || reading === undefined || (isSame && !concernsList)) return this.#stepAll(found)
      if (!isSame) return this.compare(path, await this.walk([path]), 'event')
    }
    let names: readonly string[] | undefined
    try {
      names = await source.list(path, this.oneShots, () => dirty.takeList(path))
    } catch (error) {
      if (path === scope.root || !KeeperError.is(error, 'NO_AUTH')) throw error
      // The same permission is needed to read the znode, so this shows that it is unreadable.
      const reading = await this.read(path, () => dirty.take(path))
      const isRefused = reading?.isReadable === false && KeeperError.is(reading.error, 'NO_AUTH')
      // The permission has come back: the list is read again.
      if (!isRefused) dirty.touch(path)
      found.set(path, reading)
      return this.#stepAll(found)
    }
    if (names === undefined) {
      dirty.touch(path)
      return this.#stepAll(found)
    }
    const listed = new Set<ZnodePath>(names.map((name) => joinPath(path, name)))
    for (const child of view.children(path)) if (!listed.has(child)) found.set(child, undefined)
    const added = [...listed].filter((child) => !view.has(child))
    for (const [each, reading] of await this.walk(added)) found.set(each, reading)
    return this.#stepAll(found)
  }

  #stepAll(found: Found<T>): WatchChange<T>[] {
    return [...found].flatMap(([path, reading]) => this.parts.view.step(path, reading, undefined, 'event'))
  }

  /** A read of the list leaves the watch that reports changes of it. */
  protected mayHaveChildren(): boolean {
    return true
  }

  protected async rootIsMissing(): Promise<void> {
    const { source, scope, dirty, watcher } = this.parts
    if (!(await source.awaitCreation(scope.root, watcher))) dirty.touch(scope.root)
  }
}
