/** Admin pages about the ensemble of a member, under the names and keys of Apache (Commands.java). */
import { formatHex, zxidCounter, zxidEpoch } from '@lightkeeper/protocol'
import { formatAddress, parseAddress } from '@lightkeeper/runtime'
import { type EnsembleView, hasVote, type LearnerView, type MemberView } from '../ensemble-view.ts'
import type { Replica } from '../replica.ts'
import type { PageData } from './answers.ts'
import type { Json } from './json.ts'
import type { PageSources } from './page.ts'
import type { ServerView } from './view.ts'

/** Undefined where the server stands alone, or has no leader: Apache asks another kind of server then. */
function ensembleOf({ ensemble, role }: Replica): EnsembleView | undefined {
  return role === 'read-only' ? undefined : ensemble
}

export function leader({ replica }: PageSources): PageData {
  const ensemble = ensembleOf(replica)
  if (ensemble === undefined) return { error: 'server is not initialized' }
  return {
    is_leader: replica.role === 'leader',
    leader_id: ensemble.leader?.sid ?? -1,
    leader_ip: (ensemble.leader && [...new Set(ensemble.leader.hosts)].join('|')) ?? '',
  }
}

export function observers({ replica }: PageSources): PageData {
  const up = replica.leadership?.learners.filter(({ isObserver, isUp }) => isObserver && isUp) ?? []
  return { synced_observers: up.length, observers: up.map(learnerData) }
}

function learnerData(learner: LearnerView): Json {
  return {
    remote_socket_address: `/${learner.remote}`,
    sid: learner.sid,
    established: learner.establishedAt,
    queued_packets: learner.queuedPackets,
    queued_packets_size: learner.queuedBytes,
    packets_received: learner.received,
    packets_sent: learner.sent,
    requests: learner.requests,
    last_zxid: learner.lastZxid,
  }
}

export function votingView({ replica, server }: PageSources): PageData {
  const ensemble = ensembleOf(replica)
  const voters = ensemble?.voters ?? []
  return {
    current_config: new Map(
      voters.map((voter): [string, Json] => [
        `${voter.sid}`,
        {
          server_addresses: voter.quorumAddresses,
          election_addresses: voter.electionAddresses,
          client_address:
            voter.sid === ensemble?.own.sid ? clientAddressOf(voter, server) : (voter.clientAddress ?? ''),
          learner_type: 'participant',
        },
      ]),
    ),
  }
}

export function zabState({ replica, server }: PageSources): PageData {
  const ensemble = ensembleOf(replica)
  if (ensemble === undefined) return { voting: false, zabstate: '' }
  const { own } = ensemble
  const { lastZxid } = replica
  return {
    myid: own.sid,
    is_leader: replica.role === 'leader',
    quorum_address: addressData(own.quorumAddresses),
    election_address: addressData(own.electionAddresses),
    client_address: clientAddressOf(own, server),
    voting: hasVote(ensemble),
    last_zxid: formatHex(lastZxid),
    zab_epoch: zxidEpoch(lastZxid),
    zab_counter: zxidCounter(lastZxid),
    zabstate: 'broadcast',
  }
}

/** A line may leave this part to `clientPort`. */
function clientAddressOf({ clientAddress }: MemberView, { config, port }: ServerView): string {
  return clientAddress ?? formatAddress(config.clientPortAddress, port)
}

/** All that Apache's own type says of itself; a server reaches its own addresses. */
function addressData(addresses: readonly string[]): Json {
  const parsed = addresses.map((address) => parseAddress(address))
  const ports = [...new Set(parsed.map(({ port }) => port))]
  const [one = ''] = addresses
  return {
    empty: addresses.length === 0,
    all_addresses: addresses,
    wildcard_addresses: ports.map((port) => formatAddress('0.0.0.0', port)),
    all_ports: ports,
    all_host_strings: [...new Set(parsed.map(({ host }) => host))],
    reachable_address: one,
    all_reachable_addresses: addresses,
    all_reachable_addresses_or_all: addresses,
    reachable_or_one: one,
    one,
  }
}
