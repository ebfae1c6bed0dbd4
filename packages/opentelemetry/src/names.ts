/**
 * Names of attributes: OpenTelemetry's conventions for clients of databases where they have one, else `zookeeper.…`. What metrics
 * carry is of few values; paths and sessions are for spans alone.
 */
import { KeeperError } from '@lightkeeper/client'
import type { Attributes } from '@opentelemetry/api'

const system = 'zookeeper'

/** A process that goes through more servers than this forgets those it knew. */
const serversMax = 1000

/** The attributes of everything about a server: the system, host and port. Made once for each server. */
export class ServerAttributes {
  readonly #known = new Map<string, Readonly<Attributes>>()

  of(server: string): Readonly<Attributes> {
    const found = this.#known.get(server)
    if (found !== undefined) return found
    if (this.#known.size >= serversMax) this.#known.clear()
    const made: Attributes = { 'db.system.name': system, ...addressOf(server) }
    this.#known.set(server, made)
    return made
  }
}

/** `host:port`, as the client names servers, in two. */
function addressOf(server: string): Attributes {
  const colon = server.lastIndexOf(':')
  if (colon < 0) return {}
  const host = server.slice(0, colon)
  const address = host.startsWith('[') ? host.slice(1, -1) : host
  return { 'server.address': address, 'server.port': Number(server.slice(colon + 1)) }
}

/** What kind of failure it was; of an error that is none of ours, the name of its class. */
export function errorType(error: unknown): string {
  if (KeeperError.is(error)) return error.code
  return error instanceof Error ? error.name : '_OTHER'
}
