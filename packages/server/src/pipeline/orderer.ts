/** Seam: who puts transactions into their one order. The desk knows nothing else of it. */
import type { Reader } from '@lightkeeper/protocol'
import type { Session } from '../session/session.ts'
import type { Caller } from './caller.ts'
import type { Ticket } from './reply-queue.ts'

/**
 * Takes what changes something. Each ticket is answered once, perhaps before the call returns: by the commit of a transaction that
 * carries it, or by one of `Answers`, never by both. The desk queues a ticket before it hands it over, since the answer may come at
 * once.
 *
 * A ticket has caller, xid and opcode, so no call names them again; what a leader takes from other servers has no ticket and goes to
 * `Primary`, which takes values. Sessions are objects and not ids, since every request touches its session and must not look it up.
 */
export interface Orderer {
  /** Nothing is ordered: writes are refused, and a new session is one of this server alone. Does not change. */
  readonly isReadOnly: boolean
  /** `body` stands behind the request's header. Its bytes stay as they are, the reader is the desk's again. */
  write(ticket: Ticket<Caller>, session: Session, body: Reader): void
  /** The session was made for this by the desk. */
  openSession(ticket: Ticket<Caller>, session: Session): void
  /** Not called again for a session that is closing. */
  closeSession(ticket: Ticket<Caller>, session: Session): void
  /** Opened when everything that was ordered before it, by anyone, is applied here. */
  sync(ticket: Ticket<Caller>): void
  /** Calls `done` once, with the session if it lives: it has this timeout from then on and is served here. */
  revalidate(id: bigint, timeoutMs: number, done: (session: Session | undefined) => void): void
  /** The session's client was heard. */
  touch(session: Session): void
}

/** How an orderer answers where no commit does. */
export interface Answers {
  /** The barrier is open, or the session is there without a transaction. */
  opened(ticket: Ticket<Caller>): void
  /** The request is answered with this error number. */
  refused(ticket: Ticket<Caller>, err: number): void
  /** No answer would be true for these: their connections are closed, which says just that. */
  lost(tickets: readonly Ticket<Caller>[]): void
}
