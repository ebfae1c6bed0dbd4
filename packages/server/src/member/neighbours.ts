/** The other members as a driver needs them: addresses, times, votes. Made of the settings. */
import { formatAddress } from '@lightkeeper/runtime'
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
  /** `host:port` of the port where a member listens for learners while it leads. */
  quorumAddressOf(sid: number): string
  /** Where this server listens for learners while it leads, `host:port`. */
  readonly quorumListenAddress: string
  /** The ports of this server, which `conf` shows. */
  readonly own: { readonly quorumPort: number; readonly electionPort: number }
  /** All members by number, as operators see them. */
  readonly views: ReadonlyMap<number, MemberView>
}

/** `config` was checked: `members` and `myid` are there. */
export function neighboursOf(config: ServerConfig): Neighbours {
  const { tickTime, initLimit, syncLimit, connectToLearnerMasterLimit, quorumListenOnAllIPs, cnxTimeout } = config
  const sid = config.myid as number
  const { servers, membership } = parseMembers(config.members ?? {})
  const addressOf = (each: number) => {
    const address = servers.get(each)?.addresses[0]
    if (address === undefined) throw new Error(`there is no line server.${each}`)
    return address
  }
  const own = addressOf(sid)
  const others = [...servers.keys()].filter((each) => each !== sid)
  return {
    sid,
    hasVote: membership.voters.some((voter) => voter.sid === sid),
    membership,
    times: { ...defaultTimes, tickMs: tickTime, initLimit, syncLimit },
    election: {
      sid,
      ownAddress: formatAddress(own.host, own.electionPort),
      listenAddress: formatAddress(quorumListenOnAllIPs ? '::' : own.host, own.electionPort),
      peers: new Map(others.map((each) => [each, formatAddress(addressOf(each).host, addressOf(each).electionPort)])),
      connectTimeoutMs: cnxTimeout,
    },
    connectMs: (connectToLearnerMasterLimit || initLimit) * tickTime,
    quorumAddressOf: (each) => formatAddress(addressOf(each).host, addressOf(each).quorumPort),
    quorumListenAddress: formatAddress(quorumListenOnAllIPs ? '::' : own.host, own.quorumPort),
    own: { quorumPort: own.quorumPort, electionPort: own.electionPort },
    views: new Map([...servers].map(([each, member]) => [each, viewOf(each, member)])),
  }
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
