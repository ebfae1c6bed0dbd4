/** Connect strings: `host[:port],host[:port]…[/chroot]` (ConnectStringParser.java), or `srv:NAME[/chroot]`. */
import { pathProblem, type ZnodePath } from '@lightkeeper/protocol'
import { formatAddress, isIpv4, parseAddress } from '@lightkeeper/runtime'

export interface ConnectString {
  /** `host:port` each, in the given order. */
  readonly servers: readonly string[]
  /** Empty, or an absolute path without a trailing slash. It is put in front of every path. */
  readonly chroot: string
  /** The DNS name whose SRV records name the servers, instead of a list. */
  readonly service?: string
}

const defaultPort = 2181

/** The beginnings of a text that names a service; the second is that of Java's client. */
const servicePrefixes = ['srv:', 'dns-srv://']

/**
 * Parses a connect string; sends nothing. White space around the whole and around each server is ignored, and so are empty parts
 * between commas. Forms of other tools are refused, and the error says what to write instead.
 * @throws TypeError that says what is wrong.
 */
export function parseConnectString(text: string): ConnectString {
  if (typeof text !== 'string') {
    throw new TypeError(`a connect string must be a string like "host:2181,host:2181/chroot", not ${typeOf(text)}`)
  }
  const whole = text.trim()
  const refuse = (problem: string): TypeError => new TypeError(`connect string ${shown(text)}: ${problem}`)
  if (/^["'`]|["'`]$/.test(whole)) throw refuse('remove the quotes')
  const prefix = servicePrefixes.find((begin) => whole.startsWith(begin))
  const list = prefix === undefined ? whole : whole.slice(prefix.length)
  const scheme = list.indexOf('://')
  if (scheme >= 0) {
    const name = /\w*$/.exec(list.slice(Math.max(0, scheme - 20), scheme))?.[0]
    throw refuse(`remove "${name}://"; servers are written as host:port, without a scheme`)
  }
  const slash = list.indexOf('/')
  const hosts = slash < 0 ? list : list.slice(0, slash)
  const chroot = slash < 0 || slash === list.length - 1 ? '' : list.slice(slash)
  const problemOfChroot = chroot === '' ? undefined : chrootProblem(chroot)
  if (problemOfChroot !== undefined) throw refuse(problemOfChroot)
  if (prefix !== undefined) {
    const service = hosts.trim()
    if (/^\d+$/.test(service) || !/^[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*\.?$/u.test(service))
      throw refuse(`"${service}" is no name of a service`)
    return { servers: [], chroot, service }
  }
  if (hosts.includes(';')) throw refuse('separate the servers with commas, not semicolons')
  const servers: string[] = []
  for (const piece of hosts.split(',')) {
    const server = piece.trim()
    if (server === '') continue
    if (/\s/.test(server)) throw refuse(`white space in ${shown(server)}; separate the servers with commas`)
    servers.push(serverOf(server, refuse))
  }
  if (servers.length === 0) throw refuse('it names no server')
  return { servers, chroot }
}

/** One server as the rest of the client names it, `host:port`. @throws TypeError that says what is wrong. */
export function parseServer(text: string): string {
  if (typeof text !== 'string') throw new TypeError(`a server must be a string like "host:2181", not ${typeOf(text)}`)
  return serverOf(text.trim(), (problem) => new TypeError(`server ${shown(text)}: ${problem}`))
}

function serverOf(text: string, refuse: (problem: string) => TypeError): string {
  if (text.startsWith('srv:')) throw refuse('a service must be the only entry: "srv:NAME" or "srv:NAME/chroot"')
  if (text.includes('@'))
    throw refuse('write no user and no password in front of a server; give identities with `auth`')
  let address: ReturnType<typeof parseAddress>
  try {
    address = parseAddress(text, defaultPort)
  } catch (error) {
    throw refuse((error as Error).message)
  }
  if (address.port === 0) throw refuse(`${text}: port 0 cannot be used; a port is from 1 to 65535`)
  return formatAddress(address.host, address.port)
}

function chrootProblem(chroot: string): string | undefined {
  // A comma may be part of a znode's name. A server after the comma means that the user put the chroot behind each server.
  const [first = '', ...rest] = chroot.split(',')
  if (rest.some((piece) => readsAsServer(piece.trim(), first))) {
    return `write the chroot once, behind the last server: "host:port,host:port${first.trim()}", not behind each of them`
  }
  const problem = pathProblem(chroot)
  if (problem !== undefined) return `chroot ${JSON.stringify(chroot)}: ${problem}`
  if (/\/\s|\s(\/|$)/.test(chroot)) return `chroot ${JSON.stringify(chroot)}: white space at the end of a name`
  return undefined
}

/** Whether the text after a comma in a chroot is a server; `first` is the chroot up to the comma. */
function readsAsServer(piece: string, first: string): boolean {
  const slash = piece.indexOf('/')
  const host = (slash < 0 ? piece : piece.slice(0, slash)).trim()
  if (/^(\[.*\]|[^\s:]+):\d*$/.test(host) || /^\[.*:.*\]$/.test(host) || isIpv4(host) || host === 'localhost')
    return true
  return host !== '' && slash >= 0 && piece.slice(slash).trim() === first.trim()
}

/** The text in quotes, so that line ends show, and without a password in front of a host. */
function shown(text: string): string {
  const open = text.length > 300 ? `${text.slice(0, 300)}…` : text
  return JSON.stringify(open.replace(/[^\s,/@]*:[^\s,/@]*@/g, '…@'))
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
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

  /** Paths outside the chroot (those of the server itself, below /zookeeper) stay unchanged. */
  toUser(path: string): ZnodePath {
    const { prefix } = this
    if (prefix !== '' && path === prefix) return '/'
    const isInside = prefix !== '' && path.startsWith(`${prefix}/`)
    // Servers use absolute paths, so the rest after the prefix begins with a slash.
    return (isInside ? path.slice(prefix.length) : path) as ZnodePath
  }
}
