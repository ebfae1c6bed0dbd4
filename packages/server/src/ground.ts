/** What a server stands on before any data is touched: its settings, its log, its certificates and its audit log. */
import { countedLog, leveledLog, type Runtime } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { type AuditLog, openAudit } from './audit/audit-log.ts'
import type { ServerConfig, ServerOptions } from './config/config.ts'
import { LiveConfig } from './config/live-config.ts'
import { loadCredentials, type PortCredentials } from './tls/host.ts'
import { release } from './version.ts'

export interface Ground {
  readonly live: LiveConfig
  /** The settings, as they are now. */
  readonly config: ServerConfig
  readonly credentials: PortCredentials
  /** Undefined where nothing is audited. */
  readonly audit: AuditLog | undefined
  /** The host for all that clients cause: a line that comes again and again is counted, and written once. */
  readonly host: Runtime
  /** The host for storage, whose lines are all written. */
  readonly storageHost: Runtime
  /** Writes what was counted and not written yet. */
  stopCounting(): void
}

/** @throws ConfigError for settings, or a file they name, that cannot be used; the system's error for the audit log. */
export async function layGround(options: ServerOptions, runtime: Partial<Runtime>): Promise<Ground> {
  const own = nodeRuntime(runtime)
  const live = new LiveConfig(options, own.clock.wall())
  const { config } = live
  const storageHost: Runtime = { ...own, log: leveledLog(own.log, () => config.logLevel) }
  const counted = countedLog(storageHost.log, storageHost.clock)
  const host: Runtime = { ...storageHost, log: counted.log }
  const credentials = await loadCredentials(config, host)
  for (const each of Object.values(credentials)) if (each !== undefined) live.add(each)
  host.log('info', 'the server starts', { version: release, dataDir: config.dataDir, dataLogDir: config.dataLogDir })
  // Whatever the level: an audit log without some of its lines is none.
  const audit = await openAudit(config, { ...storageHost, log: own.log })
  return { live, config, credentials, audit, host, storageHost, stopCounting: () => counted.stop() }
}
