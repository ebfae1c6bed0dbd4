/** What words, pages and metrics show of an ensemble through one of its members. */
import type { SizeRange } from './stats.ts'

/** A member, as its line names it. */
export interface MemberView {
  readonly sid: number
  readonly hosts: readonly string[]
  /** `host:port` each. */
  readonly quorumAddresses: readonly string[]
  readonly electionAddresses: readonly string[]
  /** `host:port` for clients; undefined where the line has none. */
  readonly clientAddress: string | undefined
}

export interface EnsembleView {
  readonly own: MemberView
  /** The leader, this server or another one; undefined while there is none. */
  readonly leader: MemberView | undefined
  readonly voters: readonly MemberView[]
  /** Several have `|` between them. */
  readonly electionPort: string
  readonly quorumPort: string
  /** The lines of all members, as /zookeeper/config has them. */
  readonly text: string
}

/** A server that follows this one. */
export interface LearnerView {
  readonly sid: number
  /** `host:port` of its connection. */
  readonly remote: string
  readonly isObserver: boolean
  /** Its acknowledgements count. */
  readonly isVoter: boolean
  /** It gets everything as it happens. */
  readonly isUp: boolean
  /** Milliseconds since 1970. */
  readonly establishedAt: number
  readonly queuedPackets: number
  readonly queuedBytes: number
  readonly received: number
  readonly sent: number
  readonly requests: number
  /** The last transaction that was sent to it. */
  readonly lastZxid: bigint
}

/** What a leader alone knows. */
export interface LeadershipView {
  readonly learners: readonly LearnerView[]
  /** Syncs that are not answered yet. */
  readonly pendingSyncs: number
  /** When the term began, monotonic milliseconds. */
  readonly since: number
  /** Bytes of proposals. */
  readonly proposalSizes: SizeRange
}

export function hasVote({ own, voters }: EnsembleView): boolean {
  return voters.some(({ sid }) => sid === own.sid)
}
