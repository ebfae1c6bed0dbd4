/**
 * Names of attributes: OpenTelemetry's conventions for clients of databases where they have one, else `zookeeper.…`. What metrics
 * carry is of few values; paths and sessions are for spans alone.
 */
import { KeeperError } from '@lightkeeper/client'
import type { Attributes } from '@opentelemetry/api'

export const system = 'zookeeper'

/** `host:port`, as the client names servers, in two. */
export function serverAttributes(server: string): Attributes {
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
