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

export class Leading implements Orderer {
  readonly isReadOnly = false
  readonly #primary: Primary
  readonly #applier: Applier
  readonly #answers: Answers
  readonly #clock: Clock
  readonly #confirm: () => void
  /** Syncs for which no quorum has confirmed yet that this server leads, oldest first. */
  readonly #unconfirmed = new Deque<Ticket<Caller>>()
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
    this.#unconfirmed.push(ticket)
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

  /** The oldest sync is confirmed. What was ordered until now is applied before it is answered. */
  confirmed(): void {
    const ticket = this.#unconfirmed.shift()
    if (ticket === undefined) return
    const { lastZxid } = this.#applier
    if (this.#orderedZxid === lastZxid || !this.#primary.awaitAll(ticket, lastZxid)) this.#answers.opened(ticket)
  }

  /** The primary made a transaction. */
  ordered(entry: Entry): void {
    this.#orderedZxid = entry.header.zxid
    this.#applier.add(entry)
  }

  /** The entry is applied: barriers that waited only for it are open. */
  applied({ header, txn }: Entry): void {
    const primary = this.#primary
    for (let next = primary.nextOpen(header.zxid); next !== undefined; next = primary.nextOpen(header.zxid)) {
      this.#answers.opened(next)
    }
    if (txn.type === opCode.closeSession) primary.sessions.remove(header.clientId)
  }
}
