/**
 * When sessions expire; runs where transactions are made (SessionTrackerImpl.java). A session has a clock from the moment its
 * createSession is prepared until its closeSession is applied. Only the tree says which sessions exist. The clocks of all sessions stand
 * still while the server hears nobody. Apache's run on, and other threads read the pings that wait: after a standstill it is a race
 * whether those sessions end (observed with 3.8 and 3.9).
 */
import { ExpiryQueue } from '@lightkeeper/runtime'
import type { Session } from './session.ts'

export class SessionExpiry {
  readonly #sessions = new Map<bigint, Session>()
  readonly #queue: ExpiryQueue<Session>
  /** How long the clocks of sessions stood still, milliseconds. */
  #stoodStillMs = 0

  /** `tickMs` is the width of an expiry bucket, `now` monotonic milliseconds. */
  constructor(tickMs: number, now: number) {
    this.#queue = new ExpiryQueue(tickMs, now)
  }

  /** The session with this id while its clock runs, or while it is closing. */
  get(id: bigint): Session | undefined {
    return this.#sessions.get(id)
  }

  /** Starts the clock of a session: it lives for its timeout from `now`. */
  add(session: Session, now: number): void {
    this.#sessions.set(session.id, session)
    this.touch(session, now)
  }

  /** Lets the session live for its timeout from `now`. */
  touch(session: Session, now: number): void {
    if (!session.isClosing) this.#queue.touch(session, now - this.#stoodStillMs, session.timeoutMs)
  }

  /** The server could hear nobody for so long, milliseconds: every session lives so much longer. */
  stoodStill(ms: number): void {
    this.#stoodStillMs += ms
  }

  /** Whether the session lives. It has this timeout and belongs to `owner` from now on. */
  takeOver(session: Session | undefined, timeoutMs: number, owner: object, now: number): session is Session {
    if (session === undefined || session.isClosing) return false
    session.timeoutMs = timeoutMs
    session.owner = owner
    this.touch(session, now)
    return true
  }

  /** A closeSession is under way: no more requests, no more expiry. */
  beginClosing(session: Session): void {
    session.isClosing = true
    this.#queue.remove(session)
  }

  /** The session's closeSession is applied. */
  remove(id: bigint): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#queue.remove(session)
    this.#sessions.delete(id)
  }

  /** Sessions whose time has passed; they are now closing. */
  expire(now: number): Session[] {
    const due = this.#queue.expire(now - this.#stoodStillMs)
    for (const session of due) session.isClosing = true
    return due
  }

  /** Sessions by the time at which they expire, monotonic milliseconds, earliest first. */
  expiries(): [expiresAt: number, sessions: ReadonlySet<Session>][] {
    return this.#queue.buckets().map(([expiresAt, sessions]) => [expiresAt + this.#stoodStillMs, sessions])
  }

  /** The width of an expiry bucket, milliseconds. */
  get tickMs(): number {
    return this.#queue.tickMs
  }

  /** When to look for expired sessions again, monotonic milliseconds. */
  get nextExpiryAt(): number {
    return this.#queue.nextExpiryAt + this.#stoodStillMs
  }
}
