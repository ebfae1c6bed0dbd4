/** What can be recognised in a tree: a lock, a queue, a service; who holds it, and who waits. */
import type { ZnodePath } from '@lightkeeper/client'

export type StructureKind =
  | 'lock'
  | 'read-write lock'
  | 'semaphore'
  | 'lease'
  | 'election'
  | 'queue'
  | 'priority queue'
  | 'delay queue'
  | 'double barrier'
  | 'partitioner'
  | 'service'
  | 'group'

/** The library whose names the znodes have. Our recipes use Curator's names by default, so `curator` means both. */
export type Layout = 'apache' | 'curator' | 'dubbo' | 'go-zk' | 'kazoo' | 'lightkeeper'

/** A client that holds something, or waits for it, as its znode shows it. */
export interface Party {
  /** The znode by which it holds or waits. */
  readonly path: ZnodePath
  /** The session that owns the znode; 0n where the znode is not ephemeral. */
  readonly session: bigint
  /** When the znode was created, by the server's clock: for a lock, since when it has been in line. */
  readonly since: Date
  /** The data, where it is text: an address or an identifier. */
  readonly id: string | undefined
  /** The data of this znode. */
  readonly data: Uint8Array
  /** The side of a read-write lock. */
  readonly side?: 'read' | 'write'
  /** The items that it has from a partitioner, or the item that it has claimed from a queue. */
  readonly item?: string
}

export interface Waiter extends Party {
  /** The znodes that must go before its turn; none where the znodes do not show it. */
  readonly behind: readonly ZnodePath[]
  /** Whether all of `behind` must go, or only one of them. */
  readonly needs: 'all' | 'any'
}

export interface Structure {
  /** What has been recognised. */
  readonly kind: StructureKind
  /** The znode of the structure. */
  readonly path: ZnodePath
  /** More than one where programs with different libraries use the same path. */
  readonly layouts: readonly Layout[]
  /** Those that hold a lock or a lease, lead, are inside a barrier, work on an item, or are members or instances. */
  readonly holders: readonly Party[]
  /** Those that wait, in the order of their turns. */
  readonly waiters: readonly Waiter[]
  /** The number of leases of a semaphore, where its znodes show it. */
  readonly capacity?: number
  /** Items of a queue, including claimed ones. */
  readonly items?: number
  /** Notes for readers of the result. */
  readonly notes: readonly string[]
}
