/**
 * How a learner gets what the leader has: only a table over zxids (`LearnerHandler.syncFollower`).
 *
 * It differs from Apache's where Apache's passes on a history with a hole. DIFF starts at a transaction that this log has and
 * continues from there, so no window and no file can leave one out (ZOOKEEPER-2418, 4352, 4925). TRUNC names a transaction of this
 * log (4882). In doubt it is SNAP.
 */
import { zxidCounter, zxidEpoch } from '@lightkeeper/protocol'
import type { HeldZxids } from './held-zxids.ts'

export type SyncPlan =
  /** The learner has a part of our history: it gets the rest. */
  | { readonly kind: 'diff'; readonly after: bigint }
  /** The learner must cut its log to `after`: it gets the rest. */
  | { readonly kind: 'trunc'; readonly after: bigint }
  | { readonly kind: 'snap' }

/**
 * @param learner zxid of ACKEPOCH; -1 from a learner that lost something.
 * @param last what the learner must have in the end: our last committed zxid, or our last one when we are about to lead.
 * @param knows whether this server was part of an epoch from its beginning on.
 */
export function planSync(learner: bigint, held: HeldZxids, last: bigint, knows: (epoch: number) => boolean): SyncPlan {
  if (learner < 0n) return { kind: 'snap' }
  if (learner <= last && held.has(learner)) return { kind: 'diff', after: learner }
  const below = held.atOrBelow(learner < last ? learner : last)
  if (below === undefined) return { kind: 'snap' }
  if (zxidCounter(learner) === 0) return fromStartOfEpoch(learner, below, knows)
  // Apache does the same. The uncommitted end of a log of any epoch follows the same history: its leader had a quorum.
  if (learner > last) return { kind: 'trunc', after: below }
  // The same epoch had the same leader, so the learner had our transaction before its own.
  if (zxidEpoch(learner) === zxidEpoch(below)) return { kind: 'trunc', after: below }
  return { kind: 'snap' }
}

/**
 * Counter 0 is no transaction. An Apache server reports this zxid when it has seen an epoch begin and nothing in it. It has the
 * initial history of that leader, which includes everything that we have of earlier epochs, if we know that epoch.
 */
function fromStartOfEpoch(learner: bigint, below: bigint, knows: (epoch: number) => boolean): SyncPlan {
  const epoch = zxidEpoch(learner)
  return epoch > 0 && knows(epoch) ? { kind: 'diff', after: below } : { kind: 'snap' }
}
