/** What `mntr` shows, under Apache's names where the meaning is Apache's (ZooKeeperServer.java, ServerMetrics.java). */
import type { Replica } from '../replica.ts'
import type { Summary } from '../stats.ts'
import { version } from '../version.ts'
import { whole } from './connections.ts'
import type { ServerView } from './view.ts'

export type Metric = readonly [name: string, value: string | number]

export interface MonitorFacts {
  readonly mode: string
  readonly znodeCount: number
  readonly uptimeMs: number
  readonly snapshotTimes: Summary | undefined
  readonly descriptors: { readonly open: number; readonly max: number } | undefined
}

export function metrics(server: ServerView, replica: Replica, facts: MonitorFacts): Metric[] {
  const { stats } = server
  const { tree, watches } = replica
  const { latency, updateTimes } = stats
  const { descriptors, snapshotTimes } = facts
  return [
    ['version', version],
    ['server_state', facts.mode],
    ['ephemerals_count', tree.ephemeralCount],
    ['num_alive_connections', server.connections.size],
    ['avg_latency', decimal(latency.average)],
    ['outstanding_requests', replica.desk.outstanding],
    ['znode_count', facts.znodeCount],
    ['global_sessions', tree.sessions.size],
    ['local_sessions', 0],
    ['packets_sent', stats.sent],
    ['packets_received', stats.received],
    ['watch_count', watches.data.size + watches.children.size],
    ['auth_failed_count', stats.authFailures],
    ['min_latency', whole(latency.min)],
    ['max_latency', whole(latency.max)],
    ...(descriptors === undefined
      ? []
      : ([
          ['max_file_descriptor_count', descriptors.max],
          ['open_file_descriptor_count', descriptors.open],
        ] as const)),
    ['approximate_data_size', tree.dataSize],
    ['uptime', whole(facts.uptimeMs)],
    ['connection_rejected', stats.rejectedConnections],
    ['connection_request_count', stats.connectRequests],
    ['connection_drop_count', stats.droppedConnections],
    ['sessionless_connections_expired', stats.expiredSessionless],
    ['stale_sessions_expired', stats.expiredSessions],
    ['bytes_received_count', stats.receivedBytes],
    ['snap_count', snapshotTimes?.count ?? 0],
    ...summed('fsynctime', stats.syncs),
    ...(snapshotTimes === undefined ? [] : summed('snapshottime', snapshotTimes)),
    ...summed('readlatency', stats.reads),
    ...summed('updatelatency', stats.updates),
    ['p50_updatelatency', whole(updateTimes.quantileMs(0.5))],
    ['p95_updatelatency', whole(updateTimes.quantileMs(0.95))],
    ['p99_updatelatency', whole(updateTimes.quantileMs(0.99))],
    ['p999_updatelatency', whole(updateTimes.quantileMs(0.999))],
  ]
}

function summed(name: string, summary: Summary): Metric[] {
  return [
    [`avg_${name}`, decimal(summary.average)],
    [`min_${name}`, whole(summary.min)],
    [`max_${name}`, whole(summary.max)],
    [`cnt_${name}`, summary.count],
    [`sum_${name}`, whole(summary.sum)],
  ]
}

/** Java prints a fraction always: `0.0`, `4.25`. */
export function decimal(value: number): string {
  const text = `${Number(value.toFixed(4))}`
  return text.includes('.') ? text : `${text}.0`
}
