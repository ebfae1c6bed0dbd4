/**
 * Returns a client to where it should be after a failover. Without this, every client would stay where the last restart of a server
 * has put it, and one server would carry all clients. Waits until nothing holds the client and no request is under way.
 */
import type { Clock, Random, Timer } from '@lightkeeper/runtime'
import type { HostList } from '../host-list.ts'

/** While the client is held or busy, the move is tried again after this time, milliseconds. */
const retryMs = 1_000
/** Moves in vain double the time to the next one at most this often: each costs a connection that works. */
const doublingsMax = 4

export interface BalanceHost {
  readonly clock: Clock
  readonly random: Random
  readonly hosts: HostList
  /** The least time from a failover to a move, milliseconds; 0 means never. */
  readonly afterMs: number
  /** The server of the connection, or the last one chosen. */
  server(): string
  /** Whether there is a connection, ready or not. */
  isConnected(): boolean
  isServing(): boolean
  /** Whether requests are under way. */
  isBusy(): boolean
  /** Ends the connection; the next connection goes to `server`. */
  leaveFor(server: string): void
}

/** Made by `client.hold()`. Its disposal ends it. */
export interface Hold extends Disposable {
  /** The client may move to another server again. A second call does nothing. */
  close(): void
}

export class Balance {
  readonly #host: BalanceHost
  #holds = 0
  #timer: Timer | undefined
  /** The target of the next move; undefined means any server. */
  #moveTo: string | undefined
  /** The server that it has left its connection for. */
  #movingTo: string | undefined
  /** Moves in a row that ended on another server. */
  #movesInVain = 0
  /** The connection was lost, by a failure or by a voluntary move. */
  #hasFailedOver = false

  constructor(host: BalanceHost) {
    this.#host = host
  }

  /** Prevents voluntary moves until the result is closed. */
  hold(): Hold {
    let isHeld = true
    this.#holds++
    const close = (): void => {
      if (isHeld) this.#holds--
      isHeld = false
    }
    return { close, [Symbol.dispose]: close }
  }

  /** A connection that was ready is lost. */
  lost(): void {
    this.#hasFailedOver = true
    this.#moveTo = undefined
    this.stop()
  }

  /**
   * A connection is ready. After a failover a move is due between once and twice the time from now, so that clients do not all move
   * at the same moment. A move that ended on another server is tried again, each time after twice as long.
   */
  connected(): void {
    const { random } = this.#host
    const isThere = this.#host.server() === this.#movingTo
    if (this.#hasFailedOver && !isThere) {
      this.stop()
      this.#movesInVain = this.#movingTo === undefined ? 0 : Math.min(doublingsMax, this.#movesInVain + 1)
      const afterMs = this.#host.afterMs * 2 ** this.#movesInVain
      if (afterMs > 0) this.#moveIn(afterMs + random.below(Math.max(1, Math.floor(afterMs))))
    }
    this.#hasFailedOver = false
    this.#movingTo = undefined
  }

  /** Replaces the list of servers. A client that should be on another server moves when no request is under way. */
  replaceServers(servers: readonly string[]): void {
    const { hosts, random } = this.#host
    const current = this.#host.server()
    const before = hosts.servers
    hosts.replace(servers)
    // A move that the list before called for.
    if (this.#moveTo !== undefined) this.stop()
    this.#moveTo = undefined
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
    this.#movingTo = to
    this.#host.leaveFor(to)
  }
}
