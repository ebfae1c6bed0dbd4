/** Counters of a server: what `srvr` and `mntr` print. */
export class ServerStats {
  received = 0
  sent = 0
  /** Milliseconds from receipt to reply. */
  latencyMin = 0
  latencyMax = 0
  #latencySum = 0
  #latencyCount = 0

  /** `count` requests were answered `latencyMs` after they came in. */
  answered(count: number, latencyMs: number): void {
    if (this.#latencyCount === 0 || latencyMs < this.latencyMin) this.latencyMin = latencyMs
    if (latencyMs > this.latencyMax) this.latencyMax = latencyMs
    this.#latencySum += latencyMs * count
    this.#latencyCount += count
  }

  get latencyAverage(): number {
    return this.#latencyCount === 0 ? 0 : this.#latencySum / this.#latencyCount
  }

  reset(): void {
    this.received = 0
    this.sent = 0
    this.latencyMin = 0
    this.latencyMax = 0
    this.#latencySum = 0
    this.#latencyCount = 0
  }
}
