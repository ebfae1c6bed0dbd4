/** What a watch stream needs of the client, and how a session provides it: reads that leave watches, and watches on the server. */
import {
  KeeperError,
  keeperCodes,
  opCode,
  type Reader,
  type Writer,
  watcherType,
  type ZnodePath,
} from '@lightkeeper/protocol'
import type { Clock, Log, Random, TraceChannel } from '@lightkeeper/runtime'
import type { Chroot } from '../connect-string.ts'
import { setWatchesFrames } from '../session/rearm.ts'
import type { RequestSpec } from '../session/request.ts'
import type { Session } from '../session/session.ts'
import type { WatchCounters } from '../session/stats.ts'
import type { OneShotKind, PersistentMode, Watcher } from '../session/watch-registry.ts'
import { readZnodeStat, type ZnodeStat } from '../stat.ts'

export interface RawZnode {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
}

/**
 * All paths are the user's. `onReply` runs inside the protocol loop, at the reply's place among the events: the event of every
 * change that the reply shows has arrived, and no event of a later change.
 */
export interface WatchSource {
  /**
   * Undefined where the znode does not exist. With `watcher`, it leaves a one-shot watch on a znode that exists. A refused read also
   * counts as a reply of a znode that exists.
   */
  read(path: string, watcher: Watcher | undefined, onReply: (exists: boolean) => void): Promise<RawZnode | undefined>
  stat(path: string, onReply: (stat: ZnodeStat | undefined) => void): Promise<void>
  /** Names of the children; undefined where the znode does not exist. */
  list(
    path: string,
    watcher: Watcher | undefined,
    onReply: (exists: boolean) => void,
  ): Promise<readonly string[] | undefined>
  /** Leaves a one-shot watch for the creation of `path`. Returns false where it exists. */
  awaitCreation(path: string, watcher: Watcher): Promise<boolean>
  /** False where the server of the connection is known to have no persistent watches. */
  readonly isPersistentKnown: boolean
  /** Asks for a persistent watch. Returns false where the server has none. */
  arm(path: string, mode: PersistentMode, watcher: Watcher): Promise<boolean>
  disarm(path: string, mode: PersistentMode, watcher: Watcher): void
  /** Gives up every one-shot watch that only `watcher` waits for. */
  forget(watcher: Watcher): void
  /** Gets news of the connection. */
  listen(watcher: Watcher): void
  unlisten(watcher: Watcher): void
  toUser(path: string): ZnodePath
  readonly isConnected: boolean
  readonly lastZxid: bigint
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: WatchCounters
  /** Gets every change that is delivered. */
  readonly trace: TraceChannel
}

const empty = new Uint8Array(0)
const isMissing = (err: number): boolean => err === keeperCodes.NO_NODE.number
/** How many watches to remove at a time: each removal is a request. */
const removalsAtOnce = 64

export class SessionWatches implements WatchSource {
  readonly counters: WatchCounters = { events: 0, resyncs: 0, overflows: 0, audited: 0, healed: 0 }
  readonly #session: Session
  readonly #chroot: Chroot

  readonly trace: TraceChannel

  constructor(session: Session, chroot: Chroot) {
    this.#session = session
    this.trace = session.runtime.trace.channel('lightkeeper.watch')
    this.#chroot = chroot
  }

  get isConnected(): boolean {
    return this.#session.isServing
  }

  get lastZxid(): bigint {
    return this.#session.lastZxid
  }

  get clock(): Clock {
    return this.#session.runtime.clock
  }

  get random(): Random {
    return this.#session.runtime.random
  }

  get log(): Log {
    return this.#session.runtime.log
  }

  get isPersistentKnown(): boolean {
    return !this.#session.lacks(opCode.addWatch)
  }

  toUser(path: string): ZnodePath {
    return this.#chroot.toUser(path)
  }

  listen(watcher: Watcher): void {
    this.#session.watches.addWatcher(watcher)
  }

  unlisten(watcher: Watcher): void {
    this.#session.watches.removeWatcher(watcher)
  }

  // -- reads ----------------------------------------------------------------------------------------------------------

  read(path: string, watcher: Watcher | undefined, onReply: (exists: boolean) => void): Promise<RawZnode | undefined> {
    const decode = (reader: Reader): RawZnode => {
      onReply(true)
      const data = reader.bufferCopy() ?? empty
      return { data, stat: readZnodeStat(reader) }
    }
    const onMissing = (): void => onReply(false)
    return this.#read(opCode.getData, path, watcher, 'data', decode, onMissing, () => onReply(true))
  }

  async stat(path: string, onReply: (stat: ZnodeStat | undefined) => void): Promise<void> {
    const decode = (reader: Reader): void => onReply(readZnodeStat(reader))
    await this.#read(opCode.exists, path, undefined, 'data', decode, () => onReply(undefined))
  }

  list(
    path: string,
    watcher: Watcher | undefined,
    onReply: (exists: boolean) => void,
  ): Promise<readonly string[] | undefined> {
    const decode = (reader: Reader): readonly string[] => {
      onReply(true)
      return reader.vector(4, (each) => each.ustring() ?? '') ?? []
    }
    return this.#read(opCode.getChildren, path, watcher, 'children', decode, () => onReply(false))
  }

