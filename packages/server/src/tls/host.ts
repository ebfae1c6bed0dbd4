/** The certificates of the ports of a server, where its settings ask for TLS and its host has it. */
import type { Runtime } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import { Credentials } from './credentials.ts'
import type { TlsSettings } from './options.ts'

/** Undefined for each port that speaks no TLS. */
export interface PortCredentials {
  readonly clients: Credentials | undefined
  readonly admin: Credentials | undefined
  readonly metrics: Credentials | undefined
  /** Between the members of an ensemble. */
  readonly members: Credentials | undefined
}

type Settings = Pick<ServerConfig, 'tls' | 'adminTls' | 'metricsTls' | 'quorumTls'>

/** @throws ConfigError for a file that cannot be used. */
export async function loadCredentials(settings: Settings, runtime: Runtime): Promise<PortCredentials> {
  return {
    clients: await credentialsOf(settings.tls, runtime),
    admin: await credentialsOf(settings.adminTls, runtime),
    metrics: await credentialsOf(settings.metricsTls, runtime),
    members: await credentialsOf(settings.quorumTls, runtime),
  }
}

async function credentialsOf(
  settings: TlsSettings | undefined,
  { network, disk, clock, log }: Runtime,
): Promise<Credentials | undefined> {
  if (settings === undefined) return undefined
  const { tlsContext } = network
  if (tlsContext === undefined) throw new Error('the settings ask for TLS, and this host accepts none')
  return Credentials.load(settings, { disk, clock, log, tlsContext: (options) => tlsContext.call(network, options) })
}
