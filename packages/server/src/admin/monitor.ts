/** What `mntr` and the page `monitor` show: the figures of a server, one name and value each (DefaultMetricsProvider.java). */

import type { Runtime } from '@lightkeeper/runtime'
import type { Replica } from '../replica.ts'
import type { Summary } from '../stats.ts'
import type { Storage } from '../storage/storage.ts'
import { version } from '../version.ts'
import { mode } from './facts.ts'
import { type Figure, figures } from './figures.ts'
import { JavaDouble } from './json.ts'
import type { ServerView } from './view.ts'

export type Pair = readonly [name: string, value: string | number | JavaDouble]

/** The quantiles that Apache shows. */
const quantiles = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p999', 0.999],
] as const

/** The figures of `server`, which is served by `replica`. */
export async function readFigures(
  server: ServerView,
  replica: Replica,
  storage: Storage | undefined,
  runtime: Runtime,
): Promise<Figure[]> {
  const descriptors = await runtime.machine.descriptors()
  return figures({
    stats: server.stats,
    replica,
    connections: server.connections.size,
    now: runtime.clock.now(),
    startedAt: server.startedAt,
    snapshotTimes: storage?.snapshotTimes,
    descriptors,
  })
}

/**
 * Names and values in Apache's order: version and state first, then what members have (QuorumZooKeeperServer.java,
 * ObserverZooKeeperServer.java).
 */
export function monitorPairs(replica: Replica, all: readonly Figure[]): Pair[] {
  const { ensemble, role } = replica
  const ofMember: Pair[] = []
  const doing = peerStates[role]
  if (doing !== undefined) ofMember.push(['peer_state', `${doing} - broadcast`])
  if (role === 'observer') ofMember.push(['observer_master_id', ensemble?.leader?.sid ?? -1])
  return [['version', version], ['server_state', mode(replica)], ...ofMember, ...all.flatMap(pairsOf)]
}

/** What a member does, under the name of its state in Apache (QuorumPeer.java: getDetailedPeerState). */
const peerStates: Readonly<Partial<Record<Replica['role'], string>>> = {
  leader: 'leading',
  follower: 'following',
  observer: 'observing',
}

function pairsOf(figure: Figure): Pair[] {
  const { name, kind, value } = figure
  switch (kind) {
    case 'counter':
    case 'gauge':
      return [[name, value]]
    case 'decimal':
      return [[name, new JavaDouble(value)]]
    case 'set':
    case 'counterSet':
      return [...value].map(([namespace, each]) => [`${namespace}_${name}`, each])
    case 'summary':
      return summed(name, value)
    case 'distribution':
      return [
        ...summed(name, value),
        ...quantiles.map(([short, q]): Pair => [`${short}_${name}`, Math.round(value.quantile(q))]),
      ]
  }
}

function summed(name: string, { average, min, max, count, sum }: Summary): Pair[] {
  return [
    [`avg_${name}`, new JavaDouble(average)],
    [`min_${name}`, Math.round(min)],
    [`max_${name}`, Math.round(max)],
    [`cnt_${name}`, count],
    [`sum_${name}`, Math.round(sum)],
  ]
}
