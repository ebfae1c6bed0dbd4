/** The orderer of a standalone server: it makes transactions itself, and each is committed when its own log has it durably. */
import { opCode, type Reader } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { Session } from '../session/session.ts'
import type { Applier } from './applier.ts'
import type { Caller } from './caller.ts'
import type { Entry, History } from './history.ts'
import type { Answers, Orderer } from './orderer.ts'
import type { Primary } from './primary.ts'
import type { Ticket } from './reply-queue.ts'

export class Standalone implements Orderer {
  readonly isReadOnly = false
  readonly #primary: Primary
  readonly #history: History
  readonly #applier: Applier
  readonly #answers: Answers
  readonly #clock: Clock

  constructor(primary: Primary, history: History, applier: Applier, answers: Answers, clock: Clock) {
    this.#primary = primary
    this.#history = history
    this.#applier = applier
    this.#answers = answers
    this.#clock = clock
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
    if (!this.#primary.awaitAll(ticket, this.#applier.lastZxid)) this.#answers.opened(ticket)
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

  /** The primary made a transaction. */
  ordered(entry: Entry): void {
    this.#applier.add(entry)
    this.#history.append(entry)
  }

  /** More is durable in the log, and so committed. */
  durable(): void {
    this.#applier.commit(this.#history.durableZxid)
    this.#applier.run()
  }

  /** The entry is applied: barriers that waited only for it are open. */
  applied({ header, txn }: Entry): void {
    const primary = this.#primary
    for (let next = primary.nextOpen(header.zxid); next !== undefined; next = primary.nextOpen(header.zxid)) {
      this.#answers.opened(next)
    }
    if (txn.type === opCode.closeSession) primary.sessions.remove(header.clientId)
  }

  /**
   * The log failed. What is durable in it is applied and answered. The fate of its last batch is unknown, so nothing of that batch
   * is acknowledged, and nothing more is made.
   */
  giveUp(): void {
    this.#applier.commit(this.#history.durableZxid)
    this.#applier.runToEnd()
    this.#primary.stop()
    const tickets = this.#applier.drop().flatMap(({ ticket }) => ticket ?? [])
    this.#answers.lost([...tickets, ...this.#primary.dropWaiting()])
  }
}
