/** The sessions of a server: who lives, until when, through which connection (SessionTrackerImpl.java). */
import { sessionPassword } from '@lightkeeper/protocol'
import { ExpiryQueue } from '@lightkeeper/runtime'

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
  #nextId: bigint

  /** `tickMs` is the width of an expiry bucket, `wall` milliseconds since 1970, `serverId` 1 … 254. */
  constructor(tickMs: number, now: number, wall: number, serverId: number) {
    this.#expiry = new ExpiryQueue(tickMs, now)
    // One byte of server id, five of time, two of counter. Wall time, since a monotonic clock repeats ids after a reboot.
    const time = BigInt.asUintN(64, BigInt(Math.floor(wall)) << 24n) >> 8n
    this.#nextId = BigInt.asIntN(64, (BigInt(serverId) << 56n) | (time & 0x00ff_ffff_ffff_ffffn))
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
    while (this.#sessions.has(this.#nextId)) this.#nextId++
    return this.#nextId++
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

  /** When to look for expired sessions next, monotonic milliseconds. */
  get nextExpiryAt(): number {
    return this.#expiry.nextExpiryAt
  }
}

/** Compares in a time that does not depend on where the first difference is. */
export function isPasswordOf(sessionId: bigint, password: Uint8Array | null): boolean {
  const expected = sessionPassword(sessionId)
  if (password === null || password.length !== expected.length) return false
  let difference = 0
  for (let i = 0; i < expected.length; i++) difference |= (expected[i] as number) ^ (password[i] as number)
  return difference === 0
}
