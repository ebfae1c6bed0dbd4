/**
 * What a stream has delivered so far, and the changes from there to what was read now. Values in, changes out; it reads nothing.
 * The changes of a path form a chain: `previous` of one is the value of the one before, and no mzxid is delivered twice.
 */
import { parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'
import type { Via, WatchChange, ZnodeSnapshot } from './change.ts'

/** A znode as it was read: its value, or why there is none. */
export type Reading<T> = { readonly isReadable: true; readonly stat: ZnodeStat; readonly value: T } | Unreadable

interface Unreadable {
  readonly isReadable: false
  readonly stat: ZnodeStat | undefined
  /** The data, where it could be read but not decoded. */
  readonly data: Uint8Array | undefined
  readonly error: unknown
}

interface Known<T> {
  /** The Stat of the newest reading that had one. */
  stat: ZnodeStat | undefined
  /** The last good value. */
  snapshot: ZnodeSnapshot<T> | undefined
  isUnreadable: boolean
}

/** Events of a path since it was last read, none of them lost. */
export interface Heard {
  /** Writes, until the znode was deleted if it was. */
  readonly writes: number
  /** The zxid of the last event; -1n where the server sends none. */
  readonly zxid: bigint
}

export class View<T> {
  readonly #known = new Map<ZnodePath, Known<T>>()
  /** Known znodes by their parent. */
  readonly #below = new Map<ZnodePath, Set<ZnodePath>>()

  /** Everything up to this zxid was handled before this view began. */
  readonly #since: bigint | undefined

  constructor(since?: bigint) {
    this.#since = since
  }

  get size(): number {
    return this.#known.size
  }

  has(path: ZnodePath): boolean {
    return this.#known.has(path)
  }

  /** The Stat of the newest reading, undefined where there is none. */
  statOf(path: ZnodePath): ZnodeStat | undefined {
    return this.#known.get(path)?.stat
  }

  isUnreadable(path: ZnodePath): boolean {
    return this.#known.get(path)?.isUnreadable === true
  }

  /** Whether a reading with this Stat contains nothing new, so that its data need not be decoded. */
  isDelivered(path: ZnodePath, stat: ZnodeStat): boolean {
    const known = this.#known.get(path)
    return known?.stat?.mzxid === stat.mzxid && known.stat.czxid === stat.czxid
  }

  children(path: ZnodePath): ReadonlySet<ZnodePath> {
    return this.#below.get(path) ?? none
  }

  paths(): IterableIterator<ZnodePath> {
    return this.#known.keys()
  }

  /** The change to `reading`, recorded as delivered. `heard` is undefined where events may have been lost. */
  step(path: ZnodePath, reading: Reading<T> | undefined, heard: Heard | undefined, via: Via): WatchChange<T>[] {
    const known = this.#known.get(path)
    if (reading === undefined) return known === undefined ? [] : this.#delete(path, known, heard, via)
    const isSame =
      known !== undefined && (known.stat === undefined || reading.stat?.czxid === (known.stat as ZnodeStat).czxid)
    if (known !== undefined && !isSame && reading.stat !== undefined) {
      // Another znode under the same name. The last event's zxid need not be the zxid of the deletion.
      const ended = heard === undefined ? undefined : { writes: heard.writes, zxid: -1n }
      return [...this.#delete(path, known, ended, via), ...this.#create(path, reading, via)]
    }
    if (known === undefined) return this.#create(path, reading, via)
    if (!reading.isReadable) return this.#refuse(path, known, reading, via)
    return this.#change(path, known, reading, via)
  }

  #create(path: ZnodePath, reading: Reading<T>, via: Via): WatchChange<T>[] {
    const known: Known<T> = { stat: undefined, snapshot: undefined, isUnreadable: false }
    this.#known.set(path, known)
    if (path !== '/') {
      const parent = parentPath(path)
      const siblings = this.#below.get(parent)
      if (siblings === undefined) this.#below.set(parent, new Set([path]))
      else siblings.add(path)
    }
    if (!reading.isReadable) return this.#refuse(path, known, reading, via)
    return this.#first(path, known, reading, via)
  }

  /** The first value of a znode. */
  #first(path: ZnodePath, known: Known<T>, reading: ZnodeSnapshot<T>, via: Via): WatchChange<T>[] {
    const { stat, value } = reading
    known.stat = stat
    known.snapshot = { stat, value }
    known.isUnreadable = false
    // A znode that exists at the start has no missed writes. A znode that is created later counts its writes itself.
    const missed = via === 'snapshot' ? 0 : stat.version
    const isNews = this.#since !== undefined && stat.mzxid > this.#since
    return [
      {
        kind: 'created',
        path,
        value,
        stat,
        zxid: stat.mzxid,
        missed,
        via: via === 'snapshot' && isNews ? 'resync' : via,
      },
    ]
  }

  #change(path: ZnodePath, known: Known<T>, reading: ZnodeSnapshot<T>, via: Via): WatchChange<T>[] {
    const { stat, value } = reading
    if (known.snapshot === undefined) return this.#first(path, known, reading, via)
    const before = known.stat as ZnodeStat
    if (stat.mzxid === before.mzxid && !known.isUnreadable) return []
    const previous = known.snapshot
    // Versions wrap around at 2^31.
    const missed = Math.max(0, (stat.version - before.version - 1) | 0)
    known.stat = stat
    known.snapshot = { stat, value }
    known.isUnreadable = false
    // It became readable again without a write: what was delivered before is still right.
    if (stat.mzxid === previous.stat.mzxid) return []
    return [{ kind: 'changed', path, previous, value, stat, zxid: stat.mzxid, missed, via }]
  }

  #refuse(path: ZnodePath, known: Known<T>, reading: Unreadable, via: Via): WatchChange<T>[] {
    const { stat, data, error } = reading
    const isKnown = known.isUnreadable && (stat === undefined || stat.mzxid === known.stat?.mzxid)
    known.stat = stat ?? known.stat
    known.isUnreadable = true
    if (isKnown) return []
    return [{ kind: 'unreadable', path, error, data, stat, previous: known.snapshot, via }]
  }

  /** Everything known below goes first: a server does not delete a znode with children. */
  #delete(path: ZnodePath, known: Known<T>, heard: Heard | undefined, via: Via): WatchChange<T>[] {
    const changes: WatchChange<T>[] = []
    for (const child of [...this.children(path)]) {
      changes.push(...this.#delete(child, this.#known.get(child) as Known<T>, undefined, via))
    }
    this.#known.delete(path)
    if (path !== '/') {
      const parent = parentPath(path)
      const siblings = this.#below.get(parent)
      siblings?.delete(path)
      if (siblings?.size === 0) this.#below.delete(parent)
    }
    const missed = heard?.writes
    const zxid = heard !== undefined && heard.zxid > 0n ? heard.zxid : undefined
    changes.push({ kind: 'deleted', path, previous: known.snapshot, zxid, missed, via })
    return changes
  }
}

const none: ReadonlySet<ZnodePath> = new Set()
