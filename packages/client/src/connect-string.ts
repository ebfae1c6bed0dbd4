/** Connect strings: `host[:port],host[:port]…[/chroot]` (ConnectStringParser.java, NetUtils.java), or `srv:NAME[/chroot]`. */
import { pathProblem } from '@lightkeeper/protocol'
import { formatAddress, parseAddress } from '@lightkeeper/runtime'

export interface ConnectString {
  /** `host:port` each, in the order given. */
  readonly servers: readonly string[]
  /** Empty, or an absolute path without a trailing slash that stands in front of every path. */
  readonly chroot: string
  /** The DNS name whose SRV records tell the servers, in place of a list. */
  readonly service?: string
}

const defaultPort = 2181

/** @throws TypeError saying what is wrong. */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/')
  const hosts = slash < 0 ? text : text.slice(0, slash)
  const chroot = slash < 0 || slash === text.length - 1 ? '' : text.slice(slash)
  const problemOfChroot = chroot === '' ? undefined : pathProblem(chroot)
  if (problemOfChroot !== undefined) {
    throw new TypeError(`connect string "${text}": chroot "${chroot}": ${problemOfChroot}`)
  }
  if (hosts.startsWith('srv:')) {
    const service = hosts.slice('srv:'.length).trim()
    if (!/^[^\s,:]+$/.test(service))
      throw new TypeError(`connect string "${text}": "${service}" is no name of a service`)
    return { servers: [], chroot, service }
  }
  const servers = hosts
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
    .map((piece) => {
      const { host, port } = parseAddress(piece, defaultPort)
      return formatAddress(host, port)
    })
  if (servers.length === 0) throw new TypeError(`connect string "${text}" names no server`)
  return { servers, chroot }
}

/** Maps paths between the user, who does not see the chroot, and the server. */
export class Chroot {
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix
  }

  toServer(path: string): string {
    if (this.prefix === '') return path
    return path === '/' ? this.prefix : this.prefix + path
  }

  /** Paths outside the chroot (a server's own, below /zookeeper) pass as they are. */
  toUser(path: string): string {
    const { prefix } = this
    if (prefix === '') return path
    if (path === prefix) return '/'
    return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path
  }
}
