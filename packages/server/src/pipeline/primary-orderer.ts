/** What every orderer that makes transactions itself has: it hands writes and sessions of this server's clients to its primary. */
import { opCode, type Reader } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { Session } from '../session/session.ts'
import type { Applier } from './applier.ts'
import type { Caller } from './caller.ts'
import type { Entry } from './history.ts'
import type { Answers, Orderer } from './orderer.ts'
import type { Primary } from './primary.ts'
import type { Ticket } from './reply-queue.ts'

export abstract class PrimaryOrderer implements Orderer {
  readonly isReadOnly = false
  protected readonly primary: Primary
  protected readonly applier: Applier
  protected readonly answers: Answers
  readonly #clock: Clock

  constructor(primary: Primary, applier: Applier, answers: Answers, clock: Clock) {
    this.primary = primary
    this.applier = applier
    this.answers = answers
    this.#clock = clock
  }

  // -- what the desk asks ---------------------------------------------------------------------------------------------

  write(ticket: Ticket<Caller>, session: Session, body: Reader): void {
    const { xid, type, caller } = ticket
    const err = this.primary.write(this, session, xid, type, body, caller.identities, ticket)
    if (err !== 0) this.answers.refused(ticket, err)
  }

  openSession(ticket: Ticket<Caller>, session: Session): void {
    this.primary.openSession(this, session, ticket)
  }

  closeSession(ticket: Ticket<Caller>, session: Session): void {
    this.primary.closeSession(session, ticket.xid, ticket)
  }

  abstract sync(ticket: Ticket<Caller>): void

  revalidate(id: bigint, timeoutMs: number, done: (session: Session | undefined) => void): void {
    const { sessions } = this.primary
    const session = sessions.get(id)
    done(sessions.takeOver(session, timeoutMs, this, this.#clock.now()) ? session : undefined)
  }

  touch(session: Session): void {
    this.primary.sessions.touch(session, this.#clock.now())
  }

  // -- what becomes of it ---------------------------------------------------------------------------------------------

  /** The primary made a transaction. */
  abstract ordered(entry: Entry): void

  /** The entry is applied. */
  applied({ header, txn }: Entry): void {
    this.openBarriers(header.zxid)
    if (txn.type === opCode.closeSession) this.primary.sessions.remove(header.clientId)
  }

  /** Answers the syncs that waited only for what is applied up to `zxid`. */
  protected abstract openBarriers(zxid: bigint): void
}
