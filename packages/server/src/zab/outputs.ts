/**
 * The requests of the machines. The driver executes them, in order for each link and for the disk, and reports the end of disk work
 * as an input. No call waits, and no call changes a machine.
 */
import type { Notification, QuorumPacket } from '@lightkeeper/protocol'

export type Role = 'following' | 'leading' | 'observing'

/**
 * Why a link is closed. `illegal` ends a link whose other end broke the protocol; the other reasons also happen to healthy servers.
 */
export interface CloseReason {
  readonly kind: 'illegal' | 'ahead' | 'behind' | 'silent' | 'late' | 'term over' | 'replaced' | 'rival' | 'unlisted'
  readonly text: string
}

/** How committed transactions go to a learner: PROPOSAL and COMMIT of each, or INFORM to an observer that is up. */
export type HistoryForm = 'pairs' | 'informs'

export interface PeerOutput {
  /** Sends to the election port of a server. A newer message may replace one that was not sent yet. */
  notify(sid: number, notification: Notification): void
  /** Opens or closes the quorum port. */
  listen(isOpen: boolean): void
  /** Dials the quorum port of `sid`. Answered by `linkOpened` or `dialFailed` with the same attempt. */
  dial(sid: number, attempt: number): void
  /** The same object goes to each link that gets the same packet. */
  send(link: number, packet: QuorumPacket): void
  /** Closes after everything earlier was sent. No event of this link is reported from now on. */
  close(link: number, why: CloseReason): void
  /** Makes both epochs durable. Answered by `epochsSaved`. */
  saveEpochs(accepted: number, current: number): void
  /** Appends to the log, or to the temporary log while an image is being received. `durable` answers it at some time. */
  append(zxid: bigint, payload: Uint8Array): void
  /** Removes everything after `zxid`. Answered by `truncated` or `notTruncated`. */
  truncate(zxid: bigint): void
  /** The bytes after the SNAP packet are an image at `zxid`. It goes to temporary files. Answered by `imageReceived`. */
  receiveImage(link: number, zxid: bigint): void
  /** Removes the temporary image and log. */
  discardImage(): void
  /** Replaces all older files by the image and the temporary log after it; completely or not at all. Answered by `installed`. */
  install(): void
  /**
   * Sends an image of the tree, which includes everything up to `zxid` and, since the tree changes during the walk, some later
   * effects. Answered by `imageSent` when the last byte is queued.
   */
  sendImage(link: number, zxid: bigint): void
  /** Sends the committed transactions in (`after`, `upTo`], in order, before later packets on this link. */
  sendHistory(link: number, after: bigint, upTo: bigint, form: HistoryForm): void
  /** Everything up to `zxid` is durable here and committed: apply it. Answered by `applied`. */
  commit(zxid: bigint): void
  /** Answers a PING with the sessions that were touched since the last PING. */
  answerPing(link: number, zxid: bigint): void
  /** Leading: REQUEST, REVALIDATE, and the touched sessions in PING. */
  fromLearner(link: number, sid: number, packet: QuorumPacket): void
  /** Leading: the oldest sync of a client of this server is answered, as soon as everything committed is applied. */
  synced(): void
  /** Following or observing: REVALIDATE and SYNC. */
  fromLeader(packet: QuorumPacket): void
  /** The term of this role begins: everything committed before is applied. */
  serve(role: Role, epoch: number): void
  /** The term has ended. */
  stopServing(why: string): void
  /** The driver sends `timePassed` at this time, or earlier. Replaces the earlier request. */
  wakeAt(time: number): void
}
