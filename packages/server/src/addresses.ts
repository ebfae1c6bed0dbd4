/** Where clients find a server, once its ports are open. */
import { formatAddress } from '@lightkeeper/runtime'
import type { ServerConfig } from './config/config.ts'

export interface Addresses {
  /** The address that it listens on, as it was given: `0.0.0.0` for all. Use `connectString` to connect. */
  readonly host: string
  /** The real port, also where 0 was asked for. The port for TLS where that is the only one. */
  readonly port: number
  /** The address for clients, `host:port`. */
  readonly connectString: string
  /** The port for TLS alone; undefined where there is none. */
  readonly securePort: number | undefined
  /** What a client connects to with TLS, `host:port`; undefined where there is no port for TLS alone. */
  readonly secureConnectString: string | undefined
}

type Hosts = Pick<ServerConfig, 'clientPortAddress' | 'secureClientPortAddress'>

/** A port that is not open is -1; at least one is open. */
export function addressesOf(
  { clientPortAddress, secureClientPortAddress }: Hosts,
  { port, securePort }: { readonly port: number; readonly securePort: number },
): Addresses {
  const plain = { host: clientPortAddress, port }
  const secure = securePort < 0 ? undefined : { host: secureClientPortAddress, port: securePort }
  const first = port < 0 && secure !== undefined ? secure : plain
  return {
    ...first,
    connectString: reachable(first),
    securePort: secure?.port,
    secureConnectString: secure === undefined ? undefined : reachable(secure),
  }
}

/** An address that a client on this machine can connect to, also where the server listens on all interfaces. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  return formatAddress(host === '0.0.0.0' || host === '::' || host === '' ? '127.0.0.1' : host, port)
}
