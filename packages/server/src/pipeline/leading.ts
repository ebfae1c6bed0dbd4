/**
 * The orderer of a member that leads: it makes transactions itself, for its own clients and for those of its learners, and each is
 * committed when a quorum has it.
 */
import { opCode, type Reader } from '@lightkeeper/protocol'
import { type Clock, Deque } from '@lightkeeper/runtime'
import type { Session } from '../session/session.ts'
import type { Applier } from './applier.ts'
import type { Caller } from './caller.ts'
import type { Entry } from './history.ts'
import type { Answers, Orderer } from './orderer.ts'
import type { Primary } from './primary.ts'
import type { Ticket } from './reply-queue.ts'

/** A sync, and the last transaction that was made before it. */
interface Barrier {
  readonly ticket: Ticket<Caller>
  readonly zxid: bigint
}

export class Leading implements Orderer {
  readonly isReadOnly = false
  readonly #primary: Primary
  readonly #applier: Applier
  readonly #answers: Answers
  readonly #clock: Clock
  readonly #confirm: () => void
  /** Syncs for which no quorum has confirmed yet that this server leads, oldest first. */
  readonly #unconfirmed = new Deque<Barrier>()
  /** Those that are confirmed and wait for a transaction to be applied, in the order of their zxids. */
  readonly #barriers = new Deque<Barrier>()
  /** Zxid of the last transaction that was made in this term, or in the tree before. */
  #orderedZxid: bigint

  /** `confirm` asks a quorum whether this server leads; `confirmed` is called once for each call, in their order. */
  constructor(primary: Primary, applier: Applier, answers: Answers, clock: Clock, confirm: () => void) {
    this.#primary = primary
    this.#applier = applier
    this.#answers = answers
    this.#clock = clock
    this.#confirm = confirm
    this.#orderedZxid = applier.lastZxid
  }

  // -- what the desk asks ---------------------------------------------------------------------------------------------

  write(ticket: Ticket<Caller>, session: Session, body: Reader): void {
    const { xid, type, caller } = ticket
    const err = this.#primary.write(this, session, xid, type, body, caller.identities, ticket)
    if (err !== 0) this.#answers.refused(ticket, err)
  }

  openSession(ticket: Ticket<Caller>, session: Session): void {
    this.#primary.openSession(this, session, ticket)
  }

  closeSession(ticket: Ticket<Caller>, session: Session): void {
    this.#primary.closeSession(session, ticket.xid, ticket)
  }

  sync(ticket: Ticket<Caller>): void {
    this.#unconfirmed.push({ ticket, zxid: this.#orderedZxid })
    this.#confirm()
  }

  revalidate(id: bigint, timeoutMs: number, done: (session: Session | undefined) => void): void {
    const { sessions } = this.#primary
    const session = sessions.get(id)
    done(sessions.takeOver(session, timeoutMs, this, this.#clock.now()) ? session : undefined)
  }

  touch(session: Session): void {
    this.#primary.sessions.touch(session, this.#clock.now())
  }

  // -- what becomes of it ---------------------------------------------------------------------------------------------

  /**
   * The oldest sync is confirmed. It waits for nothing that was made after it: a later write of the same client is answered behind it,
   * and its commit may be what confirms.
   */
  confirmed(): void {
    const barrier = this.#unconfirmed.shift()
    if (barrier === undefined) return
    if (barrier.zxid <= this.#applier.lastZxid) this.#answers.opened(barrier.ticket)
    else this.#barriers.push(barrier)
  }

  /** The primary made a transaction. */
  ordered(entry: Entry): void {
    this.#orderedZxid = entry.header.zxid
    this.#applier.add(entry)
  }

  /** The entry is applied: barriers that waited only for it are open. */
  applied({ header, txn }: Entry): void {
    const barriers = this.#barriers
    for (let next = barriers.peek(); next !== undefined && next.zxid <= header.zxid; next = barriers.peek()) {
      barriers.shift()
      this.#answers.opened(next.ticket)
    }
    if (txn.type === opCode.closeSession) this.#primary.sessions.remove(header.clientId)
  }
}
