/**
 * The orderer of a member that leads: it makes transactions for its own clients and for those of its learners, and each is committed
 * when a quorum has it.
 */
import { type Clock, Deque } from '@lightkeeper/runtime'
import type { Applier } from './applier.ts'
import type { Caller } from './caller.ts'
import type { Entry } from './history.ts'
import type { Answers } from './orderer.ts'
import type { Primary } from './primary.ts'
import { PrimaryOrderer } from './primary-orderer.ts'
import type { Ticket } from './reply-queue.ts'

/** A sync, and the last transaction that was made before it. */
interface Barrier {
  readonly ticket: Ticket<Caller>
  readonly zxid: bigint
}

export class Leading extends PrimaryOrderer {
  readonly #confirm: () => void
  /** Syncs for which no quorum has confirmed yet that this server leads, oldest first. */
  readonly #unconfirmed = new Deque<Barrier>()
  /** Those that are confirmed and wait for a transaction to be applied, in the order of their zxids. */
  readonly #barriers = new Deque<Barrier>()
  /** Zxid of the last transaction that was made in this term, or in the tree before. */
  #orderedZxid: bigint

  /** `confirm` asks a quorum whether this server leads; `confirmed` is called once for each call, in their order. */
  constructor(primary: Primary, applier: Applier, answers: Answers, clock: Clock, confirm: () => void) {
    super(primary, applier, answers, clock)
    this.#confirm = confirm
    this.#orderedZxid = applier.lastZxid
  }

  sync(ticket: Ticket<Caller>): void {
    this.#unconfirmed.push({ ticket, zxid: this.#orderedZxid })
    this.#confirm()
  }

  /**
   * The oldest sync is confirmed. It waits for nothing that was made after it: a later write of the same client is answered behind it,
   * and its commit may be what confirms.
   */
  confirmed(): void {
    const barrier = this.#unconfirmed.shift()
    if (barrier === undefined) return
    if (barrier.zxid <= this.applier.lastZxid) this.answers.opened(barrier.ticket)
    else this.#barriers.push(barrier)
  }

  ordered(entry: Entry): void {
    this.#orderedZxid = entry.header.zxid
    this.applier.add(entry)
  }

  protected openBarriers(zxid: bigint): void {
    const barriers = this.#barriers
    for (let next = barriers.peek(); next !== undefined && next.zxid <= zxid; next = barriers.peek()) {
      barriers.shift()
      this.answers.opened(next.ticket)
    }
  }
}
