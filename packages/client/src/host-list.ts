/** Which server to try next, how long to wait before that, and which server a client should be on. */
import type { Random } from '@lightkeeper/runtime'

export interface Backoff {
  /** Upper bound of the first waits, milliseconds. */
  readonly baseMs: number
  /** Upper bound of every wait, milliseconds. */
  readonly maxMs: number
}

/**
 * The bound of a wait, as a part of all waits since the last success. So a server that was away is found again after a time that is short
 * beside the time it was away: after an election of 100 ms as well as after a restart of ten seconds.
 */
const partOfWaited = 1 / 2

/**
 * Goes through a list that is shuffled once, so that many clients spread over the servers; preferred servers come first. The first
 * attempt has no wait. Each later wait is a random part of a bound (full jitter), and the bound grows with what was waited, until
 * an attempt succeeds.
 */
export class HostList {
  #servers: readonly string[] = []
  readonly #isPreferred: (server: string) => boolean
  readonly #random: Random
  readonly #backoff: Backoff
  #next = 0
  /** The next attempt has no wait. */
  #isFirst = true
  /** The sum of the waits since the last success, milliseconds. Attempts that took long do not count: they make nobody busy. */
  #waitedMs = 0
  #first: string | undefined

  constructor(
    servers: readonly string[],
    random: Random,
    backoff: Backoff,
    isPreferred: (server: string) => boolean = () => false,
  ) {
    this.#random = random
    this.#backoff = backoff
    this.#isPreferred = isPreferred
    this.#arrange(servers)
  }

  get servers(): readonly string[] {
    return this.#servers
  }

  /** A pass is about to begin: now the caller may look up the servers again. */
  get isAtStart(): boolean {
    return this.#first === undefined && (this.#servers.length === 0 || this.#next % this.#servers.length === 0)
  }

  #arrange(servers: readonly string[]): void {
    const shuffled = [...new Set(servers)]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1)
      const other = shuffled[j] as string
      shuffled[j] = shuffled[i] as string
      shuffled[i] = other
    }
    const isPreferred = shuffled.map((server) => this.#isPreferred(server))
    this.#servers = [...shuffled.filter((_, i) => isPreferred[i]), ...shuffled.filter((_, i) => !isPreferred[i])]
    this.#next = 0
  }

  /** Replaces the list of servers. A list with the same servers changes nothing. */
  replace(servers: readonly string[]): void {
    const known = new Set(this.#servers)
    if (new Set(servers).size === known.size && servers.every((server) => known.has(server))) return
    this.#arrange(servers)
  }

  /** The next attempt goes to `server`, at once. */
  tryFirst(server: string): void {
    this.#first = server
    this.succeeded()
  }

  /** The server for the next attempt, and the wait before it in milliseconds, below `capMs`. The list must not be empty. */
  next(capMs: number = Number.POSITIVE_INFINITY): { readonly server: string; readonly delayMs: number } {
    const first = this.#first
    this.#first = undefined
    const server = first ?? (this.#servers[this.#next % this.#servers.length] as string)
    if (first === undefined) this.#next++
    return { server, delayMs: this.wait(capMs) }
  }

  /** The wait before the next attempt to any server, milliseconds, below `capMs`. */
  wait(capMs: number = Number.POSITIVE_INFINITY): number {
    if (this.#isFirst) {
      this.#isFirst = false
      return 0
    }
    const bound = Math.min(capMs, this.#backoff.maxMs, Math.max(this.#backoff.baseMs, this.#waitedMs * partOfWaited))
    const delayMs = this.#random.below(Math.max(1, Math.floor(bound)))
    // It grows after the shortest waits too.
    this.#waitedMs += Math.max(1, delayMs)
    return delayMs
  }

  /** A connection has served for a while: the next attempt has no wait again. */
  succeeded(): void {
    this.#isFirst = true
    this.#waitedMs = 0
  }

  /** Where a client on `current` should be: on a preferred server, or on any server with equal chance. */
  fairServer(current: string): string {
    const preferred = this.#servers.filter((server) => this.#isPreferred(server))
    if (preferred.includes(current)) return current
    const choice = preferred.length > 0 ? preferred : this.#servers
    return choice[this.#random.below(Math.max(1, choice.length))] ?? current
  }

  /**
   * Where a client on `current` goes when the list changes. It leaves where its server is gone. Where servers were added it stays
   * with the chance that keeps every server equally loaded (StaticHostProvider.java).
   */
  serverAfter(replaced: readonly string[], current: string): string | undefined {
    if (!this.#servers.includes(current)) return undefined
    const added = this.#servers.filter((server) => !replaced.includes(server))
    if (added.length === 0 || this.#random.below(this.#servers.length) >= added.length) return current
    return added[this.#random.below(added.length)]
  }
}
