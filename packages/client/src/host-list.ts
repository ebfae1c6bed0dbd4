/** Which server to try next, and how long to wait before it. */
import type { Random } from '@lightkeeper/runtime'

export interface Backoff {
  /** Upper bound of the first wait, milliseconds. */
  readonly baseMs: number
  /** Upper bound of every wait, milliseconds. */
  readonly maxMs: number
}

/**
 * Walks a list that was shuffled once, so that many clients spread over the servers. The first pass over all servers is
 * free; every later attempt waits a uniformly random part of a bound that doubles (full jitter), until one succeeds.
 */
export class HostList {
  readonly servers: readonly string[]
  readonly #random: Random
  readonly #backoff: Backoff
  #next = 0
  /** Attempts since the last success. */
  #attempts = 0

  constructor(servers: readonly string[], random: Random, backoff: Backoff) {
    const shuffled = [...servers]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = random.below(i + 1)
      const other = shuffled[j] as string
      shuffled[j] = shuffled[i] as string
      shuffled[i] = other
    }
    this.servers = shuffled
    this.#random = random
    this.#backoff = backoff
  }

  /** The next attempt goes to `server`, at once. */
  tryFirst(server: string): void {
    this.#next = Math.max(0, this.servers.indexOf(server))
    this.#attempts = 0
  }

  /** The server for the next attempt and the wait before it, milliseconds. */
  next(): { readonly server: string; readonly delayMs: number } {
    const server = this.servers[this.#next % this.servers.length] as string
    this.#next++
    const attempt = this.#attempts++
    return { server, delayMs: attempt === 0 ? 0 : this.#wait(attempt) }
  }

  succeeded(): void {
    this.#attempts = 0
  }

  #wait(attempt: number): number {
    const pass = Math.floor(attempt / this.servers.length)
    const bound = Math.min(this.#backoff.maxMs, this.#backoff.baseMs * 2 ** Math.min(pass, 20))
    return this.#random.below(Math.max(1, Math.floor(bound)))
  }
}
