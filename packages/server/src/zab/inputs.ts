/** The inputs of the machines. Each input is a fact: it has happened, and for disk work it is durable. */
import type { Notification, QuorumPacket } from '@lightkeeper/protocol'

export type PeerInput =
  | { readonly kind: 'timePassed' }
  | { readonly kind: 'notification'; readonly from: number; readonly notification: Notification }
  /** The dial of `attempt` has succeeded. */
  | { readonly kind: 'linkOpened'; readonly link: number; readonly attempt: number }
  | { readonly kind: 'dialFailed'; readonly attempt: number }
  /** Another server dialed the quorum port. */
  | { readonly kind: 'linkAccepted'; readonly link: number }
  | { readonly kind: 'linkClosed'; readonly link: number }
  | { readonly kind: 'packet'; readonly link: number; readonly packet: QuorumPacket }
  | DiskInput
  | { readonly kind: 'imageSent'; readonly link: number }
  /** A part of the image has come. */
  | { readonly kind: 'imageGrew'; readonly link: number }
  | { readonly kind: 'applied'; readonly zxid: bigint }
  /** The log has lost everything after `zxid`. */
  | { readonly kind: 'purged'; readonly zxid: bigint }
  /** Leading: the next transaction. */
  | { readonly kind: 'propose'; readonly zxid: bigint; readonly payload: Uint8Array }
  /** Leading: a sync of a learner's client, or of one of this server where `link` is undefined. */
  | { readonly kind: 'sync'; readonly link: number | undefined }
  /** Leading: the answer to REVALIDATE. */
  | { readonly kind: 'answer'; readonly link: number; readonly packet: QuorumPacket }
  /** Following or observing: REQUEST or REVALIDATE, for the leader. */
  | { readonly kind: 'forward'; readonly packet: QuorumPacket }

export type DiskInput =
  /** Everything appended up to `zxid` is durable. */
  | { readonly kind: 'durable'; readonly zxid: bigint }
  | { readonly kind: 'truncated'; readonly zxid: bigint }
  /** The log cannot be cut there, and is as before: this server needs a whole copy. What was appended meanwhile is dropped. */
  | { readonly kind: 'notTruncated' }
  | { readonly kind: 'epochsSaved' }
  /** The image is complete and in temporary files, not installed. */
  | { readonly kind: 'imageReceived'; readonly link: number; readonly zxid: bigint }
  /** The image and everything appended after it before `install` is durable. */
  | { readonly kind: 'installed' }
  /** A write failed. Nothing on this disk can be trusted before a restart. */
  | { readonly kind: 'logFailed' }

/** The content of a directory when the process starts. */
export interface Recovered {
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  /** The log has everything after this zxid; a snapshot includes everything before. */
  readonly base: bigint
  /** Records of the log, as ranges without a hole, in order. */
  readonly ranges: readonly { readonly from: bigint; readonly to: bigint }[]
  /**
   * Committed, as far as the directory shows: the newest snapshot. Ours have applied transactions only; one of Apache's may have
   * more (ZOOKEEPER-1549).
   */
  readonly committed: bigint
  /** `damaged`: something is missing. `fresh`: it is empty, and no file says that this is a new server. */
  readonly state: 'whole' | 'damaged' | 'fresh'
}

export interface ZabTimes {
  readonly tickMs: number
  /** Ticks to connect and to synchronize. */
  readonly initLimit: number
  /** Ticks of silence that end a link. */
  readonly syncLimit: number
  /** First wait for notifications; it doubles each time, up to the second. */
  readonly notificationMs: number
  readonly notificationMaxMs: number
  /** How long a better vote may still come after a quorum agrees. */
  readonly settleMs: number
}

export const defaultTimes: ZabTimes = {
  tickMs: 2000,
  initLimit: 10,
  syncLimit: 5,
  notificationMs: 200,
  notificationMaxMs: 2000,
  settleMs: 50,
}
