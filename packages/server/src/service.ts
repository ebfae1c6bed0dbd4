/** Seam: what decides who serves clients, and when. A server that stands alone serves from its start to its end; a member, in terms. */
import type { Runtime } from '@lightkeeper/runtime'
import type { Replica, ReplicaHouse } from './replica.ts'
import type { Storage } from './storage/storage.ts'

/** The listener of clients, as a service needs it. */
export interface Clients {
  /** Watch events of what was applied before wait to be sent. */
  readonly isBehind: boolean
  /** Another term begins, or none: connections end with the one they were served in. */
  serve(replica: Replica | undefined): void
}

export interface ServiceHouse extends ReplicaHouse {
  readonly runtime: Runtime
  readonly clients: Clients
  /** Undefined where data is in memory only. */
  readonly storage: Storage | undefined
  /** The server cannot continue. */
  failed(error: Error): void
}

export interface Service {
  /** Zxid of the last transaction in the tree. */
  readonly lastZxid: bigint
  /** Requests that are not answered yet. */
  readonly outstanding: number
  /** Why nothing is written any more; undefined while the log works. */
  readonly logFailure: Error | undefined
  /** Clients can connect from now on. Rejects where that is of no use. */
  start(): Promise<void>
  /** Ends the term: nothing is applied or answered any more. */
  stop(): Promise<void>
  /** Ends a session as if its timeout had passed. False where there is none. Absent where sessions belong to another server. */
  expireSession?(id: bigint): boolean
  /** Replaces all data by a snapshot, as a file holds it. Resolves to its zxid. @throws Error, with nothing changed in most cases. */
  restore(body: AsyncIterable<Uint8Array>): Promise<bigint>
}
