/** The numbers of a client, as users read them: what it has done and how it is. */
import type { Histogram } from '@lightkeeper/runtime'
import type { RequestLines } from './lines.ts'
import type { Meters } from './meters.ts'
import type { SessionState, SessionStateKind } from './states.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** A snapshot. Counts begin with the start of the client. */
export interface ClientStats {
  readonly state: SessionStateKind
  readonly epoch: number
  readonly requests: {
    /** Requests written to a connection; includes the client's own. */
    readonly sent: number
    readonly answered: number
    /** Requests without a reply when the connection was lost. */
    readonly lost: number
    /** Lost reads that were sent again. */
    readonly repeated: number
    /** Lost writes whose outcome was looked up. */
    readonly recovered: number
    readonly timedOut: number
    readonly inFlight: number
    /** Requests that wait for a connection. */
    readonly queued: number
  }
  /** Milliseconds from the write of a request until its reply; quantiles are exact to a tenth. */
  readonly latency: LatencyStats
  readonly bytes: { readonly sent: number; readonly received: number }
  readonly connections: { readonly attempts: number; readonly established: number; readonly pings: number }
  readonly expiries: number
  readonly watches: WatchCounters & {
    /** Events that the client received. */
    readonly received: number
    readonly oneShot: number
    readonly persistent: number
  }
  /** How long this process ran no timers. More than a third of the session timeout endangers the session. */
  readonly eventLoop: { readonly longestStallMs: number; readonly stalls: number }
}

/** Times from the write of a request to its reply, milliseconds; quantiles are exact to a tenth. */
export interface LatencyStats {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

function latencyOf(times: Histogram): LatencyStats {
  return {
    count: times.count,
    meanMs: times.count === 0 ? 0 : times.sumMs / times.count,
    p50Ms: times.quantileMs(0.5),
    p99Ms: times.quantileMs(0.99),
    p999Ms: times.quantileMs(0.999),
    maxMs: times.maxMs,
  }
}

/** What the streams of a client have done since its start. */
export interface WatchCounters {
  /** Events that concerned a stream. */
  events: number
  /** How often a stream read everything again. */
  resyncs: number
  /** How often a stream had more paths to read again than its limit, and read everything instead. */
  overflows: number
  /** Paths that the self-audit compared. */
  audited: number
  /** Differences that it found and corrected: an event had been lost. */
  healed: number
}

/** The parts of a session that count. */
export interface CountedSession {
  readonly state: SessionState
  readonly epoch: number
  readonly meters: Meters
  readonly lines: RequestLines
  readonly watches: WatchRegistry
}

export function statsOf({ state, epoch, meters, lines, watches }: CountedSession, streams: WatchCounters): ClientStats {
  const { sent, answered, lost, repeated, recovered, timedOut, longestStallMs, stalls } = meters
  const inFlight = lines.inFlight.length + lines.authenticating.length
  const queued = lines.queue.length
  return {
    state: state.kind,
    epoch,
    requests: { sent, answered, lost, repeated, recovered, timedOut, inFlight, queued },
    latency: latencyOf(meters.latency),
    bytes: { sent: meters.bytesSent, received: meters.bytesReceived },
    connections: { attempts: meters.attempts, established: meters.connections, pings: meters.pings },
    expiries: meters.expiries,
    watches: {
      ...streams,
      received: meters.events,
      oneShot: watches.oneShotCount,
      persistent: watches.persistentCount,
    },
    eventLoop: { longestStallMs, stalls },
  }
}
