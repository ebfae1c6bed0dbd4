/**
 * Addresses: one grammar for client, server, command lines and configuration files. This is pure text; no name is
 * resolved.
 *
 * address = name [":" port] | "[" ipv6 "]" [":" port] | ipv6 | ipv6 ":" port name    = letters, digits, "-", "_" and
 * "." (a host name, or an IPv4 address) ipv6    = an IPv6 address, with a zone behind "%" where the link matters port
 * = 0 to 65535, in decimal digits; "name:" has the default port, as in Java's client
 *
 * An IPv6 address without brackets may have a port only where the text cannot be an address as a whole: `::1:2181` is
 * both.
 */

export interface Address {
  readonly host: string
  readonly port: number
}

/** @throws TypeError saying what is wrong with `text`. */
export function parseAddress(text: string, defaultPort?: number): Address {
  const { host, digits } = text.startsWith('[') ? bracketed(text) : plain(text)
  if (digits === '') {
    if (defaultPort === undefined) throw new TypeError(`${shown(text)} is not an address: the port is missing`)
    return { host, port: defaultPort }
  }
  if (!/^\d+$/.test(digits)) {
    throw new TypeError(`${shown(text)} is not an address: the port ${shown(digits)} is not a number from 0 to 65535`)
  }
  const port = Number(digits)
  if (port > 65535) throw new TypeError(`${shown(text)} is not an address: the port ${digits} is above 65535`)
  return { host, port }
}

/**
 * A host alone, without brackets. An IPv6 address may stand in brackets.
 * @throws TypeError saying what is wrong with `text`.
 */
export function parseHost(text: string): string {
  if (isIpv6(text)) return text
  const { host, digits } = text.startsWith('[') ? bracketed(text) : plain(text)
  if (digits !== '' || text.endsWith(':')) {
    throw new TypeError(`${shown(text)} is not a host: there must be no port behind it`)
  }
  return host
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether `text` is an IPv6 address, with a zone or without; brackets are no part of one. */
export function isIpv6(text: string): boolean {
  const [address = '', zone] = text.split('%', 2)
  if (zone !== undefined && !/^[\w.~-]+$/.test(zone)) return false
  if (text.split('%').length > 2) return false
  const halves = address.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [at, half] of halves.entries()) {
    const pieces = half === '' ? [] : half.split(':')
    for (const [i, piece] of pieces.entries()) {
      const isLast = at === halves.length - 1 && i === pieces.length - 1
      if (/^[0-9a-f]{1,4}$/i.test(piece)) groups++
      else if (isLast && isIpv4(piece)) groups += 2
      else return false
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8
}

export function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

interface Split {
  readonly host: string
  /** The text after the host, where a port stands; empty if there is none. */
  readonly digits: string
}

function bracketed(text: string): Split {
  const match = /^\[([^\]]*)\](?::(.+))?$/s.exec(text)
  if (match === null) throw new TypeError(`${shown(text)} is not an address: expected [v6] or [v6]:port`)
  const [, host = '', digits = ''] = match
  if (!isIpv6(host)) throw new TypeError(`${shown(text)} is not an address: ${shown(host)} is not an IPv6 address`)
  return { host, digits }
}

function plain(text: string): Split {
  const at = text.lastIndexOf(':')
  const front = at < 0 ? text : text.slice(0, at)
  const digits = at < 0 ? '' : text.slice(at + 1)
  if (!front.includes(':')) {
    const problem = nameProblem(front)
    if (problem !== undefined) throw new TypeError(`${shown(text)} is not an address: ${problem}`)
    return { host: front, digits }
  }
  const isWhole = isIpv6(text)
  const isFront = isIpv6(front) && /^\d+$/.test(digits)
  if (isWhole && isFront) {
    throw new TypeError(
      `${shown(text)} can be read in two ways: write [${front}]:${digits} for port ${digits}, [${text}] for the default port`,
    )
  }
  if (isWhole) return { host: text, digits: '' }
  if (isFront) return { host: front, digits }
  throw new TypeError(`${shown(text)} is not an address: more than one colon; expected host:port or [v6]:port`)
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'the host is missing'
  const wrong = /[^\p{L}\p{M}\p{N}._-]/u.exec(name)
  if (wrong !== null) return `the character ${shown(wrong[0])} cannot stand in a host`
  if (/^\d+$/.test(name)) return `${name} is a number, not a host; expected host:port`
  if (/^\d+(\.\d+){3}$/.test(name) && !isIpv4(name)) return `${name} is not an IPv4 address`
  if (name.startsWith('.') || name.includes('..')) return 'a part of the name between dots is empty'
  if (name.length > 255) return `a name of ${name.length} characters is too long`
  return undefined
}

/** Quoted, so that blanks and line ends are visible, and cut, because the text may be long. */
function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
