/** Order and equality of votes (FastLeaderElection). */
import { type Notification, noVote } from '@lightkeeper/protocol'

export interface Vote {
  /** sid of the server that should lead. */
  readonly leader: number
  /** Last zxid in the log of that server. */
  readonly zxid: bigint
  /** Current epoch of that server. */
  readonly peerEpoch: number
}

/** The vote of a server that takes no part. */
export const emptyVote: Vote = { leader: noVote, zxid: -(2n ** 63n), peerEpoch: noVote }

/** The zxid in the vote of a server that lost something, or may have: its vote must not count. */
export const incomplete = -1n

/**
 * The more recent history wins: epoch first, since a longer log of an older epoch may include transactions that were never
 * committed. The sid makes the order total. A server without weight never wins.
 */
export function isBetter(vote: Vote, than: Vote, weightOf: (sid: number) => number): boolean {
  if (weightOf(vote.leader) === 0) return false
  if (vote.peerEpoch !== than.peerEpoch) return vote.peerEpoch > than.peerEpoch
  if (vote.zxid !== than.zxid) return vote.zxid > than.zxid
  return vote.leader > than.leader
}

/** Among servers that look for a leader: the same vote in the same round. */
export function isSameVote(a: Notification, b: Notification): boolean {
  return a.leader === b.leader && a.round === b.round && a.zxid === b.zxid && a.peerEpoch === b.peerEpoch
}

/**
 * Among servers that have a leader: the rounds and zxids of their votes come from different elections (ZOOKEEPER-1732, 1805) and
 * mean nothing; all servers that followed the same leader into the same epoch agree.
 */
export function isSameLeader(a: Notification, b: Notification): boolean {
  return a.leader === b.leader && a.peerEpoch === b.peerEpoch
}
