/** What a watch stream delivers. */
import type { ZnodePath } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'

/** What was delivered of a znode. */
export interface ZnodeSnapshot<T = Uint8Array> {
  readonly value: T
  readonly stat: ZnodeStat
}

/**
 * How a change was found: it was there at the start, an event reported it, it was seen after a reconnect, or the self-audit found
 * it, which means that an event was lost.
 */
export type Via = 'snapshot' | 'event' | 'resync' | 'audit'

interface Change {
  /** As the user names it, without the chroot. */
  readonly path: ZnodePath
  readonly via: Via
}

/** The znode is there, and was not before. */
export interface CreatedChange<T = Uint8Array> extends Change, ZnodeSnapshot<T> {
  readonly kind: 'created'
  /** Writes since its creation that were never seen; of one that is there at the start none counts as missed. Always exact. */
  readonly missed: number
  /** The newest write that is in `value`. */
  readonly zxid: bigint
}

/** The same znode holds other data. */
export interface ChangedChange<T = Uint8Array> extends Change, ZnodeSnapshot<T> {
  readonly kind: 'changed'
  /** What was delivered before of this znode. */
  readonly previous: ZnodeSnapshot<T>
  /** Writes between the two that were never seen; always exact. */
  readonly missed: number
  readonly zxid: bigint
}

/** The znode is gone. One that was deleted and made again between two readings is delivered as `deleted`, then `created`. */
export interface DeletedChange<T = Uint8Array> extends Change {
  readonly kind: 'deleted'
  /** Writes since the one delivered before that were never seen: exact, or undefined where events may have been lost. */
  readonly missed: number | undefined
  /** What was delivered before; undefined only where no value of it could ever be read. */
  readonly previous: ZnodeSnapshot<T> | undefined
  /** The zxid of the deletion, where it is known (servers from 3.9 on send it with the event). */
  readonly zxid: bigint | undefined
}

/**
 * The znode is there, and its value cannot be had: it may not be read (NO_AUTH), is too large, or the codec refuses its data.
 * The last good value stays what `previous` of the next change shows.
 */
export interface UnreadableChange<T = Uint8Array> extends Change {
  readonly kind: 'unreadable'
  readonly error: unknown
  /** The data the codec refused. */
  readonly data: Uint8Array | undefined
  readonly stat: ZnodeStat | undefined
  readonly previous: ZnodeSnapshot<T> | undefined
}

export type WatchChange<T = Uint8Array> =
  | CreatedChange<T>
  | ChangedChange<T>
  | DeletedChange<T>
  | UnreadableChange<T>
  /** What was delivered so far shows every transaction up to `zxid`. */
  | { readonly kind: 'ready'; readonly zxid: bigint }
  /** The connection was lost at `since`; the view may lag until the next `ready`. */
  | { readonly kind: 'stale'; readonly since: Date }
