/**
 * What a leader sends in one turn to its learners of one kind. Nearly every packet goes to several of them, one after the other: its bytes
 * are made once, and a learner that gets all of them is sent this memory as it is.
 */
import { type QuorumPacket, Writer, writeQuorumPacket } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'

const writerBytes = 64 * 1024

export interface Sender {
  /** The turn ends. Returns false where bytes of the outbox are still needed. */
  flush(): boolean
}

/** Followers and observers get different packets: in one outbox, those of the others would stand between theirs. */
export class Outboxes {
  readonly followers: Outbox
  readonly observers: Outbox

  constructor(clock: Clock) {
    this.followers = new Outbox(clock)
    this.observers = new Outbox(clock)
  }
}

export class Outbox {
  readonly #clock: Clock
  readonly #writer = new Writer(writerBytes)
  #senders: Sender[] = []
  /** Who asked for something in this turn, and who did in an earlier one. */
  #asking: Sender | undefined
  #waiting: Sender | undefined
  #last: QuorumPacket | undefined
  #lastAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Where the last packet ends. */
  get end(): number {
    return this.#writer.length
  }

  /** Encodes the packet, if it is not the last one. Returns where its bytes begin; they end at `end`. */
  add(packet: QuorumPacket): number {
    if (packet !== this.#last) {
      this.#last = undefined
      this.#lastAt = this.#writer.length
      writeQuorumPacket(this.#writer, packet)
      this.#last = packet
    }
    return this.#lastAt
  }

  /** Bytes of this turn. They stay as they are if `flush` returns false. */
  bytes(from: number, to: number): Uint8Array {
    return this.#writer.bytes.subarray(from, to)
  }

  /**
   * A client waits at the other end of this sender. Where processors are few, the receiver of a write runs before the next write: in this
   * turn the others come first, who must answer, and in a later one this sender, who gets the outcome.
   */
  asked(sender: Sender): void {
    this.#asking = sender
  }

  /** The sender has added something: it is flushed at the end of the turn, once for each call. */
  flushLater(sender: Sender): void {
    if (this.#senders.length === 0) this.#clock.turnEnd(() => this.#flush())
    this.#senders.push(sender)
  }

  #flush(): void {
    const senders = this.#senders
    this.#senders = []
    if (this.#asking !== undefined) {
      this.#waiting = this.#asking
      this.#asking = undefined
      if (takenOut(senders, this.#waiting)) senders.push(this.#waiting)
    } else if (this.#waiting !== undefined && takenOut(senders, this.#waiting)) senders.unshift(this.#waiting)
    let isFree = true
    for (const sender of senders) isFree = sender.flush() && isFree
    this.#last = undefined
    if (isFree && this.#writer.bytes.length <= 16 * writerBytes) this.#writer.clear()
    else this.#writer.renew(writerBytes)
  }
}

/** Whether it was there. */
function takenOut(senders: Sender[], sender: Sender): boolean {
  const at = senders.indexOf(sender)
  if (at >= 0) senders.splice(at, 1)
  return at >= 0
}
