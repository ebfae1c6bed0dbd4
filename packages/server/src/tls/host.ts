/** The certificates of a server, where its settings ask for TLS and its host has it. */
import type { Runtime } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import { Credentials } from './credentials.ts'

/**
 * Undefined where the settings ask for no TLS.
 * @throws ConfigError for a file that cannot be used.
 */
export async function loadCredentials(
  { tls }: Pick<ServerConfig, 'tls'>,
  { network, disk, clock, log }: Runtime,
): Promise<Credentials | undefined> {
  if (tls === undefined) return undefined
  const { tlsContext } = network
  if (tlsContext === undefined) throw new Error('the settings ask for TLS, and this host accepts none')
  return Credentials.load(tls, { disk, clock, log, tlsContext: (options) => tlsContext.call(network, options) })
}
