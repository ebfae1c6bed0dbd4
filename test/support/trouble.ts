/** What a simulated test does to clients and their server while they work. */
import type { SeededRandom, World } from '@lightkeeper/testing/sim'

export interface Rhythm {
  /** Between two strikes, simulated milliseconds: so many at least. Default 20. */
  readonly atLeastMs?: number
  /** And so many more, by chance. */
  readonly spreadMs: number
}

export class Trouble {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #server: string
  #isOver = false

  /** All chance is taken from `random`. `server` is the host that clients are cut off from. */
  constructor(world: World, random: SeededRandom, server: string) {
    this.#world = world
    this.#random = random
    this.#server = server
  }

  /** Whether `end` was called. What was cut or stopped may last longer. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Calls `strike` within the first 100 ms and then again and again, until `end`. */
  begin({ atLeastMs = 20, spreadMs }: Rhythm, strike: () => void): void {
    const next = (): void => {
      if (this.#isOver) return
      strike()
      this.#world.after(atLeastMs + this.#random.below(spreadMs), next)
    }
    this.#world.after(this.#random.below(100), next)
  }

  end(): void {
    this.#isOver = true
  }

  reset(host: string): void {
    this.#world.network.reset(host, this.#server)
  }

  cut(host: string, lengthMs: number = this.#outageMs()): void {
    this.#world.network.cut(host, this.#server)
    this.#world.after(lengthMs, () => this.#world.network.heal(host, this.#server))
  }

  pause(host: string): void {
    this.#world.pause(host)
    this.#world.after(this.#outageMs(), () => this.#world.resume(host))
  }

  /** By a number from 0 to 10, five resets for three cuts and three pauses of `host`. False for any other number: nothing is done. */
  strike(host: string, number: number): boolean {
    if (number < 5) this.reset(host)
    else if (number < 8) this.cut(host)
    else if (number < 11) this.pause(host)
    else return false
    return true
  }

  /**
   * Strikes one of `clients`, which are on the hosts c1, c2 and so on, or their server, or kills a client. `living` holds the clients that
   * were not killed, each with what to call when it is; the last one is spared.
   */
  strikeOneOf<C>(clients: readonly C[], living: Map<C, () => void>): void {
    const i = this.#random.below(clients.length)
    const host = `c${1 + i}`
    const number = this.#random.below(13)
    const isDone = this.strike(host, number)
    if (number === 11) this.pause(this.#server)
    else if (!isDone && living.size > 1) {
      this.#world.crash(host, 'kill')
      const client = clients[i] as C
      living.get(client)?.()
      living.delete(client)
    }
  }

  /** Short, long, or about as long as a session of 4 s: it ends at the client and at the server, at one before the other. */
  #outageMs(): number {
    const random = this.#random
    return random.oneIn(4) ? random.below(9000) : random.oneIn(3) ? 3300 + random.below(1500) : random.below(600)
  }
}
