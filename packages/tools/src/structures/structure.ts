/** What is recognised in a tree: a lock, a queue, a service; who holds it, and who waits. */
import type { ZnodePath } from '@lightkeeper/client'

export type StructureKind =
  | 'lock'
  | 'read-write lock'
  | 'semaphore'
  | 'election'
  | 'queue'
  | 'priority queue'
  | 'delay queue'
  | 'double barrier'
  | 'partitioner'
  | 'service'
  | 'group'

/** Whose names the znodes have. Ours are Curator's unless a program asks for others, so `curator` stands for both. */
export type Layout = 'apache' | 'curator' | 'dubbo' | 'go-zk' | 'kazoo' | 'lightkeeper'

/** One who holds something, or waits for it, as its znode shows it. */
export interface Party {
  readonly path: ZnodePath
  /** The session that owns the znode; 0n where the znode is not ephemeral. */
  readonly session: bigint
  /** When the znode was made, by the server's clock: for a lock, since when it stands in line. */
  readonly since: Date
  /** What it says of itself, where that is text: an address or an identifier. */
  readonly id: string | undefined
  readonly data: Uint8Array
  /** The side of a read-write lock. */
  readonly side?: 'read' | 'write'
  /** The part it holds of a partitioner, or the item it has claimed of a queue. */
  readonly item?: string
}

export interface Waiter extends Party {
  /** The znodes that must go before it is its turn; none where the znodes do not tell. */
  readonly behind: readonly ZnodePath[]
  /** Whether all of `behind` must go, or any one of them. */
  readonly needs: 'all' | 'any'
}

export interface Structure {
  readonly kind: StructureKind
  readonly path: ZnodePath
  /** More than one where programs of different libraries meet at one path. */
  readonly layouts: readonly Layout[]
  /** Who holds a lock or a lease, leads, is inside of a barrier, works on an item, is a member or an instance. */
  readonly holders: readonly Party[]
  /** Who waits, in the order in which their turn comes. */
  readonly waiters: readonly Waiter[]
  /** How many may hold a semaphore, where its znodes say so. */
  readonly capacity?: number
  /** Items of a queue, the claimed ones included. */
  readonly items?: number
  /** What a reader should know before relying on the rest. */
  readonly notes: readonly string[]
}
