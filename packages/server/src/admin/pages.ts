/**
 * The admin pages that only show something, or set numbers back: their names and the keys of their JSON, as in Apache (Commands.java,
 * release 3.9). Those that need a permission are in transfer.ts.
 */
import { effectiveSettings } from '../config/effective.ts'
import type { Replica } from '../replica.ts'
import { version } from '../version.ts'
import type { PageData } from './answers.ts'
import { operationName, whole } from './connections.ts'
import { configurationFacts, mode, resetConnectionStats, resetServerStats } from './facts.ts'
import { znodeCount } from './figures.ts'
import { logFailed } from './health.ts'
import { JavaDouble, type Json } from './json.ts'
import { leader, observers, votingView, zabState } from './member-pages.ts'
import { monitorPairs, readFigures } from './monitor.ts'
import type { Page, PageSources } from './page.ts'
import type { ConnectionView, ServerView } from './view.ts'

/** Characters of what a page lists, about; what is left out is not shown. */
const listedMax = 8 << 20

export const pages: readonly Page[] = [
  { names: ['configuration', 'conf', 'config'], make: configuration },
  {
    names: ['connection_stat_reset', 'crst'],
    make({ server }) {
      resetConnectionStats(server)
      return {}
    },
  },
  {
    names: ['connections', 'cons'],
    make: ({ server }) => listed(server, false),
  },
  {
    names: ['dirs'],
    async make({ storage }) {
      const sizes = await storage?.sizes()
      return { datadir_size: sizes?.snapshots ?? 0, logdir_size: sizes?.logs ?? 0 }
    },
  },
  { names: ['dump'], make: dump },
  { names: ['environment', 'env', 'envi'], make: environment },
  { names: ['get_trace_mask', 'gtmk'], make: ({ server }) => ({ tracemask: server.trace.mask }) },
  {
    names: ['hash'],
    make: ({ replica }) => ({
      digests: replica.applier.digests.map(([zxid, digest]) => ({
        zxid,
        digest: BigInt.asIntN(64, digest),
        digest_version: 2,
      })),
    }),
  },
  { names: ['initial_configuration', 'icfg'], make: initialConfiguration },
  { names: ['is_read_only', 'isro'], make: ({ replica }) => ({ read_only: mode(replica) === 'read-only' }) },
  {
    names: ['last_snapshot', 'lsnp'],
    make({ storage }) {
      const { zxid, wall } = storage?.lastSnapshot ?? { zxid: -1n, wall: -1000 }
      return { zxid: BigInt.asUintN(64, zxid).toString(16), timestamp: Math.floor(wall / 1000) }
    },
  },
  { names: ['leader', 'lead'], make: leader },
  { names: ['monitor', 'mntr'], make: monitor },
  { names: ['observer_connection_stat_reset', 'orst'], make: () => ({}) },
  { names: ['observers', 'obsr'], make: observers },
  { names: ['ruok'], make: ({ replica }) => (replica.logFailure === undefined ? {} : { error: logFailed }) },
  { names: ['server_stats', 'srvr'], make: serverStats },
  { names: ['set_trace_mask', 'stmk'], make: setTraceMask },
  {
    names: ['stat_reset', 'srst'],
    make({ server, storage }) {
      resetServerStats(server, storage)
      return {}
    },
  },
  {
    names: ['stats', 'stat'],
    make: async (sources) => ({
      ...(await serverStats(sources)),
      ...listed(sources.server, true),
    }),
  },
  {
    names: ['system_properties', 'sysp'],
    make: ({ runtime }) => Object.fromEntries([...runtime.machine.facts()].sort(([a], [b]) => (a < b ? -1 : 1))),
  },
  { names: ['voting_view'], make: votingView },
  { names: ['watch_summary', 'wchs'], make: watchSummary },
  { names: ['watches', 'wchc'], make: watches },
  { names: ['watches_by_path', 'wchp'], make: watchesByPath },
  { names: ['zabstate'], make: zabState },
]

async function configuration({ server, storage, runtime }: PageSources): Promise<PageData> {
  const facts = await configurationFacts(server, storage, runtime)
  return {
    client_port: facts.clientPort,
    data_dir: facts.dataDir,
    data_log_dir: facts.dataLogDir,
    tick_time: facts.tickTime,
    max_client_cnxns: facts.maxClientCnxns,
    min_session_timeout: facts.minSessionTimeout,
    max_session_timeout: facts.maxSessionTimeout,
    server_id: facts.serverId,
    client_port_listen_backlog: facts.clientPortListenBacklog,
  }
}

/** As many items as fit; `sizeOf` says how many characters an item takes. */
function fitting<T>(items: Iterable<T>, sizeOf: (item: T) => number): T[] {
  const found: T[] = []
  let left = listedMax
  for (const item of items) {
    left -= sizeOf(item)
    if (left < 0) break
    found.push(item)
  }
  return found
}

/** Those of the port for TLS alone have a list of their own. */
function listed({ connections, secureConnections }: ServerView, isBrief: boolean): PageData {
  const plain: Json[] = []
  const secure: Json[] = []
  for (const connection of fitting(connections, () => 600)) {
    const list = secureConnections.has(connection) ? secure : plain
    list.push(connectionData(connection, isBrief))
  }
  return { connections: plain, secure_connections: secure }
}

