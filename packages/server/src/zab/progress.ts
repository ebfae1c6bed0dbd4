/** A leader's view of one learner: its state, what was sent to it, and when it was last heard. */
import type { QuorumPacket, QuorumPacketName } from '@lightkeeper/protocol'
import type { ZabTimes } from './inputs.ts'

/**
 * connected: the leader waits for its FOLLOWERINFO. rival: it says that it is a learner that is there already; the leader asks that one
 * whether it lives. informed: it waits for our epoch. offered: the leader waits for its ACKEPOCH.
 * ready: it waits for the quorum of ACKEPOCHs. imaging: an image is under way to it. synchronizing: NEWLEADER is sent, the leader
 * waits for its ACK. acknowledged: it waits for the quorum of those. up: it gets everything as it happens.
 */
export type ProgressState =
  | 'connected'
  | 'rival'
  | 'informed'
  | 'offered'
  | 'ready'
  | 'imaging'
  | 'synchronizing'
  | 'acknowledged'
  | 'up'

const nothing = {
  connected: false,
  rival: false,
  informed: false,
  offered: false,
  ready: false,
  imaging: false,
  synchronizing: false,
  acknowledged: false,
  up: false,
} as const

/** What a learner may send, and when. */
const legal: Readonly<Record<QuorumPacketName, Readonly<Record<ProgressState, boolean>>>> = {
  FOLLOWERINFO: { ...nothing, connected: true },
  OBSERVERINFO: { ...nothing, connected: true },
  ACKEPOCH: { ...nothing, offered: true },
  // Learners of 3.5.10 to 3.9.1 also acknowledge transactions of the synchronization, before or after NEWLEADER (ZOOKEEPER-4685).
  ACK: { ...nothing, imaging: true, synchronizing: true, acknowledged: true, up: true },
  PING: { ...nothing, acknowledged: true, up: true },
  REQUEST: { ...nothing, up: true },
  REVALIDATE: { ...nothing, up: true },
  LEADERINFO: nothing,
  DIFF: nothing,
  TRUNC: nothing,
  SNAP: nothing,
  NEWLEADER: nothing,
  UPTODATE: nothing,
  PROPOSAL: nothing,
  COMMIT: nothing,
  COMMITANDACTIVATE: nothing,
  INFORM: nothing,
  INFORMANDACTIVATE: nothing,
  SYNC: nothing,
}

/** A connection in the name of a learner that is there already. */
export interface Rival {
  readonly learner: Progress
  readonly sid: number
  /** What it said. */
  readonly info: QuorumPacket
  /** The zxid of the PING that the learner that is there must answer. What it sent before says nothing. */
  readonly mark: bigint
  /** When that PING was sent, monotonic milliseconds; undefined while it was not. */
  askedAt: number | undefined
}

export class Progress {
  readonly link: number
  /** Undefined until it has named itself. */
  sid: number | undefined
  isObserver = false
  /** Its acknowledgements count. */
  isVoter = false
  state: ProgressState = 'connected'
  /** When it was last heard, or last had to answer. */
  heardAt: number
  /** Its last zxid, from ACKEPOCH on; -1 if it lost something. */
  zxid = 0n
  /** The last transaction that was sent to it. It cannot acknowledge anything above. */
  sentTo = 0n
  /** Another connection in the name of this learner. */
  rival: Rival | undefined
  /** The newest round of PINGs that it has answered. */
  answeredRound = 0
  /** A proposal that it has not acknowledged, and since when: the oldest one, or one that was sent after the last check. */
  #unacknowledged: { readonly zxid: bigint; readonly since: number } | undefined

  constructor(link: number, now: number) {
    this.link = link
    this.heardAt = now
  }

  allows(type: QuorumPacketName): boolean {
    return legal[type][this.state]
  }

  /** Whether it has to answer: then its silence counts. */
  get isAwaited(): boolean {
    return this.state !== 'informed' && this.state !== 'ready' && this.state !== 'imaging'
  }

  get hasAcknowledged(): boolean {
    return this.state === 'acknowledged' || this.state === 'up'
  }

  enter(state: ProgressState, now: number): void {
    this.state = state
    this.heardAt = now
  }

  proposed(zxid: bigint, now: number): void {
    this.sentTo = zxid
    if (!this.isObserver) this.#unacknowledged ??= { zxid, since: now }
  }

  acknowledged(zxid: bigint, now: number): void {
    if (this.#unacknowledged === undefined || zxid < this.#unacknowledged.zxid) return
    this.#unacknowledged = zxid < this.sentTo ? { zxid: this.sentTo, since: now } : undefined
  }

  /** Since when a proposal has waited for its acknowledgement. */
  get waitingSince(): number {
    return this.#unacknowledged?.since ?? Number.POSITIVE_INFINITY
  }

  /** When its silence ends the link. A learner of Apache answers no PING before UPTODATE, for which the others may let it wait. */
  silentAt({ initLimit, syncLimit, tickMs }: ZabTimes): number {
    if (!this.isAwaited) return Number.POSITIVE_INFINITY
    return this.heardAt + (this.state === 'up' ? syncLimit : initLimit) * tickMs
  }

  /** Why it is too late; undefined while it is not. */
  lateness(now: number, times: ZabTimes): string | undefined {
    if (now >= this.silentAt(times)) return `no word from server ${this.sid ?? 'of no name'} for too long`
    if (now - this.waitingSince > times.syncLimit * times.tickMs)
      return `server ${this.sid} does not acknowledge a proposal`
    return undefined
  }
}
