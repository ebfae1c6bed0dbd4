/**
 * Who may ask the gateway. A page of another site must not reach it, neither through the browser of an operator nor under a name that
 * was made to mean this machine (DNS rebinding); and without the token nobody may, where one is required.
 */
import { isIpv4, isIpv6 } from '@lightkeeper/runtime'

export interface GateOptions {
  /** Host names under which the console may be asked, in small letters, besides addresses and `localhost`. */
  readonly hostNames: ReadonlySet<string>
  /** Undefined where none is required. */
  readonly token: string | undefined
}

/** The headers that decide. */
export interface Asking {
  readonly method: string
  readonly path: string
  header(name: string): string | undefined
}

export interface Refusal {
  readonly status: 401 | 403
  readonly code: 'TOKEN' | 'REFUSED'
  readonly message: string
}

/** Why a request is refused; undefined where it may be served. */
export function refusalOf(asking: Asking, { hostNames, token }: GateOptions): Refusal | undefined {
  const host = asking.header('host')
  const name = nameOf(host)
  if (name === undefined) return refused('the Host header is missing')
  if (!isIpv4(name) && !isIpv6(name) && name !== 'localhost' && !hostNames.has(name)) {
    const shown = JSON.stringify(name.slice(0, 100))
    return refused(`the Host header names ${shown}, which is no name of this console; start it with --allow-host`)
  }
  const isPage = asking.method === 'GET' && !isApi(asking.path)
  const site = asking.header('sec-fetch-site')
  // A link on another page may lead here; its scripts may not.
  const isLink = isPage && asking.header('sec-fetch-mode') === 'navigate'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isLink) {
    return refused('the request comes from another site')
  }
  const origin = asking.header('origin')
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return refused('the Origin header names another site')
  }
  if (!isApi(asking.path)) return undefined
  if (asking.method !== 'GET' && asking.header('content-type')?.split(';')[0]?.trim() !== 'application/json') {
    // A form of another site can send everything but this.
    return refused('a write must have the content type application/json')
  }
  if (token === undefined) return undefined
  const given = /^Bearer (.+)$/.exec(asking.header('authorization') ?? '')?.[1]
  if (given !== undefined && isSame(given, token)) return undefined
  const what = given === undefined ? 'this console needs a token' : 'the token is wrong'
  return { status: 401, code: 'TOKEN', message: `${what}; the address that the console printed at its start has it` }
}

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}

function refused(message: string): Refusal {
  return { status: 403, code: 'REFUSED', message }
}

/** Takes the same time wherever the texts begin to differ. */
function isSame(given: string, token: string): boolean {
  let difference = given.length ^ token.length
  for (let i = 0; i < token.length; i++) difference |= token.charCodeAt(i) ^ (given.charCodeAt(i) || 0)
  return difference === 0
}

/** `localhost` for `LOCALHOST:8080`, `::1` for `[::1]:8080`. */
function nameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === '') return undefined
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? []
  return (bracketed ?? plain)?.toLowerCase() || undefined
}

/** What every answer says to a browser: nothing from elsewhere, no frame, no guess at types. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
}
