/**
 * The network between members with TLS: a dial proves who is reached, and what is accepted is admitted after its handshake. For the links
 * above nothing changes. Which server has shown the certificate is known later, when it has said its number: see `PeerProof`.
 */
import type { Link, LinkEvents, Log, Network, Runtime } from '@lightkeeper/runtime'
import type { ServerStats } from '../stats.ts'
import type { Credentials } from '../tls/credentials.ts'
import { isForHost } from '../tls/host-name.ts'
import { type HandshakeLimits, Handshakes } from './handshakes.ts'
import type { MemberLogins } from './member-logins.ts'

/** What members need of a host to reach each other. */
export interface MemberPorts {
  /** Its network is that between election ports. */
  readonly runtime: Runtime
  /** Its network is that between learners and their leader. */
  readonly quorumRuntime: Runtime
  /** For the election port. Undefined where members do not log in to each other. */
  readonly logins: MemberLogins | undefined
  /** Undefined where no certificate is checked against the number of a server. */
  readonly proof: PeerProof | undefined
  start(): void
  stop(): void
}

export interface MemberTlsOptions {
  readonly limits: HandshakeLimits
  /** Whether this server dials with TLS. */
  readonly dialsTls: boolean
  /** Whether it also accepts members without TLS. */
  readonly acceptsPlain: boolean
  /** Whether a server that is dialed must have a certificate for the host of its line. */
  readonly checksHost: boolean
}

/** What is wrong with a member that says it is `sid`, by the certificate of its link; undefined where nothing is. */
export type PeerProof = (link: Pick<Link, 'peerCertificate'>, sid: number) => string | undefined

/** For the ports between members, in place of the network of the host. */
export function memberNetwork(
  { limits, dialsTls, acceptsPlain, checksHost }: MemberTlsOptions,
  credentials: Credentials,
  { network, clock, log }: Runtime,
  stats: ServerStats,
): Network & { stop(): void } {
  const ownLog: Log = (level, message, facts) => log(level, message, { port: 'between members', ...facts })
  const handshakes = new Handshakes(limits, clock, ownLog, stats, () => credentials.context)
  return {
    ...network,
    connect(address, events, options) {
      if (!dialsTls) return network.connect(address, events, options)
      const { peer } = credentials
      const tls = checksHost ? peer : { ...peer, checkServerIdentity: () => undefined }
      return network.connect(address, events, { ...options, tls })
    },
    listen(address, accept, options) {
      const door = { admit: (link: Link): LinkEvents => accept(link), ended() {} }
      return network.listen(address, (link) => handshakes.accept(link, acceptsPlain, door), options)
    },
    stop: () => handshakes.stop(),
  }
}

/** `hostsOf` has the hosts of a line; undefined where there is no line, which is refused elsewhere. */
export function proofByHost(hostsOf: (sid: number) => readonly string[] | undefined): PeerProof {
  return ({ peerCertificate }, sid) => {
    const hosts = hostsOf(sid)
    // Without a certificate the link is one without TLS, which is allowed then.
    if (peerCertificate === undefined || hosts === undefined) return undefined
    if (hosts.some((host) => isForHost(peerCertificate, host))) return undefined
    return `the certificate of server ${sid} is not for ${hosts.join(' or ')}, the host of its line`
  }
}
