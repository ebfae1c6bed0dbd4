/** What a client counts of itself. */
import { Histogram } from '@lightkeeper/runtime'
import type { WatchCounters } from '../watch/source.ts'
import type { SessionStateKind } from './states.ts'

export class Meters {
  /** From the write of a request to its reply. */
  readonly latency = new Histogram()
  sent = 0
  answered = 0
  lost = 0
  recovered = 0
  repeated = 0
  timedOut = 0
  events = 0
  bytesSent = 0
  bytesReceived = 0
  attempts = 0
  connections = 0
  pings = 0
  expiries = 0
  /** Longest time this process did not run its timers, milliseconds. */
  longestStallMs = 0
  /** Times it was longer than a third of the session timeout: pings were late. */
  stalls = 0
}

/** A snapshot; counts are from the start of the client. */
export interface ClientStats {
  readonly state: SessionStateKind
  readonly epoch: number
  readonly requests: {
    /** Written to a connection, those of the client's own counted. */
    readonly sent: number
    readonly answered: number
    /** Without a reply when the connection went. */
    readonly lost: number
    /** Lost reads that were made again. */
    readonly repeated: number
    /** Lost writes whose outcome was looked up. */
    readonly recovered: number
    readonly timedOut: number
    readonly inFlight: number
    /** Waiting for a connection. */
    readonly queued: number
  }
  /** Milliseconds from the write of a request to its reply; quantiles to within a tenth. */
  readonly latency: LatencyStats
  readonly bytes: { readonly sent: number; readonly received: number }
  readonly connections: { readonly attempts: number; readonly established: number; readonly pings: number }
  readonly expiries: number
  readonly watches: WatchCounters & {
    /** Events received. */
    readonly received: number
    readonly oneShot: number
    readonly persistent: number
  }
  /** How long this process did not run its timers: what is longer than a third of the session timeout endangers the session. */
  readonly eventLoop: { readonly longestStallMs: number; readonly stalls: number }
}

export interface LatencyStats {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

export function latencyOf(times: Histogram): LatencyStats {
  return {
    count: times.count,
    meanMs: times.count === 0 ? 0 : times.sumMs / times.count,
    p50Ms: times.quantileMs(0.5),
    p99Ms: times.quantileMs(0.99),
    p999Ms: times.quantileMs(0.999),
    maxMs: times.maxMs,
  }
}
