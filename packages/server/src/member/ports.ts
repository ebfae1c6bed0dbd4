/** The ports between members, as the settings want them: plain or with TLS, with logins or without. */
import type { ServiceHouse } from '../service.ts'
import type { Credentials } from '../tls/credentials.ts'
import { loginNetwork, MemberLogins, networkWithoutLogins } from '../transport/member-logins.ts'
import { type MemberPorts, memberNetwork, proofByHost } from '../transport/member-network.ts'
import type { Neighbours } from './neighbours.ts'

/** `credentials` are undefined where the ports speak no TLS. */
export function memberPorts(
  house: Pick<ServiceHouse, 'runtime' | 'config' | 'stats'>,
  credentials: Credentials | undefined,
  neighbours: Pick<Neighbours, 'views'>,
): MemberPorts {
  const ports = portsBelowLogins(house, credentials, neighbours)
  const { quorumSasl } = house.config
  const { runtime } = ports
  if (quorumSasl === undefined)
    return { ...ports, quorumRuntime: { ...runtime, network: networkWithoutLogins(runtime) } }
  const logins = new MemberLogins(quorumSasl, runtime)
  return { ...ports, logins, quorumRuntime: { ...runtime, network: loginNetwork(logins, runtime) } }
}

function portsBelowLogins(
  { runtime, config, stats }: Pick<ServiceHouse, 'runtime' | 'config' | 'stats'>,
  credentials: Credentials | undefined,
  { views }: Pick<Neighbours, 'views'>,
): MemberPorts {
  const { quorumTls, sslQuorum, portUnification, quorumHostnameVerification } = config
  if (credentials === undefined || quorumTls === undefined) {
    return { runtime, quorumRuntime: runtime, proof: undefined, logins: undefined, start() {}, stop() {} }
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
  const withTls = { ...runtime, network }
  return {
    runtime: withTls,
    quorumRuntime: withTls,
    logins: undefined,
    proof: checksMembers ? proofByHost((sid) => views.get(sid)?.hosts) : undefined,
    start: () => credentials.watch(),
    stop() {
      credentials.stop()
      network.stop()
    },
  }
}
