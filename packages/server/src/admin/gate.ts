/**
 * Who may ask the admin pages at all. A page in a browser must not reach them: neither under another name that was made to mean this
 * machine (DNS rebinding), nor across sites. So the Host header must name the server as its operator knows it, and requests that a
 * browser marks as coming from elsewhere are refused.
 */

import type { HttpRequest } from '@lightkeeper/runtime'
import { isIpv4, isIpv6 } from '@lightkeeper/runtime'

/** Why a request is refused, undefined where it may be served. `names` are the host names of this server in small letters, `*` for any. */
export function refusalOf(request: HttpRequest, names: ReadonlySet<string>): string | undefined {
  const host = request.header('host')
  if (!names.has('*')) {
    const name = nameOf(host)
    if (name === undefined) return 'the Host header is missing'
    if (!isIpv4(name) && !isIpv6(name) && !names.has(name)) {
      return `the Host header names ${JSON.stringify(name.slice(0, 100))}, which is no name of this server; list it in admin.allowedHosts`
    }
  }
  const site = request.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'the request comes from another site'
  const origin = request.header('origin')
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 'the Origin header names another site'
  }
  return undefined
}

/** `localhost` for `LOCALHOST:8080`, `::1` for `[::1]:8080`. */
function nameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === '') return undefined
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? []
  return (bracketed ?? plain)?.toLowerCase()
}

/** So many requests of one kind in a time; one more is refused (RateLimiter.java). */
export class RateLimit {
  readonly #most: number
  readonly #intervalMs: number
  #startedAt: number | undefined
  #count = 0

  constructor(most: number, intervalMs: number) {
    this.#most = most
    this.#intervalMs = intervalMs
  }

  /** Whether one more is allowed at `now`, monotonic milliseconds; counts it then. */
  allows(now: number): boolean {
    if (this.#startedAt === undefined || now - this.#startedAt >= this.#intervalMs) {
      this.#startedAt = now
      this.#count = 0
    }
    if (this.#count >= this.#most) return false
    this.#count++
    return true
  }
}
