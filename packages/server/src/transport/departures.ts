/**
 * Connections that have watch events to send and no reply. One change may be told to thousands: they are sent for some milliseconds
 * of a turn, and the rest in the next, in the order in which they came. Meanwhile no further transaction is applied.
 */
import { type Clock, Deque } from '@lightkeeper/runtime'

/** How long events are sent in one turn, milliseconds. */
const sendMs = 4

export class Departures {
  readonly #clock: Clock
  readonly #waiting = new Deque<{ flush(): void }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Some have not sent yet what they were told. */
  get isBehind(): boolean {
    return this.#waiting.length > 0
  }

  add(connection: { flush(): void }): void {
    this.#waiting.push(connection)
  }

  /** Sends for a part of a turn; true when that was not enough. */
  send(): boolean {
    if (this.#waiting.length === 0) return false
    const until = this.#clock.now() + sendMs
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.flush()
      if (this.#clock.now() >= until) break
    }
    return this.isBehind
  }
}
