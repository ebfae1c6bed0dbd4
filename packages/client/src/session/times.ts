/**
 * When to ping, when to give a connection up, when a session is gone; decided only from times. `now` is monotonic milliseconds.
 * Does nothing itself; session.ts and watchdog.ts act.
 */
import { attemptMsMax, type Haste } from './pace.ts'

/**
 * How much earlier than the session a lease ends. Followers report a client to the leader only with the leader's pings, every half
 * tick, so a follower that dies after its answer can cost that much (LearnerSessionTracker.java). The tick is 2 s by default.
 */
const leaseMarginMsMin = 2_000

/** The longest silence towards a server, for any timeout: 10 s (ClientCnxn.java, MAX_SEND_PING_INTERVAL). */
const pingMsMax = 10_000

export class SessionTimes {
  /** The negotiated timeout; the requested one while there is no session yet. */
  timeoutMs: number
  #lastSend = 0
  #lastReceive = 0
  #connectDeadline = Number.POSITIVE_INFINITY
  #isConnected = false
  /** A thread sends the pings. */
  #isKeptAlive = false
  /** When a server last answered in this session. */
  #lastContact: number | undefined
  /** When the latest answered request was sent: from then the session lives at least for its timeout. */
  #confirmed: number | undefined

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs
  }

  /**
   * An attempt begins; it includes the handshake. `withinMs` is the time for all servers, where the caller has less than a session.
   */
  dialing(now: number, servers: number, withinMs: number = Number.POSITIVE_INFINITY): void {
    this.#isConnected = false
    const haste = this.haste(now, servers)
    this.#connectDeadline = now + Math.min(withinMs / haste.servers, attemptMsMax(haste))
  }

  /** How long the search for a server may take. */
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

  /** A server answered a request or ping that was sent at `at`. */
  confirmed(at: number): void {
    if (this.#confirmed === undefined || at > this.#confirmed) this.#confirmed = at
  }

  /**
   * Until when this session certainly lives, in monotonic milliseconds; undefined where there is none. Short timeouts have no room
   * for the whole margin, so the margin is at most half of the timeout.
   */
  leaseEnd(): number | undefined {
    if (this.#confirmed === undefined) return undefined
    const margin = Math.min(this.timeoutMs / 2, Math.max(leaseMarginMsMin, this.timeoutMs / 6))
    return this.#confirmed + this.timeoutMs - margin
  }

  /** When a server last answered in this session. */
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

  /** No byte for two thirds of the timeout, or no handshake in time: the server is considered dead. */
  isServerSilent(now: number): boolean {
    if (!this.#isConnected) return now >= this.#connectDeadline
    return now - this.#lastReceive >= (this.timeoutMs * 2) / 3
  }

  /** Pings depend on the time since the last send, not on received bytes: a server counts only what we send. */
  isPingDue(now: number): boolean {
    return this.#isConnected && !this.#isKeptAlive && now - this.#lastSend >= this.pingMs
  }

  /** No server answered for 4/3 of the timeout: by then every server has expired the session (3.9.3 does the same). */
  isSessionLost(now: number): boolean {
    return !this.#isConnected && this.#lastContact !== undefined && now - this.#lastContact >= (this.timeoutMs * 4) / 3
  }

  /** When to check again. */
  nextCheckAt(): number {
    if (this.#isConnected) {
      const pingAt = this.#isKeptAlive ? Number.POSITIVE_INFINITY : this.#lastSend + this.pingMs
      return Math.min(pingAt, this.#lastReceive + (this.timeoutMs * 2) / 3)
    }
    const lost =
      this.#lastContact === undefined ? Number.POSITIVE_INFINITY : this.#lastContact + (this.timeoutMs * 4) / 3
    return Math.min(this.#connectDeadline, lost)
  }

  /** How long without a request until a ping is due. */
  get pingMs(): number {
    return Math.min(this.timeoutMs / 3, pingMsMax)
  }
}
