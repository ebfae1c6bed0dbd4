/** What a watch stream delivers. */
import type { ZnodePath } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'

/** What was delivered of a znode. */
export interface ZnodeSnapshot<T = Uint8Array> {
  /** The data of the znode, as the codec read it; bytes without a codec. */
  readonly value: T
  /** The Stat that was read together with the value. */
  readonly stat: ZnodeStat
}

/**
 * How a change was found: at the start, by an event, after a reconnect, or by the self-audit, which means that an event was lost.
 */
export type Via = 'snapshot' | 'event' | 'resync' | 'audit'

interface Change {
  /** The user's path, without the chroot. */
  readonly path: ZnodePath
  /** How the change was found. */
  readonly via: Via
}

/** The znode exists now, and did not before. */
export interface CreatedChange<T = Uint8Array> extends Change, ZnodeSnapshot<T> {
  readonly kind: 'created'
  /** Writes since its creation that the stream never saw; 0 for a znode that exists at the start. Always exact. */
  readonly missed: number
  /** The newest write that is in `value`. */
  readonly zxid: bigint
}

/** The same znode has new data. */
export interface ChangedChange<T = Uint8Array> extends Change, ZnodeSnapshot<T> {
  readonly kind: 'changed'
  /** What was delivered of this znode before. */
  readonly previous: ZnodeSnapshot<T>
  /** Writes between the two that the stream never saw; always exact. */
  readonly missed: number
  /** The zxid of the newest write that is in `value`. */
  readonly zxid: bigint
}

/** The znode is gone. A znode that was deleted and created again between two reads is delivered as `deleted`, then `created`. */
export interface DeletedChange<T = Uint8Array> extends Change {
  readonly kind: 'deleted'
  /** Writes after the last delivered one that the stream never saw: exact, or undefined where events may have been lost. */
  readonly missed: number | undefined
  /** What was delivered before; undefined only where its value could never be read. */
  readonly previous: ZnodeSnapshot<T> | undefined
  /** The zxid of the deletion, if it is known (servers from 3.9 on send it with the event). */
  readonly zxid: bigint | undefined
}

/**
 * The znode exists, but its value is not available: this client may not read it (NO_AUTH), it is too large, or the codec cannot
 * decode it. `previous` of the next change is still the last good value.
 */
export interface UnreadableChange<T = Uint8Array> extends Change {
  readonly kind: 'unreadable'
  /** Why it is not available: KeeperError NO_AUTH or FRAME_TOO_LARGE, or what the codec threw. */
  readonly error: unknown
  /** The data that the codec could not decode. */
  readonly data: Uint8Array | undefined
  /** The Stat that was read with `data`; undefined where the read failed. */
  readonly stat: ZnodeStat | undefined
  /** What was delivered last of this znode; undefined where no value could be read yet. */
  readonly previous: ZnodeSnapshot<T> | undefined
}

/** One entry of the stream of `watch`: what changed, or what is known about the stream itself. */
export type WatchChange<T = Uint8Array> =
  | CreatedChange<T>
  | ChangedChange<T>
  | DeletedChange<T>
  | UnreadableChange<T>
  /** Everything delivered so far includes every transaction up to `zxid`. */
  | { readonly kind: 'ready'; readonly zxid: bigint }
  /** The connection was lost at `since`; the view may lag until the next `ready`. */
  | { readonly kind: 'stale'; readonly since: Date }
