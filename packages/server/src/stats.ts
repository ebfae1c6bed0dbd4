/** Counters of a server: what `srvr` and `mntr` print. */
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
  /** Writes answered since `answered` was told of replies. */
  #updatesOfTurn = 0
  readonly reads = new Summary()
  readonly updates = new Summary()
  readonly updateTimes = new Histogram()
  readonly syncs = new Summary()

  /** `count` requests were answered `latencyMs` after they came in, but for writes, which `updated` heard of. */
  answered(count: number, latencyMs: number): void {
    const reads = count - this.#updatesOfTurn
    this.#updatesOfTurn = 0
    if (reads <= 0) return
    this.reads.add(latencyMs, reads)
    this.latency.add(latencyMs, reads)
  }

  /** A write was answered so long after it came in. */
  updated(latencyMs: number): void {
    this.#updatesOfTurn++
    this.updates.add(latencyMs)
    this.updateTimes.record(latencyMs)
    this.latency.add(latencyMs)
  }

  /** What `srst` sets back: packets and latencies, as in Apache. */
  reset(): void {
    this.received = 0
    this.sent = 0
    this.latency = new Summary()
  }
}
