/**
 * The figures of a server, under the names and kinds of Apache (ServerMetrics.java, ZooKeeperServer.java: registerMetrics). `mntr`, the
 * admin pages and `/metrics` show the same list. Nothing here runs unless somebody asks: the counters themselves are in stats.ts.
 */
import type { LeadershipView, LearnerView } from '../ensemble-view.ts'
import type { Replica } from '../replica.ts'
import { Distribution, type ServerStats, Summary } from '../stats.ts'
import { type QuotaFigures, quotaFigures } from './quota-figures.ts'

/** What a figure is read from. */
export interface FigureSources {
  readonly stats: ServerStats
  readonly replica: Replica
  readonly connections: number
  /** Monotonic milliseconds. */
  readonly now: number
  readonly startedAt: number
  /** Milliseconds that snapshots took; undefined where data is in memory only. */
  readonly snapshotTimes: Summary | undefined
  readonly descriptors: { readonly open: number; readonly max: number } | undefined
}

type Value =
  | { readonly kind: 'counter' | 'gauge' | 'decimal'; readonly value: number }
  | { readonly kind: 'summary'; readonly value: Summary }
  | { readonly kind: 'distribution'; readonly value: Distribution }
  /** A gauge, or a counter, for each top-level znode. */
  | { readonly kind: 'set' | 'counterSet'; readonly value: ReadonlyMap<string, number> }

export type Figure = Value & { readonly name: string; readonly help: string }

interface Sources extends FigureSources {
  readonly quotas: QuotaFigures
}

/** Reads one figure; undefined where this server does not have it now. */
type Read = (from: Sources) => Value | undefined

const counter =
  (read: (from: Sources) => number): Read =>
  (from) => ({ kind: 'counter', value: read(from) })
const gauge =
  (read: (from: Sources) => number): Read =>
  (from) => ({ kind: 'gauge', value: Math.round(read(from)) })
const decimal =
  (read: (from: Sources) => number): Read =>
  (from) => ({ kind: 'decimal', value: read(from) })
const summary =
  (read: (from: Sources) => Summary | undefined): Read =>
  (from) => {
    const value = read(from)
    return value && { kind: 'summary', value }
  }
const distribution =
  (read: (from: Sources) => Distribution): Read =>
  (from) => ({ kind: 'distribution', value: read(from) })
const set =
  (read: (from: Sources) => ReadonlyMap<string, number>): Read =>
  (from) => ({ kind: 'set', value: read(from) })

/** Where the server is a member that serves writes. */
const memberGauge =
  (read: (from: Sources) => number | undefined): Read =>
  (from) => {
    const value = from.replica.role === 'read-only' ? undefined : read(from)
    return value === undefined ? undefined : { kind: 'gauge', value }
  }
/** Where the server leads an ensemble (LeaderZooKeeperServer.java). */
const leaderGauge =
  (read: (view: LeadershipView, from: Sources) => number): Read =>
  (from) => {
    const view = from.replica.leadership
    return view && { kind: 'gauge', value: Math.round(read(view, from)) }
  }

/** What a server that stands alone never has, and shows as Apache does, because dashboards ask for it. */
const noSummary = new Summary()
const neverSummed: Read = () => ({ kind: 'summary', value: noSummary })
const noDistribution = new Distribution()
const neverDistributed: Read = () => ({ kind: 'distribution', value: noDistribution })

