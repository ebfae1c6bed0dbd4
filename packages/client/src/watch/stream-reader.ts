/** What the two readers of a stream share: reading znodes and lists, walking down, and the difference to what was delivered. */
import { type EventType, isWithin, joinPath, KeeperError, nodeName, type ZnodePath } from '@lightkeeper/protocol'
import { type Codec, isThenable } from '../codec.ts'
import type { Watcher } from '../session/watch-registry.ts'
import type { Via, WatchChange } from './change.ts'
import type { DirtyPaths } from './dirty.ts'
import type { Scope } from './scope.ts'
import type { RawZnode, WatchSource } from './source.ts'
import type { Reading, View } from './view.ts'

/** The most reads under way while everything is read. */
const readsAtOnce = 256

/** The parts of a stream that its readers use. */
export interface StreamParts<T> {
  readonly source: WatchSource
  readonly scope: Scope
  readonly view: View<T>
  readonly dirty: DirtyPaths
  readonly codec: Codec<T> | undefined
  /** The stream, as the watcher of its watches. */
  readonly watcher: Watcher
  /** @throws where the stream has ended: a read that no caller waits for must send no more requests. */
  goOn(): void
}

/** What was read of a subtree; undefined means that the znode does not exist. */
export type Found<T> = Map<ZnodePath, Reading<T> | undefined>

export abstract class StreamReader<T> {
  /** Whether the events of a read path count its writes. */
  abstract readonly countsWrites: boolean
  protected readonly parts: StreamParts<T>
  /** The watcher of the one-shot watches that reads leave. */
  protected abstract readonly oneShots: Watcher | undefined

  constructor(parts: StreamParts<T>) {
    this.parts = parts
  }

  /** Whether an event concerns the stream. */
  abstract concerns(type: EventType, path: ZnodePath): boolean

  /** Reads one path that had an event, and returns the difference to what was delivered. */
  abstract reread(path: ZnodePath): Promise<WatchChange<T>[]>

  protected abstract mayHaveChildren(reading: Reading<T>): boolean

  /** The root was read, and does not exist. */
  protected abstract rootIsMissing(): Promise<void> | undefined

  /** Everything in scope at and below `paths`, read now; parents before their children. */
  async walk(paths: readonly ZnodePath[]): Promise<Found<T>> {
    const { scope, goOn } = this.parts
    const found: Found<T> = new Map()
    const queue: ZnodePath[] = [...paths]
    const visit = async (path: ZnodePath): Promise<void> => {
      const isRoot = path === scope.root
      let mayHaveChildren = true
      if (scope.covers(path)) {
        const reading = await this.read(path, () => this.parts.dirty.take(path))
        found.set(path, reading)
        if (reading === undefined) {
          const pending = isRoot ? this.rootIsMissing() : undefined
          if (pending !== undefined) await pending
          return
        }
        mayHaveChildren = this.mayHaveChildren(reading)
      }
      if (!scope.coversChildrenOf(path) || !mayHaveChildren) return
      const names = await this.#readList(path)
      const pending = names === undefined && isRoot ? this.rootIsMissing() : undefined
      if (pending !== undefined) await pending
      for (const name of names ?? []) queue.push(joinPath(path, name))
    }
    while (queue.length > 0) {
      goOn()
      await Promise.all(queue.splice(0, readsAtOnce).map(visit))
    }
    return found
  }

  /** The names below a path. Where this client may not read them: the names known before, since each may still exist. */
  async #readList(path: ZnodePath): Promise<readonly string[] | undefined> {
    const { source, scope, view } = this.parts
    try {
      return await source.list(path, this.oneShots, () => {})
    } catch (error) {
      if (path === scope.root || !KeeperError.is(error, 'NO_AUTH')) throw error
      return [...view.children(path)].map(nodeName)
    }
  }

  protected async read(path: ZnodePath, onReply: (exists: boolean) => void): Promise<Reading<T> | undefined> {
    const { source, scope, view, codec } = this.parts
    let raw: RawZnode | undefined
    try {
      raw = await source.read(path, this.oneShots, onReply)
    } catch (error) {
      const isUnreadable = KeeperError.is(error, 'NO_AUTH') || KeeperError.is(error, 'FRAME_TOO_LARGE')
      if (path === scope.root || !isUnreadable) throw error
      // A request that is too large to be sent has no reply.
      if (error.outcome === 'not-sent') onReply(true)
      return { isReadable: false, stat: undefined, data: undefined, error }
    }
    if (raw === undefined) return undefined
    const { data, stat } = raw
    if (codec === undefined) return { isReadable: true, stat, value: data as T }
    // Delivered already, so no change follows from it and its data does not matter.
    if (view.isDelivered(path, stat) && !view.isUnreadable(path)) {
      return { isReadable: true, stat, value: undefined as T }
    }
    try {
      const decoded = codec.decode(data)
      return { isReadable: true, stat, value: isThenable(decoded) ? await decoded : decoded }
    } catch (error) {
      return { isReadable: false, stat, data, error }
    }
  }

  /** Changes are made only when everything is read: what is recorded as delivered must be delivered, even if a later read fails. */
  compare(path: ZnodePath, found: Found<T>, via: Via): WatchChange<T>[] {
    const { view } = this.parts
    const gone = [...view.paths()].filter((known) => isWithin(known, path) && found.get(known) === undefined)
    // Children before their parents, in the order in which a server deletes them.
    gone.sort((a, b) => b.length - a.length)
    const changes = gone.flatMap((known) => view.step(known, undefined, undefined, via))
    for (const [each, reading] of found) {
      if (reading !== undefined) changes.push(...view.step(each, reading, undefined, via))
    }
    return changes
  }
}
