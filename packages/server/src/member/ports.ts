/** The ports between members, as the settings want them: plain, or with TLS. */
import type { ServiceHouse } from '../service.ts'
import type { Credentials } from '../tls/credentials.ts'
import { type MemberPorts, memberNetwork, proofByHost } from '../transport/member-network.ts'
import type { Neighbours } from './neighbours.ts'

/** `credentials` are undefined where the ports speak no TLS. */
export function memberPorts(
  { runtime, config, stats }: Pick<ServiceHouse, 'runtime' | 'config' | 'stats'>,
  credentials: Credentials | undefined,
  { views }: Pick<Neighbours, 'views'>,
): MemberPorts {
  const { quorumTls, sslQuorum, portUnification, quorumHostnameVerification } = config
  if (credentials === undefined || quorumTls === undefined) {
    return { runtime, proof: undefined, start() {}, stop() {} }
  }
  const network = memberNetwork(
    {
      limits: quorumTls,
      dialsTls: sslQuorum,
      acceptsPlain: portUnification,
      checksHost: quorumHostnameVerification,
    },
    credentials,
    runtime,
    stats,
  )
  const checksMembers = quorumHostnameVerification && config.quorumClientHostnameVerification
  return {
    runtime: { ...runtime, network },
    proof: checksMembers ? proofByHost((sid) => views.get(sid)?.hosts) : undefined,
    start: () => credentials.watch(),
    stop() {
      credentials.stop()
      network.stop()
    },
  }
}
