/** `host:port` and `[v6]:port`, taken apart and put together. */

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Unbracketed text is split at its last colon, as Java's client does.
 * @throws TypeError saying what is wrong with `text`.
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(text)
  const plain = bracketed ?? /^(.*?)(?::(\d*))?$/.exec(text)
  const host = plain?.[1] ?? ''
  const digits = plain?.[2] ?? ''
  if (text.startsWith('[') && bracketed === null)
    throw new TypeError(`"${text}" is not an address: expected [v6] or [v6]:port`)
  if (host === '') throw new TypeError(`"${text}" is not an address: the host is missing`)
  const port = digits === '' ? defaultPort : Number(digits)
  if (port === undefined) throw new TypeError(`"${text}" is not an address: the port is missing`)
  if (port > 65535) throw new TypeError(`"${text}" is not an address: port ${port} is above 65535`)
  return { host, port }
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
