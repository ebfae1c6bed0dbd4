/**
 * The orderer of a member that has no leader and serves reads (ReadOnlyZooKeeperServer.java). Sessions exist here alone, for clients that
 * accept that; a client with a session of the ensemble is sent away without an answer, since nobody here knows whether it lives.
 */
import { keeperCodes } from '@lightkeeper/protocol'
import type { Session } from '../session/session.ts'
import type { Caller } from './caller.ts'
import type { Answers, Orderer } from './orderer.ts'
import type { Ticket } from './reply-queue.ts'

const notReadOnly = keeperCodes.NOT_READ_ONLY.number

export class Looking implements Orderer {
  readonly isReadOnly = true
  readonly #answers: Answers

  constructor(answers: Answers) {
    this.#answers = answers
  }

  write(ticket: Ticket<Caller>): void {
    this.#answers.refused(ticket, notReadOnly)
  }

  /** It would promise that no earlier write becomes visible later. */
  sync(ticket: Ticket<Caller>): void {
    this.#answers.refused(ticket, notReadOnly)
  }

  openSession(ticket: Ticket<Caller>): void {
    this.#answers.opened(ticket)
  }

  closeSession(ticket: Ticket<Caller>): void {
    this.#answers.lost([ticket])
  }

  revalidate(_id: bigint, _timeoutMs: number, done: (session: Session | 'unknown') => void): void {
    done('unknown')
  }

  touch(): void {}
}