function connectionData(connection: ConnectionView, isBrief: boolean): PageData {
  const { remote, replies, received, sent, session, stats } = connection
  const brief = {
    remote_socket_address: remote,
    interest_ops: connection.isReading ? 1 : 0,
    outstanding_requests: replies.length,
    packets_received: received,
    packets_sent: sent,
  }
  if (isBrief) return brief
  return {
    ...brief,
    session_id: session?.id ?? 0n,
    last_operation: operationName(stats.lastType),
    established: stats.establishedAt,
    session_timeout: session?.timeoutMs ?? 0,
    last_cxid: stats.lastCxid,
    last_zxid: stats.lastZxid,
    last_response_time: whole(stats.lastResponseAt),
    last_latency: whole(stats.lastLatency),
    min_latency: whole(stats.minLatency),
    avg_latency: whole(stats.averageLatency),
    max_latency: whole(stats.maxLatency),
  }
}

/** Times are monotonic milliseconds, as in Apache. */
function dump({ replica }: PageSources): PageData {
  const expiries = replica.sessions.expiries()
  const owners = fitting(replica.tree.ephemerals(), ([, paths]) => sizeOf(paths))
  return {
    expiry_time_to_session_ids: new Map(
      expiries.map(([at, sessions]): [string, Json] => [`${whole(at)}`, [...sessions].map(({ id }) => id)]),
    ),
    session_id_to_ephemeral_paths: new Map(owners.map(([id, paths]): [string, Json] => [`${id}`, [...paths]])),
  }
}

function sizeOf(paths: Iterable<string>): number {
  let size = 30
  for (const path of paths) size += path.length + 4
  return size
}

function environment({ runtime }: PageSources): PageData {
  return { 'zookeeper.version': version, ...Object.fromEntries(runtime.machine.facts()) }
}

/** Settings in the form of a zoo.cfg, without secrets and what is not set. */
function initialConfiguration({ server }: PageSources): PageData {
  const lines = effectiveSettings(server.config).flatMap(({ key, value }) =>
    value === '' || value === '(none)' || value === '(not shown)' ? [] : [`${key}=${value}\n`],
  )
  return { initial_configuration: lines.join('') }
}

async function monitor({ server, replica, storage, runtime }: PageSources): Promise<PageData> {
  return Object.fromEntries(monitorPairs(replica, await readFigures(server, replica, storage, runtime)))
}

async function serverStats({ server, replica, storage, runtime }: PageSources): Promise<PageData> {
  const { stats } = server
  const { latency, replySizes } = stats
  const sizes = await storage?.sizes()
  const responses = {
    last_buffer_size: replySizes.last,
    min_buffer_size: replySizes.min,
    max_buffer_size: replySizes.max,
  }
  return {
    version,
    read_only: mode(replica) === 'read-only',
    server_stats: {
      packets_sent: stats.sent,
      packets_received: stats.received,
      fsync_threshold_exceed_count: stats.slowSyncs,
      client_response_stats: responses,
      // Only Apache's Netty counts these.
      non_mtlslocal_conn_count: 0,
      non_mtlsremote_conn_count: 0,
      auth_failed_count: stats.authFailures,
      data_dir_size: sizes?.snapshots ?? 0,
      log_dir_size: sizes?.logs ?? 0,
      last_processed_zxid: replica.lastZxid,
      outstanding_requests: replica.desk.outstanding,
      server_state: mode(replica),
      avg_latency: new JavaDouble(latency.average),
      max_latency: whole(latency.max),
      min_latency: whole(latency.min),
      num_alive_client_connections: server.connections.size,
      provider_null: false,
      uptime: whole(runtime.clock.now() - server.startedAt),
    },
    client_response: responses,
    ...proposalStats(replica),
    node_count: znodeCount(replica),
  }
}

function proposalStats({ leadership }: Replica): PageData {
  if (leadership === undefined) return {}
  const { last, min, max } = leadership.proposalSizes
  return { proposal_stats: { last_buffer_size: last, min_buffer_size: min, max_buffer_size: max } }
}

function setTraceMask({ server, query }: PageSources): PageData {
  const given = query.get('traceMask')
  if (given === undefined) return { error: 'setTraceMask requires long traceMask argument' }
  const mask = /^[+-]?\d{1,19}$/.test(given) ? BigInt(given) : undefined
  if (mask === undefined || BigInt.asIntN(64, mask) !== mask) {
    return { error: `setTraceMask requires long traceMask argument, got ${given}` }
  }
  server.trace.mask = mask
  return { tracemask: mask }
}

function watchSummary({ replica }: PageSources): PageData {
  const { data } = replica.watches
  return { num_connections: data.watcherCount, num_paths: data.pathCount, num_total_watches: data.size }
}

/** Watches of data by session; Apache leaves watches of children out. */
function watches({ server, replica }: PageSources): PageData {
  const byWatcher = replica.watches.data.byWatcher()
  const watching = [...server.connections].flatMap((connection): [bigint, readonly string[]][] => {
    const paths = byWatcher.get(connection)
    return paths === undefined ? [] : [[connection.session?.id ?? 0n, [...paths]]]
  })
  const shown = fitting(watching, ([, paths]) => sizeOf(paths))
  return { session_id_to_watched_paths: new Map(shown.map(([id, paths]): [string, Json] => [`${id}`, paths])) }
}

function watchesByPath({ server, replica }: PageSources): PageData {
  const idOf = new Map<unknown, bigint>()
  for (const connection of server.connections) idOf.set(connection, connection.session?.id ?? 0n)
  const shown = fitting(replica.watches.data.byPath(), ([path, watchers]) => path.length + watchers.length * 24)
  return {
    path_to_session_ids: new Map(
      shown.map(([path, watchers]): [string, Json] => [path, watchers.map((each) => idOf.get(each) ?? 0n)]),
    ),
  }
}
