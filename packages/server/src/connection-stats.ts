/** What `cons` shows of one connection. */
export class ConnectionStats {
  /** When it came, wall-clock milliseconds. */
  readonly establishedAt: number
  /** Opcode and xid of the last request; undefined and -1 before the first. */
  lastType: number | undefined
  lastCxid = -1
  /** Zxid in the last reply. */
  lastZxid = -1n
  /** When the last replies left, monotonic milliseconds, and how long the slowest of them took. */
  lastResponseAt = 0
  lastLatency = 0
  minLatency = 0
  maxLatency = 0
  /** The slowest write that was answered and has not left yet, milliseconds. */
  writeMs = 0
  #sum = 0
  #count = 0

  constructor(wall: number) {
    this.establishedAt = wall
  }

  /** Replies left at `now`; those to reads took `readMs`. */
  left(now: number, readMs: number, zxid: bigint): void {
    const latency = Math.max(readMs, this.writeMs)
    this.writeMs = 0
    this.lastResponseAt = now
    this.lastZxid = zxid
    this.lastLatency = latency
    if (this.#count === 0 || latency < this.minLatency) this.minLatency = latency
    if (latency > this.maxLatency) this.maxLatency = latency
    this.#sum += latency
    this.#count++
  }

  get averageLatency(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  reset(): void {
    this.minLatency = 0
    this.maxLatency = 0
    this.#sum = 0
    this.#count = 0
  }
}
