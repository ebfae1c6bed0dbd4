/** The other members as a driver needs them: addresses, times, votes. Made of the settings. */
import { formatAddress, parseAddress } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import { parseMembers } from '../config/ensemble-members.ts'
import type { Member } from '../config/members.ts'
import type { Membership } from '../config/membership.ts'
import type { MemberView } from '../ensemble-view.ts'
import type { ElectionLinksOptions } from '../transport/election-links.ts'
import { defaultTimes, type ZabTimes } from '../zab/inputs.ts'

export interface Neighbours {
  readonly sid: number
  /** This server is a participant. */
  readonly hasVote: boolean
  readonly membership: Membership
  readonly times: ZabTimes
  readonly election: ElectionLinksOptions
  /** How long a dial of the leader may take, milliseconds. */
  readonly connectMs: number
  /** `host:port` of each port where a member listens for learners while it leads. */
  quorumAddressesOf(sid: number): readonly string[]
  /** Where this server listens for learners while it leads, `host:port` each. */
  readonly quorumListenAddresses: readonly string[]
  /** The ports of this server, which `conf` shows: with `|` between them where it has several. */
  readonly own: { readonly quorumPort: string; readonly electionPort: string }
  /** All members by number, as operators see them. */
  readonly views: ReadonlyMap<number, MemberView>
}

/** `config` was checked: `members` and `myid` are there. */
export function neighboursOf(config: ServerConfig): Neighbours {
  const { tickTime, initLimit, syncLimit, connectToLearnerMasterLimit, quorumListenOnAllIPs, cnxTimeout } = config
  const sid = config.myid as number
  const { servers, membership } = parseMembers(config.members ?? {})
  const views = new Map([...servers].map(([each, member]) => [each, viewOf(each, member)]))
  const viewAt = (each: number): MemberView => {
    const view = views.get(each)
    if (view === undefined) throw new Error(`there is no line server.${each}`)
    return view
  }
  const own = viewAt(sid)
  const listensAt = (addresses: readonly string[]): readonly string[] =>
    quorumListenOnAllIPs ? portsOf(addresses).map((port) => formatAddress('::', port)) : [...new Set(addresses)]
  const others = [...servers.keys()].filter((each) => each !== sid)
  return {
    sid,
    hasVote: membership.voters.some((voter) => voter.sid === sid),
    membership,
    times: { ...defaultTimes, tickMs: tickTime, initLimit, syncLimit },
    election: {
      sid,
      ownAddresses: own.electionAddresses,
      hasSeveral: config.multiAddressEnabled,
      listenAddresses: listensAt(own.electionAddresses),
      peers: new Map(others.map((each) => [each, viewAt(each).electionAddresses])),
      connectTimeoutMs: cnxTimeout,
      recheckMs: config.multiAddressReachabilityCheckEnabled
        ? config.multiAddressReachabilityCheckTimeoutMs
        : undefined,
    },
    connectMs: (connectToLearnerMasterLimit || initLimit) * tickTime,
    quorumAddressesOf: (each) => viewAt(each).quorumAddresses,
    quorumListenAddresses: listensAt(own.quorumAddresses),
    own: {
      quorumPort: portsOf(own.quorumAddresses).join('|'),
      electionPort: portsOf(own.electionAddresses).join('|'),
    },
    views,
  }
}

/** Each port once. */
function portsOf(addresses: readonly string[]): number[] {
  return [...new Set(addresses.map((address) => parseAddress(address).port))]
}

function viewOf(sid: number, { addresses, client }: Member): MemberView {
  return {
    sid,
    hosts: addresses.map(({ host }) => host),
    quorumAddresses: addresses.map(({ host, quorumPort }) => formatAddress(host, quorumPort)),
    electionAddresses: addresses.map(({ host, electionPort }) => formatAddress(host, electionPort)),
    clientAddress: client && formatAddress(client.host ?? '0.0.0.0', client.port),
  }
}
