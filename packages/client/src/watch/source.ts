/** What a watch stream needs of the client, and how a session gives it: reads that leave watches, and the watches of a server. */
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
import type { OneShotKind, PersistentMode, WatchListener } from '../session/watch-registry.ts'
import { readZnodeStat, type ZnodeStat } from '../stat.ts'

export interface RawZnode {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
}

/**
 * All paths are the user's. `onReply` runs inside the protocol loop, at the place of the reply among the events: every event
 * of a change that the reply shows has been heard by then, and none of a later one.
 */
export interface WatchSource {
  /** Undefined where the znode does not exist. With `user`, leaves a one-shot watch on one that does. */
  read(path: string, user: WatchListener | undefined, onReply: (exists: boolean) => void): Promise<RawZnode | undefined>
  stat(path: string, onReply: (stat: ZnodeStat | undefined) => void): Promise<void>
  /** Names of the children, undefined where the znode does not exist. */
  list(
    path: string,
    user: WatchListener | undefined,
    onReply: (exists: boolean) => void,
  ): Promise<readonly string[] | undefined>
  /** Leaves a one-shot watch for the creation of `path`. False where it exists. */
  awaitCreation(path: string, user: WatchListener): Promise<boolean>
  /** False where the server connected to is known to have no persistent watches. */
  readonly isPersistentKnown: boolean
  /** Asks for a persistent watch. False where the server has none. */
  arm(path: string, mode: PersistentMode, listener: WatchListener): Promise<boolean>
  disarm(path: string, mode: PersistentMode, listener: WatchListener): void
  /** Gives back every one-shot watch that only `user` waits for. */
  forget(user: WatchListener): void
  /** Hears of the connection. */
  listen(listener: WatchListener): void
  unlisten(listener: WatchListener): void
  toUser(path: string): ZnodePath
  readonly isConnected: boolean
  readonly lastZxid: bigint
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: WatchCounters
  /** Hears of every change that is delivered. */
  readonly trace: TraceChannel
}

const empty = new Uint8Array(0)
const isMissing = (err: number): boolean => err === keeperCodes.NO_NODE.number
/** Watches given back at a time: each is a request of its own. */
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

  listen(listener: WatchListener): void {
    this.#session.watches.addListener(listener)
  }

  unlisten(listener: WatchListener): void {
    this.#session.watches.removeListener(listener)
  }

  // -- reads ----------------------------------------------------------------------------------------------------------

  read(
    path: string,
    user: WatchListener | undefined,
    onReply: (exists: boolean) => void,
  ): Promise<RawZnode | undefined> {
    const decode = (reader: Reader): RawZnode => {
      onReply(true)
      const data = reader.bufferCopy() ?? empty
      return { data, stat: readZnodeStat(reader) }
    }
    return this.#read(opCode.getData, path, user, 'data', decode, () => onReply(false))
  }

  async stat(path: string, onReply: (stat: ZnodeStat | undefined) => void): Promise<void> {
    const decode = (reader: Reader): void => onReply(readZnodeStat(reader))
    await this.#read(opCode.exists, path, undefined, 'data', decode, () => onReply(undefined))
  }

  list(
    path: string,
    user: WatchListener | undefined,
    onReply: (exists: boolean) => void,
  ): Promise<readonly string[] | undefined> {
    const decode = (reader: Reader): readonly string[] => {
      onReply(true)
      return reader.vector(4, (each) => each.ustring() ?? '') ?? []
    }
    return this.#read(opCode.getChildren, path, user, 'children', decode, () => onReply(false))
  }

  awaitCreation(path: string, user: WatchListener): Promise<boolean> {
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    const onError = (err: number): { value: boolean } | undefined => {
      if (!isMissing(err)) return undefined
      watches.addOneShot('exists', own, user)
      return { value: true }
    }
    const decode = (): boolean => {
      watches.addOneShot('data', own, user)
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
    user: WatchListener | undefined,
    kind: OneShotKind,
    decode: (reader: Reader) => T,
    onMissing: () => void,
  ): Promise<T | undefined> {
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    return this.#submit<T | undefined>({
      type,
      operation: 'watch',
      path,
      encode(writer) {
        writer.ustring(own)
        writer.boolean(user !== undefined)
      },
      decode(reader) {
        if (user !== undefined) watches.addOneShot(kind, own, user)
        return decode(reader)
      },
      onError(err) {
        if (!isMissing(err)) return undefined
        onMissing()
        return { value: undefined }
      },
    })
  }

  #submit<T>(spec: RequestSpec<T>): Promise<T> {
    return this.#session.submit(spec, undefined, undefined)
  }

  // -- watches of the server ------------------------------------------------------------------------------------------

  async arm(path: string, mode: PersistentMode, listener: WatchListener): Promise<boolean> {
    // A server that does not know a request closes the connection over it: it is asked once.
    if (!this.isPersistentKnown) return false
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    // Noted before it is sent, so that no event, no reconnect and no one-shot watch falls between the two.
    watches.addPersistent(mode, own, listener)
    let isArmed = false
    try {
      isArmed = await this.#addWatch(own)
      return isArmed
    } finally {
      if (!isArmed) watches.removePersistent(mode, own, listener)
    }
  }

  /**
   * Sends the widest mode held at the path. Servers before 3.9 keep one mode a path, the last one asked for, and the recursive
   * one reports all that the other does about the znode itself.
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

  disarm(path: string, mode: PersistentMode, listener: WatchListener): void {
    const own = this.#chroot.toServer(path)
    const { watches } = this.#session
    if (!watches.removePersistent(mode, own, listener) || !this.#session.isServing) return
    const type = mode === 'persistent' ? watcherType.persistent : watcherType.persistentRecursive
    // What the wider mode stood in for takes its place before it goes.
    if (mode === 'recursive' && watches.isPersistent(own)) void this.#addWatch(own).catch(ignore)
    // Servers before 3.9 do not know these two types, and "any" would remove a neighbour's watch too.
    void this.#removeWatches(own, type).catch((error: unknown) => {
      if (!KeeperError.is(error, 'MARSHALLING_ERROR') || watches.isWatched(own)) return
      void this.#removeWatches(own, watcherType.any).catch(ignore)
    })
    if (watches.isPersistent(own)) return
    // One-shot watches it stood in for are registered on their own now; the server reports at once what happened since.
    for (const spec of setWatchesFrames(watches.dataWatchesAt(own), this.#session.lastZxid)) {
      void this.#submit(spec).catch(ignore)
    }
  }

  forget(user: WatchListener): void {
    const idle = this.#session.watches.removeOneShots(user)
    void this.#giveBack(idle).catch(ignore)
  }

  async #giveBack(idle: readonly { readonly kind: OneShotKind; readonly path: string }[]): Promise<void> {
    const { watches } = this.#session
    for (let i = 0; i < idle.length && this.#session.isServing; i += removalsAtOnce) {
      const batch = idle.slice(i, i + removalsAtOnce).map(async ({ kind, path }) => {
        // Another user may have come meanwhile. Servers do not tell exists, data and persistent watches apart: removing ours could remove
        // theirs.
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
