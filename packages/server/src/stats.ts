/** Counters of a server, as `srvr` and `mntr` print them. */
import { Histogram } from '@lightkeeper/runtime'

/** Times or sizes, as `mntr` sums them up. */
export class Summary {
  count = 0
  sum = 0
  min = 0
  max = 0

  add(value: number, times = 1): void {
    if (this.count === 0 || value < this.min) this.min = value
    if (value > this.max) this.max = value
    this.sum += value * times
    this.count += times
  }

  get average(): number {
    return this.count === 0 ? 0 : this.sum / this.count
  }
}

export class ServerStats {
  received = 0
  sent = 0
  /** Bytes of requests, with their headers. */
  receivedBytes = 0
  authFailures = 0
  /** Connections that were refused, because there were too many. */
  rejectedConnections = 0
  connectRequests = 0
  droppedConnections = 0
  expiredSessions = 0
  expiredSessionless = 0
  /** Milliseconds from receipt to reply. */
  latency = new Summary()
  /** Writes that were answered since the last call of `answered`. */
  #updatesOfTurn = 0
  readonly reads = new Summary()
  readonly updates = new Summary()
  readonly updateTimes = new Histogram()
  readonly syncs = new Summary()

  /** `count` requests were answered `latencyMs` after they were received; `updated` has counted the writes among them. */
  answered(count: number, latencyMs: number): void {
    const reads = count - this.#updatesOfTurn
    this.#updatesOfTurn = 0
    if (reads <= 0) return
    this.reads.add(latencyMs, reads)
    this.latency.add(latencyMs, reads)
  }

  /** A write was answered this long after it was received. */
  updated(latencyMs: number): void {
    this.#updatesOfTurn++
    this.updates.add(latencyMs)
    this.updateTimes.record(latencyMs)
    this.latency.add(latencyMs)
  }

  /** Resets what `srst` resets: packets and latencies, as in Apache. */
  reset(): void {
    this.received = 0
    this.sent = 0
    this.latency = new Summary()
  }
}
