/**
 * Counters of a server: what `srvr`, `mntr`, the admin pages and `/metrics` show. The parts of the server add to them as they work, so
 * adding is a few operations on numbers. What shows them does the rest (admin/figures.ts).
 */
import { Histogram } from '@lightkeeper/runtime'

/** Apache's default of fsync.warningthresholdms. */
const slowSyncMs = 1000

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

  reset(): void {
    this.count = 0
    this.sum = 0
    this.min = 0
    this.max = 0
  }
}

/** A summary that also knows quantiles. */
export class Distribution extends Summary {
  #histogram = new Histogram()

  override add(value: number, times = 1): void {
    super.add(value, times)
    this.#histogram.record(value, times)
  }

  override reset(): void {
    super.reset()
    this.#histogram = new Histogram()
  }

  /** The values as they are counted now; another one after `reset`. */
  get histogram(): Histogram {
    return this.#histogram
  }

  /** What a share `q` (0 … 1) of the values did not exceed, to within a tenth; 0 where there are none. */
  quantile(q: number): number {
    return this.#histogram.quantileMs(q)
  }
}

/** Sizes in bytes. -1 before the first one, as in Apache (BufferStats.java). */
export class SizeRange {
  last = -1
  min = -1
  max = -1
  /** All of them together. */
  sum = 0

  add(bytes: number): void {
    this.last = bytes
    this.sum += bytes
    if (bytes > this.max) this.max = bytes
    if (bytes < this.min || this.min < 0) this.min = bytes
  }

  reset(): void {
    this.last = -1
    this.min = -1
    this.max = -1
    this.sum = 0
  }
}

/** Those of replies, which are counted as frames: Apache does not count the four bytes of their length. */
class ReplySizes extends SizeRange {
  override add(frameBytes: number): void {
    super.add(frameBytes - 4)
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
  /** TLS handshakes that failed, and those cut off because too many were unfinished. */
  failedHandshakes = 0
  exceededHandshakes = 0
  connectRequests = 0
  droppedConnections = 0
  expiredSessions = 0
  expiredSessionless = 0
  /** Clients that came back with a session. */
  revalidations = 0
  readonly replySizes = new ReplySizes()
  /** Bytes of watch events. */
  watchBytes = 0
  /** Writes that a hard quota refused, by the top-level znode of the quota. */
  readonly quotaRefusals = new Map<string, number>()
  /** Milliseconds from receipt to reply. */
  readonly latency = new Summary()
  /** Writes that were answered since the last call of `answered`. */
  #updatesOfTurn = 0
  readonly reads = new Distribution()
  readonly updates = new Distribution()
  /** Milliseconds that the disk took to make a batch of transactions durable. */
  readonly syncs = new Summary()
  /** Syncs above `slowSyncMs`. */
  slowSyncs = 0
  /** Milliseconds that a batch took on its way to the log, and transactions in each. */
  readonly flushes = new Distribution()
  readonly batches = new Summary()
  /** Watchers that one change reached, by the type of the event; none at index 0. */
  readonly watchersReached: readonly Summary[] = [0, 1, 2, 3, 4].map(() => new Summary())
  /** Milliseconds of each start of the database, and transactions replayed in it. */
  readonly starts = new Summary()
  readonly replays = new Summary()
  /** What this server did as a leader: proposals, commits, and learners that were synchronized by an image or by a difference. */
  readonly led = { proposals: 0, commits: 0, snaps: 0, diffs: 0 }
  /** How often this server began to look for a leader. */
  elections = 0
  /** Digests that differed when the directory was read. */
  digestMismatches = 0
  /** Milliseconds that restores took, and how often one failed or came too soon; the same for snapshots that were asked for. */
  readonly restores = new Summary()
  restoreErrors = 0
  restoresRefused = 0
  snapshotErrors = 0
  snapshotsRefused = 0

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
    this.latency.add(latencyMs)
  }

  /** A hard quota at `path` refused a write. */
  quotaRefused(path: string): void {
    const namespace = path.split('/', 2)[1] ?? ''
    this.quotaRefusals.set(namespace, (this.quotaRefusals.get(namespace) ?? 0) + 1)
  }

  /** A batch of `count` transactions took so long to the log; `isSync` where the disk was waited for. */
  flushed(count: number, ms: number, isSync: boolean): void {
    this.flushes.add(ms)
    this.batches.add(count)
    if (!isSync) return
    this.syncs.add(ms)
    if (ms > slowSyncMs) this.slowSyncs++
  }

  /** Resets what `srst` resets: all but failed authentications and slow syncs, as in Apache (ServerStats.java). */
  reset(): void {
    this.received = 0
    this.sent = 0
    this.receivedBytes = 0
    this.rejectedConnections = 0
    this.failedHandshakes = 0
    this.exceededHandshakes = 0
    this.connectRequests = 0
    this.droppedConnections = 0
    this.expiredSessions = 0
    this.expiredSessionless = 0
    this.revalidations = 0
    this.watchBytes = 0
    this.digestMismatches = 0
    this.restoreErrors = 0
    this.restoresRefused = 0
    this.snapshotErrors = 0
    this.snapshotsRefused = 0
    this.quotaRefusals.clear()
    this.replySizes.reset()
    const summaries = [this.latency, this.reads, this.updates, this.syncs, this.flushes, this.batches]
    for (const each of [...summaries, this.starts, this.replays, this.restores, ...this.watchersReached]) each.reset()
  }
}
