/** The sessions of a server: who lives, until when, through which connection (SessionTrackerImpl.java). */
import { ExpiryQueue } from '@lightkeeper/runtime'
import type { SessionKeys } from './session-keys.ts'

/** Numbers of sessions: 40 bits, 34 years of milliseconds. */
const numbers = 2 ** 40

export class Session<C> {
  readonly id: bigint
  /** Negotiated, in milliseconds; a reconnect may change it. */
  timeoutMs: number
  /** Closing sessions accept no more requests; their ephemerals are about to go. */
  isClosing = false
  /** The connection that speaks for the session now. */
  connection: C | undefined

  constructor(id: bigint, timeoutMs: number) {
    this.id = id
    this.timeoutMs = timeoutMs
  }
}

export class SessionTable<C> {
  readonly #sessions = new Map<bigint, Session<C>>()
  readonly #expiry: ExpiryQueue<Session<C>>
  readonly #keys: SessionKeys
  readonly #serverId: number
  #nextNumber: number

  /** `tickMs` is the width of an expiry bucket, `wall` milliseconds since 1970, `serverId` 1 … 126: ids are above 0. */
  constructor(tickMs: number, now: number, wall: number, serverId: number, keys: SessionKeys) {
    this.#expiry = new ExpiryQueue(tickMs, now)
    this.#keys = keys
    this.#serverId = serverId
    // Wall time, since a monotonic clock repeats numbers after a reboot. A server opens fewer than one session a millisecond.
    this.#nextNumber = Math.floor(wall) % numbers
  }

  get size(): number {
    return this.#sessions.size
  }

  get(id: bigint): Session<C> | undefined {
    return this.#sessions.get(id)
  }

  values(): IterableIterator<Session<C>> {
    return this.#sessions.values()
  }

  /** An id no session here has. */
  newId(): bigint {
    for (;;) {
      const id = this.#keys.idOf(this.#serverId, this.#nextNumber)
      this.#nextNumber = (this.#nextNumber + 1) % numbers
      if (!this.#sessions.has(id)) return id
    }
  }

  add(id: bigint, timeoutMs: number, now: number): Session<C> {
    const session = new Session<C>(id, timeoutMs)
    this.#sessions.set(id, session)
    this.touch(session, now)
    return session
  }

  /** Lets the session live for its timeout from `now`. */
  touch(session: Session<C>, now: number): void {
    if (!session.isClosing) this.#expiry.touch(session, now, session.timeoutMs)
  }

  /** No more requests, no more expiry: a closeSession is on its way. */
  beginClosing(session: Session<C>): void {
    session.isClosing = true
    this.#expiry.remove(session)
  }

  remove(id: bigint): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#expiry.remove(session)
    this.#sessions.delete(id)
  }

  /** Sessions whose time is up, now closing. */
  expire(now: number): Session<C>[] {
    const due = this.#expiry.expire(now)
    for (const session of due) session.isClosing = true
    return due
  }

  /** Sessions by the time at which they expire, monotonic milliseconds, earliest first. */
  expiries(): [expiresAt: number, sessions: ReadonlySet<Session<C>>][] {
    return this.#expiry.buckets()
  }

  /** When to look for expired sessions next, monotonic milliseconds. */
  get nextExpiryAt(): number {
    return this.#expiry.nextExpiryAt
  }
}
