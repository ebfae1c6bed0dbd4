/** The numbers of a client, as users read them: what it has done and how it is. */
import type { Histogram } from '@lightkeeper/runtime'
import type { RequestLines } from './lines.ts'
import type { Meters } from './meters.ts'
import type { SessionState, SessionStateKind } from './states.ts'
import type { WatchRegistry } from './watch-registry.ts'

/** A snapshot. Counts begin with the start of the client. */
export interface ClientStats {
  /** The state of the session now. */
  readonly state: SessionStateKind
  /** The number of sessions that have expired so far; 0 in the first session. */
  readonly epoch: number
  /** Requests, not counting pings. */
  readonly requests: {
    /** Requests written to a connection; includes the client's own. */
    readonly sent: number
    /** Requests whose reply has arrived, errors included. */
    readonly answered: number
    /** Requests without a reply when the connection was lost. */
    readonly lost: number
    /** Lost reads that were sent again. */
    readonly repeated: number
    /** Lost writes whose outcome was looked up. */
    readonly recovered: number
    /** Requests that no reply settled within the client's `requestTimeout`. A call with a timeout of its own does not count. */
    readonly timedOut: number
    /** Requests that are sent and wait for a reply now. */
    readonly inFlight: number
    /** Requests that wait for a connection. */
    readonly queued: number
  }
  /** Milliseconds from the write of a request until its reply; quantiles are exact to a tenth. */
  readonly latency: LatencyStats
  /** Bytes written to connections and read from them, frames and pings included. */
  readonly bytes: { readonly sent: number; readonly received: number }
  /** Attempts to connect, connections that came into use, and pings sent. */
  readonly connections: { readonly attempts: number; readonly established: number; readonly pings: number }
  /** The number of sessions that have expired. */
  readonly expiries: number
  /** Watches of streams, and those that the client has at the server. */
  readonly watches: WatchCounters & {
    /** Events that the client received. */
    readonly received: number
    /** Paths with a one-shot watch now, counted for each kind: data, existence, children. */
    readonly oneShot: number
    /** Paths with a persistent watch now, recursive ones included. */
    readonly persistent: number
  }
  /** How long this process ran no timers. More than a third of the session timeout endangers the session. */
  readonly eventLoop: { readonly longestStallMs: number; readonly stalls: number }
}

/** Times from the write of a request to its reply, milliseconds; quantiles are exact to a tenth. */
export interface LatencyStats {
  /** The number of replies that were measured. */
  readonly count: number
  /** The mean; 0 without a reply. */
  readonly meanMs: number
  /** The median. */
  readonly p50Ms: number
  /** 99 of 100 replies were this fast or faster. */
  readonly p99Ms: number
  /** 999 of 1000 replies were this fast or faster. */
  readonly p999Ms: number
  /** The slowest reply. */
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