  awaitCreation(path: string, watcher: Watcher): Promise<boolean> {
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    const onError = (err: number): { value: boolean } | undefined => {
      if (!isMissing(err)) return undefined
      watches.addOneShot('exists', own, watcher)
      return { value: true }
    }
    const decode = (): boolean => {
      watches.addOneShot('data', own, watcher)
      return false
    }
    const encode = (writer: Writer): void => {
      writer.ustring(own)
      writer.boolean(true)
    }
    return this.#submit({ type: opCode.exists, operation: 'watch', path, encode, decode, onError })
  }

  #read<T>(
    type: number,
    path: string,
    watcher: Watcher | undefined,
    kind: OneShotKind,
    decode: (reader: Reader) => T,
    onMissing: () => void,
    onRefusal?: () => void,
  ): Promise<T | undefined> {
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    return this.#submit<T | undefined>({
      type,
      operation: 'watch',
      path,
      encode(writer) {
        writer.ustring(own)
        writer.boolean(watcher !== undefined)
      },
      decode(reader) {
        if (watcher !== undefined) watches.addOneShot(kind, own, watcher)
        return decode(reader)
      },
      onError(err) {
        if (!isMissing(err)) return undefined
        onMissing()
        return { value: undefined }
      },
      onRefusal,
    })
  }

  #submit<T>(spec: RequestSpec<T>): Promise<T> {
    return this.#session.submit(spec, undefined, undefined)
  }

  // -- watches of the server ------------------------------------------------------------------------------------------

  async arm(path: string, mode: PersistentMode, watcher: Watcher): Promise<boolean> {
    // A server that does not know a request closes the connection, so it is asked only once.
    if (!this.isPersistentKnown) return false
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    // Recorded before it is sent, so that no event, reconnect or one-shot watch is missed between the two.
    watches.addPersistent(mode, own, watcher)
    let isArmed = false
    try {
      isArmed = await this.#addWatch(own)
      return isArmed
    } finally {
      if (!isArmed) watches.removePersistent(mode, own, watcher)
    }
  }

  /**
   * Sends the widest mode of the path. Servers before 3.9 keep one mode for each path, the last one they got; a recursive watch
   * reports everything about the znode itself that a plain one does.
   */
  #addWatch(own: string): Promise<boolean> {
    const encode = (writer: Writer): void => {
      writer.ustring(own)
      writer.int(this.#session.watches.isPersistent(own, 'recursive') ? 1 : 0)
    }
    const decode = (): boolean => true
    const onError = (err: number): { value: boolean } | undefined =>
      err === keeperCodes.UNIMPLEMENTED.number ? { value: false } : undefined
    return this.#submit({ type: opCode.addWatch, operation: 'watch', path: this.toUser(own), encode, decode, onError })
  }

  disarm(path: string, mode: PersistentMode, watcher: Watcher): void {
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    if (!watches.removePersistent(mode, own, watcher) || !this.#session.isServing) return
    const type = mode === 'persistent' ? watcherType.persistent : watcherType.persistentRecursive
    // The watches that the wider mode replaced are registered before it is removed.
    if (mode === 'recursive' && watches.isPersistent(own)) void this.#addWatch(own).catch(ignore)
    // Servers before 3.9 do not know these two types, and "any" would remove a neighbour's watch too.
    void this.#removeWatches(own, type).catch((error: unknown) => {
      if (!KeeperError.is(error, 'MARSHALLING_ERROR') || watches.isWatched(own)) return
      void this.#removeWatches(own, watcherType.any).catch(ignore)
    })
    if (watches.isPersistent(own)) return
    // One-shot watches that it replaced are registered separately now; the server at once reports what has happened since.
    const { lastZxid, config } = this.#session
    for (const spec of setWatchesFrames(watches.dataWatchesAt(own), lastZxid, config.requestBytesMax)) {
      void this.#submit(spec).catch(ignore)
    }
  }

  forget(watcher: Watcher): void {
    const idle = this.#session.watches.removeOneShots(watcher)
    void this.#giveBack(idle).catch(ignore)
  }

  /** Gives up the watches of reads at `path`. Returns false where there are none. */
  async giveUp(path: string, kind: 'data' | 'children'): Promise<boolean> {
    const own = this.#chroot.toServer(path)
    const kinds: readonly OneShotKind[] = kind === 'children' ? ['children'] : ['data', 'exists']
    const ends = kinds.map((each) => ({ kind: each, path: own, end: this.#session.watches.giveUp(each, own) }))
    await this.#giveBack(ends.filter(({ end }) => end === 'idle'))
    return ends.some(({ end }) => end !== false)
  }

  async #giveBack(idle: readonly { readonly kind: OneShotKind; readonly path: string }[]): Promise<void> {
    const { watches } = this.#session
    for (let i = 0; i < idle.length && this.#session.isServing; i += removalsAtOnce) {
      const batch = idle.slice(i, i + removalsAtOnce).map(async ({ kind, path }) => {
        // Another watcher may have come meanwhile. Servers do not distinguish exists, data and persistent watches: removing ours could
        // remove theirs.
        if (watches.isOneShot(kind, path) || watches.isPersistent(path)) return
        const type = kind === 'children' ? watcherType.children : watcherType.data
        await this.#removeWatches(path, type).catch(ignore)
      })
      await Promise.all(batch)
    }
  }

  #removeWatches(own: string, type: number): Promise<void> {
    const encode = (writer: Writer): void => {
      writer.ustring(own)
      writer.int(type)
    }
    return this.#submit({ type: opCode.removeWatches, operation: 'unwatch', path: own, encode, decode() {} })
  }
}

function ignore(): void {}
