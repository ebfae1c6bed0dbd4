/**
 * What the machines ask for. The driver performs it, in the order asked for each link and for the disk, and reports the end of disk work
 * as an input. No call waits, and no call changes a machine.
 */
import type { Notification, QuorumPacket } from '@lightkeeper/protocol'

export type Role = 'following' | 'leading' | 'observing'

/** Why a link is closed. `illegal` ends a link whose other end broke the protocol; all others happen to healthy servers. */
export interface CloseReason {
  readonly kind: 'illegal' | 'ahead' | 'behind' | 'silent' | 'late' | 'term over' | 'replaced' | 'unlisted'
  readonly text: string
}

/** How committed transactions go to a learner: PROPOSAL and COMMIT of each, or INFORM to an observer that is up. */
export type HistoryForm = 'pairs' | 'informs'

export interface PeerOutput {
  /** Sends to the election port of a server. A newer message may replace one that has not left. */
  notify(sid: number, notification: Notification): void
  /** Opens or closes the quorum port. */
  listen(isOpen: boolean): void
  /** Dials the quorum port of `sid`. Answered by `linkOpened` or `dialFailed` with the same attempt. */
  dial(sid: number, attempt: number): void
  send(link: number, packet: QuorumPacket): void
  /** Closes behind what was sent before. Nothing is reported of this link from now on. */
  close(link: number, why: CloseReason): void
  /** Makes both epochs durable. Answered by `epochsSaved`. */
  saveEpochs(accepted: number, current: number): void
  /** Appends to the log, or to the temporary log while an image is being received. Answered, sooner or later, by `durable`. */
  append(zxid: bigint, payload: Uint8Array): void
  /** Removes everything behind `zxid`. Answered by `truncated`. */
  truncate(zxid: bigint): void
  /** The bytes behind the SNAP packet are an image at `zxid`. It goes to temporary files. Answered by `imageReceived`. */
  receiveImage(link: number, zxid: bigint): void
  /** Removes the temporary image and log. */
  discardImage(): void
  /** Puts the image, and the temporary log behind it, in the place of all older files; whole or not at all. Answered by `installed`. */
  install(): void
  /**
   * Sends an image of the tree, which has everything up to `zxid` and, since it goes on while it is walked, effects of what comes behind.
   * Answered by `imageSent` when the last byte is queued.
   */
  sendImage(link: number, zxid: bigint): void
  /** Sends the committed transactions in (`after`, `upTo`], in order, before what is sent later on this link. */
  sendHistory(link: number, after: bigint, upTo: bigint, form: HistoryForm): void
  /** Everything up to `zxid` is durable here and committed: apply it. Answered by `applied`. */
  commit(zxid: bigint): void
  /** Answers a PING with the sessions that were touched since the last one. */
  answerPing(link: number, zxid: bigint): void
  /** Leading: REQUEST, REVALIDATE and the touches of PING. */
  fromLearner(link: number, sid: number, packet: QuorumPacket): void
  /** Following or observing: REVALIDATE and SYNC. */
  fromLeader(packet: QuorumPacket): void
  /** The term of this role begins: everything committed before is applied. */
  serve(role: Role, epoch: number): void
  /** The term is over. */
  stopServing(why: string): void
  /** The driver sends `timePassed` at this time, or earlier. Replaces what was asked before. */
  wakeAt(time: number): void
}
