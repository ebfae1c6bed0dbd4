/**
 * Brings a client back to where it should be after a failover: without that, every client stays where the last restart of a
 * server has driven it, and one server carries them all. Waits until nothing holds it and nothing is on its way.
 */
import type { Clock, Random, Timer } from '@lightkeeper/runtime'
import type { HostList } from '../host-list.ts'

/** While held or busy, it is tried again after this time, milliseconds. */
const retryMs = 1_000

export interface BalanceHost {
  readonly clock: Clock
  readonly random: Random
  readonly hosts: HostList
  /** Milliseconds from a failover to a move, at least; 0 for never. */
  readonly afterMs: number
  /** The server connected to, or chosen last. */
  server(): string
  /** Whether there is a connection, serving or not. */
  isConnected(): boolean
  isServing(): boolean
  /** Whether requests are on their way. */
  isBusy(): boolean
  /** Ends the connection; the next one goes to `server`. */
  leaveFor(server: string): void
}

export class Balance {
  readonly #host: BalanceHost
  #holds = 0
  #timer: Timer | undefined
  /** Where the next move goes; undefined: wherever is fair. */
  #moveTo: string | undefined
  #isMoving = false
  /** The connection was lost, by itself or by a voluntary move. */
  #hasFailedOver = false

  constructor(host: BalanceHost) {
    this.#host = host
  }

  /** No voluntary move until the function returned is called. */
  hold(): () => void {
    let isHeld = true
    this.#holds++
    return () => {
      if (isHeld) this.#holds--
      isHeld = false
    }
  }

  /** A connection that served is lost. */
  lost(): void {
    this.#hasFailedOver = true
    this.stop()
  }

  /**
   * A connection serves. After a failover a move is due between once and twice the time from now, so that clients do not all go at
   * once.
   */
  connected(): void {
    const { afterMs, random } = this.#host
    if (this.#hasFailedOver && !this.#isMoving) {
      this.stop()
      if (afterMs > 0) this.#moveIn(afterMs + random.below(Math.max(1, Math.floor(afterMs))))
    }
    this.#hasFailedOver = false
    this.#isMoving = false
  }

  /** Other servers from now on; a client that should be elsewhere goes there when nothing is on its way. */
  replaceServers(servers: readonly string[]): void {
    const { hosts, random } = this.#host
    const current = this.#host.server()
    const before = hosts.servers
    hosts.replace(servers)
    const there = hosts.serverAfter(before, current)
    if (there === current || !this.#host.isConnected()) return
    this.#moveTo = there ?? hosts.fairServer(current)
    this.stop()
    this.#moveIn(random.below(retryMs))
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #moveIn(delayMs: number): void {
    this.#timer = this.#host.clock.after(delayMs, () => {
      if (this.#holds > 0 || this.#host.isBusy() || !this.#host.isServing()) this.#moveIn(retryMs)
      else this.#move()
    })
  }

  #move(): void {
    const { hosts } = this.#host
    const current = this.#host.server()
    const to = this.#moveTo ?? hosts.fairServer(current)
    this.#moveTo = undefined
    if (to === current) return
    hosts.tryFirst(to)
    this.#isMoving = true
    this.#host.leaveFor(to)
  }
}
