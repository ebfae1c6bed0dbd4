/** A leader's view of one learner: how far it is, what it was sent, when it was last heard. */
import type { QuorumPacketName } from '@lightkeeper/protocol'

/**
 * connected: its FOLLOWERINFO is awaited. informed: it waits for our epoch. offered: its ACKEPOCH is awaited. ready: it waits for the
 * quorum of ACKEPOCHs. imaging: an image is on its way to it. synchronizing: NEWLEADER is sent, its ACK is awaited. acknowledged: it waits
 * for the quorum of those. up: it gets everything as it happens.
 */
export type ProgressState =
  | 'connected'
  | 'informed'
  | 'offered'
  | 'ready'
  | 'imaging'
  | 'synchronizing'
  | 'acknowledged'
  | 'up'

const nothing = {
  connected: false,
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
  // Learners of 3.5.10 to 3.9.1 acknowledge transactions of the synchronization too, before NEWLEADER or behind it (ZOOKEEPER-4685).
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

export class Progress {
  readonly link: number
  /** Undefined until it says who it is. */
  sid: number | undefined
  isObserver = false
  /** Its acknowledgements count. */
  isVoter = false
  state: ProgressState = 'connected'
  /** When it was last heard, or when it was last its turn. */
  heardAt: number
  /** Its last zxid, from ACKEPOCH on; -1 if it lost something. */
  zxid = 0n
  /** The last transaction that it was sent. Nothing above it can be acknowledged. */
  sentTo = 0n
  /** A proposal that it has not acknowledged, and since when: the oldest, or one sent after that was looked at last. */
  #unacknowledged: { readonly zxid: bigint; readonly since: number } | undefined

  constructor(link: number, now: number) {
    this.link = link
    this.heardAt = now
  }

  allows(type: QuorumPacketName): boolean {
    return legal[type][this.state]
  }

  /** Whether it is its turn: its silence counts then. */
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

  /** Since when a proposal waits for its acknowledgement. */
  get waitingSince(): number {
    return this.#unacknowledged?.since ?? Number.POSITIVE_INFINITY
  }
}
