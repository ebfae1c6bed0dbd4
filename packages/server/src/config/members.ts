/** `server.N` lines: who belongs to the ensemble, and where this server listens for clients (QuorumPeer.QuorumServer). */
import { isIpv6, parseHost } from '@lightkeeper/runtime'
import { ConfigError } from './config-error.ts'

export interface Member {
  readonly isObserver: boolean
  /** Where it is reached by other servers; more than one where it has several networks. */
  readonly addresses: readonly MemberAddress[]
  /** What stands behind the first semicolon: where clients are accepted. */
  readonly client?: ClientAddress
  /** What stands behind the second one: where clients with TLS are accepted. */
  readonly secureClient?: ClientAddress
}

export interface MemberAddress {
  readonly host: string
  /** Where a leader listens for learners. */
  readonly quorumPort: number
  readonly electionPort: number
}

/** Without a host it means all addresses. */
export interface ClientAddress {
  readonly host?: string
  readonly port: number
}

const form =
  'host:port:port or host:port:port:type, several of them with | between, and ;port or ;host:port behind them, with a second one for TLS'

/**
 * @param hasManyAddresses whether a member may have several addresses, with `|` between them.
 * @throws ConfigError for a line that Apache would not take.
 */
export function parseMember(key: string, value: string, hasManyAddresses: boolean): Member {
  const refuse = (wanted = form): ConfigError => new ConfigError(key, value, wanted)
  if (!/^server\.-?\d{1,18}$/.test(key)) throw ConfigError.refused(key, 'has no number behind "server."')
  const [servers = '', client, secure, ...rest] = value.split(';')
  if (rest.length > 0) throw refuse()
  // Java drops empty texts at the end.
  const addresses = servers.replace(/\|+$/, '').split('|')
  if (addresses.length > 1 && !hasManyAddresses) throw refuse('one address, since multiAddress.enabled is not true')
  const parsed = addresses.map((address) => addressOf(address, refuse))
  // An address without a type has that of the others: a server of Apache writes it once, behind the last one.
  const types = new Set(parsed.map(({ type }) => type).filter((type) => type !== undefined))
  if (types.size > 1) throw refuse('one type for all addresses')
  return {
    isObserver: types.has('observer'),
    addresses: distinct(parsed),
    ...(client === undefined || client === '' ? {} : { client: clientOf(client, refuse) }),
    ...(secure === undefined || secure === '' ? {} : { secureClient: clientOf(secure, refuse) }),
  }
}

/** Each address once. */
function distinct(addresses: readonly MemberAddress[]): MemberAddress[] {
  const byText = new Map(
    addresses.map(({ host, quorumPort, electionPort }) => [
      `${host} ${quorumPort} ${electionPort}`,
      { host, quorumPort, electionPort },
    ]),
  )
  return [...byText.values()]
}

/** `host:port:port[:type]`, where an IPv6 address stands in brackets. */
function addressOf(
  address: string,
  refuse: (wanted?: string) => ConfigError,
): MemberAddress & { readonly type: 'participant' | 'observer' | undefined } {
  const match = /^(\[[^\]]*\]|[^:[\]]+):(\d+):(\d+)(?::(.*))?$/.exec(address)
  const [, host = '', quorum, election, type = ''] = match ?? []
  // Java drops the empty text behind a last colon.
  const lower = type === '' ? undefined : type.trim().toLowerCase()
  if (match === null || !isPort(quorum) || !isPort(election) || !isHost(host)) throw refuse()
  if (quorum === election) throw refuse('two different ports')
  if (lower !== undefined && lower !== 'participant' && lower !== 'observer')
    throw refuse('the type participant or observer')
  return { type: lower, host: parseHost(host), quorumPort: Number(quorum), electionPort: Number(election) }
}

function clientOf(text: string, refuse: () => ConfigError): ClientAddress {
  const [, host, port] = /^(?:(\[[^\]]*\]|[^:[\]]*):)?(\d+)$/.exec(text) ?? []
  if (port === undefined || !isPort(port) || (host !== undefined && !isHost(host))) throw refuse()
  return host === undefined ? { port: Number(port) } : { host: parseHost(host), port: Number(port) }
}

function isPort(digits: string | undefined): boolean {
  return digits !== undefined && Number(digits) <= 65535
}

function isHost(text: string): boolean {
  if (text.startsWith('[')) return isIpv6(text.slice(1, -1))
  try {
    parseHost(text)
    return true
  } catch {
    return false
  }
}
