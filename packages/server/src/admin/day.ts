/**
 * Figures of the last day, for charts without Prometheus: a point each half minute, in a bounded piece of memory. The server works as if
 * this were not there: each point is read from counters that others keep.
 */
import {
  type Clock,
  type Histogram,
  type Memory,
  type Series,
  type SeriesPoint,
  SeriesRing,
  type Timer,
} from '@lightkeeper/runtime'
import type { Distribution, ServerStats, Summary } from '../stats.ts'
import { znodeCount } from './figures.ts'
import type { ServerView } from './view.ts'

/** Milliseconds between two points. */
const everyMs = 30_000
/** Points of a day. */
export const pointsOfDay = 2_880

/** Rates and times are those of the stretch between two points; the rest is as it was at the point. */
const names = [
  'requests_per_second',
  'avg_latency',
  'p99_read_latency',
  'p99_write_latency',
  'max_latency',
  'avg_sync_time',
  'max_sync_time',
  'queued_requests',
  'unread_bytes',
  'connections',
  'sessions',
  'znodes',
  'ephemerals',
  'watches',
  'data_bytes',
  'heap_bytes',
] as const

/** What a server keeps of its last day. Times are in milliseconds, sizes in bytes. */
export interface FiguresOfDay extends Series {
  /** Milliseconds between two points, before points were put together. */
  readonly everyMs: number
}

type Host = { readonly clock: Clock; readonly memory: Memory }

/** Counters as they were at a point. */
interface Counted {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly received: number
  readonly latency: Total
  readonly syncs: Total
  readonly reads: Times
  readonly updates: Times
  readonly flushes: Times
}

type Total = Pick<Summary, 'count' | 'sum'>

/** A histogram, and what it held. */
interface Times {
  readonly of: Histogram
  readonly held: Histogram
}

export class Day {
  readonly #view: () => ServerView | undefined
  readonly #stats: ServerStats
  readonly #host: Host
  readonly #ring = new SeriesRing(names, pointsOfDay)
  #before: Counted
  #timer: Timer | undefined

  /** `view` is the server; undefined until there is one. */
  constructor(view: () => ServerView | undefined, stats: ServerStats, host: Host) {
    this.#view = view
    this.#stats = stats
    this.#host = host
    this.#before = counted(stats, host.clock.now())
  }

  start(): void {
    this.#timer = this.#host.clock.after(everyMs, () => {
      const point = this.#point()
      this.#before = counted(this.#stats, this.#host.clock.now())
      this.#ring.add(this.#host.clock.wall(), point)
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** At most `max` points, and how it is now. */
  figures(max: number): FiguresOfDay {
    return { everyMs, ...this.#ring.series(max, { at: this.#host.clock.wall(), point: this.#point() }) }
  }

  #point(): SeriesPoint {
    const view = this.#view()
    const now = this.#host.clock.now()
    const before = this.#before
    const { received, latency, syncs, reads, updates, flushes } = this.#stats
    const readTimes = since(before.reads, reads)
    const writeTimes = since(before.updates, updates)
    const seconds = (now - before.at) / 1000
    // `srst` sets counters back.
    const requests = received < before.received ? received : received - before.received
    return {
      requests_per_second: seconds > 0 ? requests / seconds : 0,
      avg_latency: averageSince(before.latency, latency),
      p99_read_latency: readTimes.quantileMs(0.99),
      p99_write_latency: writeTimes.quantileMs(0.99),
      max_latency: Math.max(highest(readTimes), highest(writeTimes)),
      // Without a disk there is nothing to sync.
      ...(syncs.count > 0 && {
        avg_sync_time: averageSince(before.syncs, syncs),
        max_sync_time: highest(since(before.flushes, flushes)),
      }),
      heap_bytes: this.#host.memory.heap().used,
      ...(view !== undefined && stateOf(view)),
    }
  }
}

function stateOf({ connections, held, replica }: ServerView): SeriesPoint {
  const { desk, tree, watches } = replica ?? {}
  return {
    connections: connections.size,
    unread_bytes: held.total,
    ...(desk !== undefined && { queued_requests: desk.outstanding }),
    ...(watches !== undefined && { watches: watches.data.size + watches.children.size }),
    ...(tree !== undefined && {
      sessions: tree.sessions.size,
      ephemerals: tree.ephemeralCount,
      data_bytes: tree.dataSize,
    }),
    ...(replica !== undefined && { znodes: znodeCount(replica) }),
  }
}

function counted({ received, latency, syncs, reads, updates, flushes }: ServerStats, at: number): Counted {
  return {
    at,
    received,
    latency: { count: latency.count, sum: latency.sum },
    syncs: { count: syncs.count, sum: syncs.sum },
    reads: timesOf(reads),
    updates: timesOf(updates),
    flushes: timesOf(flushes),
  }
}

function timesOf({ histogram }: Distribution): Times {
  return { of: histogram, held: histogram.copy() }
}

/** The times that came behind `before`; all of them where the counters were set back. */
function since(before: Times, { histogram }: Distribution): Histogram {
  return before.of === histogram ? histogram.since(before.held) : histogram
}

function highest(times: Histogram): number {
  return times.count === 0 ? 0 : times.maxMs
}

function averageSince(before: Total, now: Total): number {
  const isReset = now.count < before.count
  const count = isReset ? now.count : now.count - before.count
  const sum = isReset ? now.sum : now.sum - before.sum
  return count === 0 ? 0 : sum / count
}
