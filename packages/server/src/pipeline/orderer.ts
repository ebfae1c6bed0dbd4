/** Seam: what puts transactions into one order. The desk knows nothing else about it. */
import type { Reader } from '@lightkeeper/protocol'
import type { Session } from '../session/session.ts'
import type { Caller } from './caller.ts'
import type { Ticket } from './reply-queue.ts'

/**
 * Takes everything that changes something. Each ticket is answered exactly once: by the commit of a transaction that carries it, or
 * by one of `Answers`. The answer may come before the call returns, so the desk queues a ticket before it passes it on.
 *
 * A ticket has caller, xid and opcode, so no call repeats them. What a leader takes from other servers has no ticket and goes to
 * `Primary`, which takes values. Sessions are objects, not ids, since every request touches its session and must not look it up.
 */
export interface Orderer {
  /** Nothing is ordered: writes are refused, and a new session exists only on this server. Does not change. */
  readonly isReadOnly: boolean
  /** Requests that another server has and that have no answer, of a member that passes them on. Absent where nothing is passed on. */
  readonly forwarded?: { readonly requests: number; readonly bytes: number }
  /** `body` is at the end of the request's header. Its bytes do not change; the desk uses the reader again. */
  write(ticket: Ticket<Caller>, session: Session, body: Reader): void
  /** The desk made the session for this call. */
  openSession(ticket: Ticket<Caller>, session: Session): void
  /** Not called for a session that is closing already. */
  closeSession(ticket: Ticket<Caller>, session: Session): void
  /** Opened when everything that was ordered before it, by any client, is applied here. */
  sync(ticket: Ticket<Caller>): void
  /**
   * Calls `done` once, with the session if it lives: from then on it has this timeout and is served here. `unknown`: nobody here can say
   * whether it lives.
   */
  revalidate(id: bigint, timeoutMs: number, done: (session: Session | 'unknown' | undefined) => void): void
  /** The client of the session has sent something. */
  touch(session: Session): void
}

/** The answers of an orderer, in addition to commits. */
export interface Answers {
  /** The barrier is open, or the session exists without a transaction. */
  opened(ticket: Ticket<Caller>): void
  /** The request is answered with this error number. */
  refused(ticket: Ticket<Caller>, err: number): void
  /** No answer would be true for these, so their connections are closed, which says just that. */
  lost(tickets: readonly Ticket<Caller>[]): void
}
