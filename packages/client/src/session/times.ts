/**
 * When to ping, when to give a connection up, when a session is gone: decided from times alone. `now` is monotonic
 * milliseconds. Performs nothing; session.ts and watchdog.ts do.
 */
import { attemptMsMax, type Haste } from './pace.ts'

/**
 * What a lease ends before the session may: followers pass on that a client lives only with the leader's pings, every half
 * tick, so one that dies behind its answer can cost that much (LearnerSessionTracker.java). A tick of 2 s by default.
 */
const leaseMarginMsMin = 2_000

/** Longest silence towards a server, whatever the timeout: 10 s (ClientCnxn.java, MAX_SEND_PING_INTERVAL). */
const pingMsMax = 10_000

export class SessionTimes {
  /** Negotiated, or requested while there is no session yet. */
  timeoutMs: number
  #lastSend = 0
  #lastReceive = 0
  #connectDeadline = Number.POSITIVE_INFINITY
  #isConnected = false
  /** Somebody else sends the pings. */
  #isKeptAlive = false
  /** When a server was last heard of in this session. */
  #lastContact: number | undefined
  /** When the latest request was sent that a server has answered: until the timeout after it the session lives. */
  #confirmed: number | undefined

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs
  }

  /** An attempt begins, which covers the handshake. `withinMs` is the time for all servers where the caller has less than a session. */
  dialing(now: number, servers: number, withinMs: number = Number.POSITIVE_INFINITY): void {
    this.#isConnected = false
    const haste = this.haste(now, servers)
    this.#connectDeadline = now + Math.min(withinMs / haste.servers, attemptMsMax(haste))
  }

  /** How much time there is to find a server. */
  haste(now: number, servers: number): Haste {
    const end = this.#confirmed === undefined ? undefined : this.#confirmed + this.timeoutMs
    const leftMs = end === undefined || end <= now ? undefined : end - now
    return { timeoutMs: this.timeoutMs, leftMs, servers: Math.max(1, servers) }
  }

  established(now: number, timeoutMs: number, isKeptAlive = false): void {
    this.timeoutMs = timeoutMs
    this.#isConnected = true
    this.#isKeptAlive = isKeptAlive
    this.#connectDeadline = Number.POSITIVE_INFINITY
    this.#lastSend = now
    this.#lastReceive = now
    this.#lastContact = now
  }

  /** A request or ping sent at `at` was answered. */
  confirmed(at: number): void {
    if (this.#confirmed === undefined || at > this.#confirmed) this.#confirmed = at
  }

  /**
   * Until when this session certainly lives, as monotonic milliseconds; undefined where there is none. Short timeouts have no
   * room for the whole margin, and keep half of the timeout.
   */
  leaseEnd(): number | undefined {
    if (this.#confirmed === undefined) return undefined
    const margin = Math.min(this.timeoutMs / 2, Math.max(leaseMarginMsMin, this.timeoutMs / 6))
    return this.#confirmed + this.timeoutMs - margin
  }

  /** When a server was last heard of in this session. */
  get lastContact(): number | undefined {
    return this.#lastContact
  }

  sent(now: number): void {
    this.#lastSend = now
  }

  received(now: number): void {
    this.#lastReceive = now
    if (this.#isConnected) this.#lastContact = now
  }

  disconnected(): void {
    this.#isConnected = false
    this.#connectDeadline = Number.POSITIVE_INFINITY
  }

  forgetSession(timeoutMs: number): void {
    this.#lastContact = undefined
    this.#confirmed = undefined
    this.timeoutMs = timeoutMs
  }

  /** Nothing received for two thirds of the timeout, or a handshake that does not come: the server is taken for dead. */
  isServerSilent(now: number): boolean {
    if (!this.#isConnected) return now >= this.#connectDeadline
    return now - this.#lastReceive >= (this.timeoutMs * 2) / 3
  }

  /** Pings go by the time since the last send: received bytes must not put them off, a server counts only what we send. */
  isPingDue(now: number): boolean {
    return this.#isConnected && !this.#isKeptAlive && now - this.#lastSend >= this.pingMs
  }

  /** No server heard of for 4/3 of the timeout: every server has expired the session by then (3.9.3 does the same). */
  isSessionLost(now: number): boolean {
    return !this.#isConnected && this.#lastContact !== undefined && now - this.#lastContact >= (this.timeoutMs * 4) / 3
  }

  /** When to look again. */
  nextCheckAt(): number {
    if (this.#isConnected) {
      const pingAt = this.#isKeptAlive ? Number.POSITIVE_INFINITY : this.#lastSend + this.pingMs
      return Math.min(pingAt, this.#lastReceive + (this.timeoutMs * 2) / 3)
    }
    const lost =
      this.#lastContact === undefined ? Number.POSITIVE_INFINITY : this.#lastContact + (this.timeoutMs * 4) / 3
    return Math.min(this.#connectDeadline, lost)
  }

  /** Time without a request after which a ping is due. */
  get pingMs(): number {
    return Math.min(this.timeoutMs / 3, pingMsMax)
  }
}