/** Names, what they mean, and where they come from. docs/operations/monitoring.md has the same table. */
const table: readonly (readonly [name: string, help: string, read: Read])[] = [
  ['ephemerals_count', 'Ephemeral znodes', gauge(({ replica }) => replica.tree.ephemeralCount)],
  ['num_alive_connections', 'Open connections of clients', gauge(({ connections }) => connections)],
  ['avg_latency', 'Average time from a request to its reply, ms', decimal(({ stats }) => stats.latency.average)],
  ['outstanding_requests', 'Writes that are not applied yet', gauge(({ replica }) => replica.desk.outstanding)],
  ['znode_count', 'Znodes; the root counts twice, as in Apache', gauge(({ replica }) => znodeCount(replica))],
  ['global_sessions', 'Sessions', gauge(({ replica }) => replica.tree.sessions.size)],
  ['local_sessions', 'Local sessions; there are none', gauge(() => 0)],
  ['packets_sent', 'Replies and watch events', gauge(({ stats }) => stats.sent)],
  ['packets_received', 'Requests', gauge(({ stats }) => stats.received)],
  ['watch_count', 'Watches', gauge(({ replica: { watches } }) => watches.data.size + watches.children.size)],
  ['auth_failed_count', 'Failed authentications', gauge(({ stats }) => stats.authFailures)],
  ['min_latency', 'Shortest time from a request to its reply, ms', gauge(({ stats }) => stats.latency.min)],
  ['max_latency', 'Longest time from a request to its reply, ms', gauge(({ stats }) => stats.latency.max)],
  ['approximate_data_size', 'Bytes of paths and data', gauge(({ replica }) => replica.tree.dataSize)],
  [
    'open_file_descriptor_count',
    'File descriptors that are open',
    ({ descriptors }) => descriptors && { kind: 'gauge', value: descriptors.open },
  ],
  [
    'max_file_descriptor_count',
    'File descriptors that may be open',
    ({ descriptors }) => descriptors && { kind: 'gauge', value: descriptors.max },
  ],
  ['uptime', 'Time since the start, ms', gauge(({ now, startedAt }) => now - startedAt)],
  ['last_client_response_size', 'Bytes of the last reply', gauge(({ stats }) => stats.replySizes.last)],
  ['max_client_response_size', 'Bytes of the largest reply', gauge(({ stats }) => stats.replySizes.max)],
  ['min_client_response_size', 'Bytes of the smallest reply', gauge(({ stats }) => stats.replySizes.min)],
  ['connection_drop_probability', 'Share of connections that are dropped on purpose; none are', decimal(() => 0)],
  ['quota_count_limit_per_namespace', 'Limits of znodes', set(({ quotas }) => quotas.countLimit)],
  ['quota_bytes_limit_per_namespace', 'Limits of bytes', set(({ quotas }) => quotas.bytesLimit)],
  ['quota_count_usage_per_namespace', 'Znodes below limits', set(({ quotas }) => quotas.count)],
  ['quota_bytes_usage_per_namespace', 'Bytes below limits', set(({ quotas }) => quotas.bytes)],

  ['quorum_size', 'Servers with a vote', memberGauge(({ replica }) => replica.ensemble?.voters.length)],
  ['learners', 'Servers that follow this leader', leaderGauge(({ learners }) => learners.length)],
  ['synced_followers', 'Followers that have everything', leaderGauge(upCount(({ isObserver }) => !isObserver))],
  [
    'synced_non_voting_followers',
    'Followers that have everything and no vote',
    leaderGauge(upCount(({ isObserver, isVoter }) => !isObserver && !isVoter)),
  ],
  ['synced_observers', 'Observers that have everything', leaderGauge(upCount(({ isObserver }) => isObserver))],
  ['pending_syncs', 'Syncs that wait for a majority', leaderGauge(({ pendingSyncs }) => pendingSyncs)],
  ['leader_uptime', 'Time since this server leads, ms', leaderGauge(({ since }, { now }) => now - since)],
  ['last_proposal_size', 'Bytes of the last proposal', leaderGauge(({ proposalSizes }) => proposalSizes.last)],
  ['max_proposal_size', 'Bytes of the largest proposal', leaderGauge(({ proposalSizes }) => proposalSizes.max)],
  ['min_proposal_size', 'Bytes of the smallest proposal', leaderGauge(({ proposalSizes }) => proposalSizes.min)],

  [
    'quota_exceeded_error_per_namespace',
    'Writes that a hard quota refused',
    ({ stats }) => ({ kind: 'counterSet', value: stats.quotaRefusals }),
  ],
  [
    'connection_request_count',
    'Sessions that were asked for, new and old',
    counter(({ stats }) => stats.connectRequests),
  ],
  ['connection_revalidate_count', 'Clients that came back with a session', counter(({ stats }) => stats.revalidations)],
  [
    'connection_rejected',
    'Connections refused, because there were too many',
    counter(({ stats }) => stats.rejectedConnections),
  ],
  ['unsuccessful_handshake', 'TLS handshakes that failed', counter(({ stats }) => stats.failedHandshakes)],
  [
    'tls_handshake_exceeded',
    'TLS handshakes cut off, because too many were unfinished',
    counter(({ stats }) => stats.exceededHandshakes),
  ],
  ['connection_drop_count', 'Connections that ended', counter(({ stats }) => stats.droppedConnections)],
  [
    'sessionless_connections_expired',
    'Connections closed before they had a session',
    counter(({ stats }) => stats.expiredSessionless),
  ],
  ['stale_sessions_expired', 'Sessions that expired', counter(({ stats }) => stats.expiredSessions)],
  ['bytes_received_count', 'Bytes of requests', counter(({ stats }) => stats.receivedBytes)],
  ['response_bytes', 'Bytes of replies', counter(({ stats }) => stats.replySizes.sum)],
  ['watch_bytes', 'Bytes of watch events', counter(({ stats }) => stats.watchBytes)],
  ['sync_processor_request_queued', 'Transactions given to the log', counter(({ stats }) => stats.batches.sum)],
  [
    'digest_mismatches_count',
    'Digests that differed when data was read',
    counter(({ stats }) => stats.digestMismatches),
  ],
  [
    'unrecoverable_error_count',
    'Errors after which only a restart helps: 1 once the log has failed',
    counter(({ replica }) => (replica.logFailure === undefined ? 0 : 1)),
  ],
  ['snapshot_error_count', 'Snapshots asked for by HTTP that failed', counter(({ stats }) => stats.snapshotErrors)],
  [
    'snapshot_rate_limited_count',
    'Snapshots asked for by HTTP too soon',
    counter(({ stats }) => stats.snapshotsRefused),
  ],
  ['restore_error_count', 'Restores that failed', counter(({ stats }) => stats.restoreErrors)],
  [
    'restore_rate_limited_count',
    'Restores that were asked for too soon',
    counter(({ stats }) => stats.restoresRefused),
  ],
  ['commit_count', 'Commits of a leader', counter(({ stats }) => stats.led.commits)],
  ['proposal_count', 'Proposals of a leader', counter(({ stats }) => stats.led.proposals)],
  ['snap_count', 'Snapshots that a leader sent to learners', counter(({ stats }) => stats.led.snaps)],
  ['diff_count', 'Differences that a leader sent to learners', counter(({ stats }) => stats.led.diffs)],
  ['looking_count', 'Elections that this server entered', counter(({ stats }) => stats.elections)],

  ['fsynctime', 'Syncs of the log, ms', summary(({ stats }) => stats.syncs)],
  ['snapshottime', 'Snapshots, ms', summary(({ snapshotTimes }) => snapshotTimes)],
  ['restore_time', 'Restores, ms', summary(({ stats }) => stats.restores)],
  ['dbinittime', 'Reading the data directory, ms', summary(({ stats }) => stats.starts)],
  ['startup_txns_loaded', 'Transactions replayed at a start', summary(({ stats }) => stats.replays)],
  ['sync_processor_batch_size', 'Transactions in a batch for the log', summary(({ stats }) => stats.batches)],
  ['node_created_watch_count', 'Watches that a create fired', summary(({ stats }) => stats.watchersReached[1])],
  ['node_deleted_watch_count', 'Watches that a delete fired', summary(({ stats }) => stats.watchersReached[2])],
  ['node_changed_watch_count', 'Watches that a change of data fired', summary(({ stats }) => stats.watchersReached[3])],
  [
    'node_children_watch_count',
    'Watches that a change of children fired',
    summary(({ stats }) => stats.watchersReached[4]),
  ],
  ['election_time', 'Elections, ms', neverSummed],
  ['readlatency', 'Reads, from the request to the reply, ms', distribution(({ stats }) => stats.reads)],
  ['updatelatency', 'Writes, from the request to the reply, ms', distribution(({ stats }) => stats.updates)],
  [
    'propagation_latency',
    'Writes, from the transaction to its effect; here the same as updatelatency, ms',
    distribution(({ stats }) => stats.updates),
  ],
  ['proposal_latency', 'Proposals of a leader, ms', neverDistributed],
  ['local_write_committed_time_ms', 'Own writes on their way through an ensemble, ms', neverDistributed],
  ['server_write_committed_time_ms', 'Writes of others on their way through an ensemble, ms', neverDistributed],
  ['jvm_pause_time_ms', 'Pauses of a Java machine; there is none here, ms', neverDistributed],
  [
    'sync_processor_queue_flush_time_ms',
    'Batches on their way to the log, ms',
    distribution(({ stats }) => stats.flushes),
  ],
]

function upCount(counts: (learner: LearnerView) => boolean): (view: LeadershipView) => number {
  return ({ learners }) => learners.filter((learner) => learner.isUp && counts(learner)).length
}

/** All figures, as they are now. */
export function figures(from: FigureSources): Figure[] {
  const sources: Sources = { ...from, quotas: quotaFigures(from.replica.tree) }
  return table.flatMap(([name, help, read]) => {
    const value = read(sources)
    return value === undefined ? [] : [{ name, help, ...value }]
  })
}

/** Apache counts the root twice, since it stands under two paths there. */
export function znodeCount({ tree }: Replica): number {
  return tree.nodes.size + 1
}
