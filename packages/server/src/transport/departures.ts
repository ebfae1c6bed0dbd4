/**
 * Connections that have watch events to send and no reply. One change may concern thousands: they are sent for some milliseconds
 * of a turn, and the rest in the next, in the order in which they came. What is told to a connection while it waits leaves in the
 * same write, since a write costs more than many events; when too much waits, no further transaction is applied.
 */
import type { Turn } from '../turn.ts'
import type { EventFrames } from './event-frames.ts'

/** How long events are sent in one turn at most, milliseconds. */
const sendMs = 2
/** From so many bytes of events on, written since none waited, no further request is read of a client that awaits an answer. */
const owedBytesMany = 2 << 20
/** From so many on nothing is applied: clients that pipeline nothing can still be many. */
const owedBytesMax = 16 << 20

export class Departures {
  readonly #turn: Turn
  readonly #events: Pick<EventFrames, 'bytes'>
  readonly #waiting = new Set<{ flush(): void }>()
  /** Bytes of all events when none waited last. */
  #paidBytes = 0

  constructor(turn: Turn, events: Pick<EventFrames, 'bytes'>) {
    this.#turn = turn
    this.#events = events
  }

  /** Many events wait: whoever causes more of them has to wait, but not who causes none. */
  get isLoaded(): boolean {
    return this.#owes(owedBytesMany)
  }

  /** So many events wait that there must not be more. */
  get isBehind(): boolean {
    return this.#owes(owedBytesMax)
  }

  #owes(bytes: number): boolean {
    return this.#waiting.size > 0 && this.#events.bytes - this.#paidBytes >= bytes
  }

  add(connection: { flush(): void }): void {
    this.#waiting.add(connection)
  }

  /** Sends for a part of a turn; true when that was not enough. */
  send(): boolean {
    if (this.#waiting.size > 0) {
      const { clock } = this.#turn
      const from = clock.now()
      const until = from + this.#turn.share(sendMs)
      let now = from
      for (const next of this.#waiting) {
        this.#waiting.delete(next)
        next.flush()
        now = clock.now()
        if (now >= until) break
      }
      this.#turn.use(now - from)
    }
    if (this.#waiting.size > 0) return true
    this.#paidBytes = this.#events.bytes
    return false
  }
}
