/** Seam: a term of a member, as the driver sees it. Who orders the transactions is the replica's business. */
import type { QuorumPacket } from '@lightkeeper/protocol'
import type { Replica } from '../replica.ts'
import type { LoggedTxn } from '../storage/txn-codec.ts'

export interface MemberReplica extends Replica {
  /** Takes the next transaction of the log. It is applied when it is durable and committed. */
  learn(txn: LoggedTxn): void
  /** Everything up to `zxid` is durable and committed: it is applied. */
  commit(zxid: bigint): void
  /** SYNC or REVALIDATE from the leader. Returns what is wrong with it, or undefined. */
  answered(packet: QuorumPacket): string | undefined
  /** Ends the term: nothing is answered any more. Returns the transactions that are not in the tree yet. */
  stop(): LoggedTxn[]
}
