/**
 * The orderer of a server that cannot order anything, because its log failed. Reads are served, and sessions do not expire any
 * more. New sessions exist only on this server, for clients that accept that.
 */
import { keeperCodes } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { SessionExpiry } from '../session/expiry.ts'
import type { Session } from '../session/session.ts'
import type { Caller } from './caller.ts'
import type { Answers, Orderer } from './orderer.ts'
import type { Ticket } from './reply-queue.ts'

const notReadOnly = keeperCodes.NOT_READ_ONLY.number

export class Nobody implements Orderer {
  readonly isReadOnly = true
  readonly #sessions: SessionExpiry
  readonly #answers: Answers
  readonly #clock: Clock

  /** `sessions` are the sessions known until now; their clocks have stopped. */
  constructor(sessions: SessionExpiry, answers: Answers, clock: Clock) {
    this.#sessions = sessions
    this.#answers = answers
    this.#clock = clock
  }

  write(ticket: Ticket<Caller>): void {
    this.#answers.refused(ticket, notReadOnly)
  }

  /** A sync promises that no earlier write becomes visible later, but the failed log may still hold some. */
  sync(ticket: Ticket<Caller>): void {
    this.#answers.refused(ticket, notReadOnly)
  }

  openSession(ticket: Ticket<Caller>, session: Session): void {
    this.#sessions.add(session, this.#clock.now())
    this.#answers.opened(ticket)
  }

  closeSession(ticket: Ticket<Caller>): void {
    this.#answers.lost([ticket])
  }

  revalidate(id: bigint, timeoutMs: number, done: (session: Session | undefined) => void): void {
    const session = this.#sessions.get(id)
    done(this.#sessions.takeOver(session, timeoutMs, this, this.#clock.now()) ? session : undefined)
  }

  touch(session: Session): void {
    this.#sessions.touch(session, this.#clock.now())
  }
}
