/** Composition root: settings and a host in, a running server out. */
import { countedLog, formatAddress, leveledLog, type Runtime } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import type { Phase } from './admin/health.ts'
import { HttpPorts } from './admin/ports.ts'
import { Transfer } from './admin/transfer.ts'
import { transferAccess } from './admin/transfer-access.ts'
import { openAudit } from './audit/audit-log.ts'
import { Access } from './auth/access.ts'
import { Authentication } from './auth/authentication.ts'
import { authProviders } from './auth/providers.ts'
import type { ServerConfig, ServerOptions } from './config/config.ts'
import { LiveConfig, type Reload } from './config/live-config.ts'
import type { Service } from './service.ts'
import { SessionIds } from './session/session-ids.ts'
import { SessionKeys, secretBytes } from './session/session-keys.ts'
import { StandaloneService } from './standalone-service.ts'
import { ServerStats } from './stats.ts'
import { within } from './stopping.ts'
import { type SnapshotResult, Storage } from './storage/storage.ts'
import type { PeerCertificate } from './tls/certificate.ts'
import { loadCredentials } from './tls/host.ts'
import { ClientListener } from './transport/client-listener.ts'
import { release } from './version.ts'

/** The first byte of session ids of a server that stands alone. */
const ownServerId = 1

/** A server in this process. It never touches global handlers and never ends the process. */
export interface RunningServer {
  readonly host: string
  /** The real port, also where 0 was asked for. The port for TLS where that is the only one. */
  readonly port: number
  /** The address for clients, `host:port`. */
  readonly connectString: string
  /** The port for TLS alone; undefined where there is none. */
  readonly securePort: number | undefined
  /** What a client connects to with TLS, `host:port`; undefined where there is no port for TLS alone. */
  readonly secureConnectString: string | undefined
  /** The settings, as they are now. */
  readonly config: ServerConfig
  /** Where the admin pages are, `host:port`; undefined where there are none. */
  readonly adminAddress: string | undefined
  /** Where Prometheus may scrape `/metrics`, `host:port`; undefined where there is nothing to scrape. */
  readonly metricsAddress: string | undefined
  /** Why nothing is written any more: the log failed. Undefined while it works. Reads are still served. */
  readonly logFailure: Error | undefined
  /** Resolves when the server has ended: to undefined after `close`, else to the reason. */
  readonly stopped: Promise<Error | undefined>
  /** Writes a snapshot now. Resolves when it is durable. @throws Error where data is only in memory, or the disk fails. */
  snapshot(): Promise<SnapshotResult>
  /**
   * Reads the settings again and takes over those that may change while the server runs: all of them, or none. Certificates and users
   * are read again too. Resolves to what changed, and to what needs a restart; each change is logged.
   * @throws ConfigError, or the error of a file, where something cannot be used. Nothing has changed then.
   */
  reload(): Promise<Reload>
  /**
   * Stops: accepts no more connections, answers what was read, then closes sockets, timers and files. Takes `stopTimeout` milliseconds
   * for the answers at the most, and as long again for the disk. Sessions are not closed: clients see a lost connection.
   * @throws Error when the disk does not finish in that time. Nothing that was acknowledged is lost.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a standalone server. Parts of the host may be replaced through `runtime`: a simulated network, a log that prints.
 * `reread` gives the settings for `reload`, from a file for example; without it they are those of the start.
 * @throws ConfigError for a setting that cannot be used; the system's error where the address cannot be used.
 */
export async function startServer(
  options: ServerOptions = {},
  runtime: Partial<Runtime> = {},
  reread: () => ServerOptions | Promise<ServerOptions> = () => options,
): Promise<RunningServer> {
  const own = nodeRuntime(runtime)
  const live = new LiveConfig(options, own.clock.wall())
  const { config } = live
  const given: Runtime = { ...own, log: leveledLog(own.log, () => config.logLevel) }
  // Clients may cause these again and again.
  const counted = countedLog(given.log, given.clock)
  const host: Runtime = { ...given, log: counted.log }
  // Before any data is touched: a file that cannot be used is a mistake in the settings.
  const credentials = await loadCredentials(config, host)
  if (credentials !== undefined) live.add(credentials)
  const ensemble = config.members === undefined ? undefined : await import('./member/index.ts')
  const begun = host.clock.now()
  host.log('info', 'the server starts', { version: release, dataDir: config.dataDir, dataLogDir: config.dataLogDir })
  // Whatever the level: an audit log without some of its lines is none.
  const audit = await openAudit(config, { ...given, log: own.log })
  const stats = new ServerStats()
  const providers = authProviders(config)
  const access = new Access(providers, config.skipACL)
  const authentication = new Authentication(providers, config, host, stats)
  let phase: Phase = 'starting'
  let storage: Storage | undefined
  let listener: ClientListener | undefined
  const subject = {
    get phase() {
      return phase
    },
    get view() {
      return listener
    },
    get storage() {
      return storage
    },
    reload: () => live.reload(reread, host.log),
    restore: (body: AsyncIterable<Uint8Array>): Promise<bigint> => service.restore(body),
  }
  const ports = new HttpPorts(subject, config, host)
  await ports.open(new Transfer(subject, transferAccess(access, authentication), config, stats, host))
  try {
    storage = await openStorage(given, config)
  } catch (error) {
    audit?.auditor.failedToStart()
    await ports.close()
    await audit?.close()
    throw error
  }
  stats.starts.add(host.clock.now() - begun)
  if (storage !== undefined) {
    const { tree, lastZxid, snapshotZxid, replayedTxns, digestMismatches } = storage.recovered
    stats.replays.add(replayedTxns)
    stats.digestMismatches = digestMismatches
    host.log('info', 'the data directory is recovered', {
      znodes: tree.nodes.size,
      sessions: tree.sessions.size,
      lastZxid,
      snapshotZxid,
      replayedTxns,
      ms: Math.round(host.clock.now() - begun),
    })
  }
  const keys = storage?.sessionKeys ?? new SessionKeys(host.random.bytes(secretBytes))
  let settle: (error: Error | undefined) => void = () => {}
  const stopped = new Promise<Error | undefined>((resolve) => {
    settle = resolve
  })
  const house = {
    config,
    runtime: host,
    access,
    authentication,
    stats,
    keys,
    ids: new SessionIds(keys, ownServerId, host.clock.wall()),
    audit: audit?.auditor,
    ...ensemble?.memberIdentity(config, host.clock.wall()),
  }
  const secured = credentials && {
    credentials,
    isBarred: (remoteHost: string) => authentication.isBarred(remoteHost),
    identitiesOf: (certificate: PeerCertificate, remoteHost: string) =>
      authentication.identitiesOfCertificate(certificate, remoteHost, config.tls?.authProvider),
  }
  const clients = new ClientListener(config, host, stats, { storage }, secured)
  listener = clients
  // A failure during the stop must not hide its reason, nor end the process.
  const failed = (error: Error): void => {
    const settled = (): void => settle(error)
    shutDown(false).then(settled, settled)
  }
  const serviceHouse = { ...house, clients, storage, failed }
  let service: Service
  try {
    service = ensemble === undefined ? new StandaloneService(serviceHouse) : await ensemble.memberService(serviceHouse)
  } catch (error) {
    audit?.auditor.failedToStart()
    await ports.close()
    await Promise.all([storage?.close(), audit?.close()])
    throw error
  }
  const durable = (): Storage => {
    if (storage === undefined) throw new Error('data is in memory only; start the server with a dataDir')
    return storage
  }
  let down: Promise<void> | undefined
  const shutDown = (answers: boolean): Promise<void> => {
    down ??= (async () => {
      phase = 'stopping'
      audit?.auditor.stopping()
      const { clock } = host
      const { stopTimeout } = config
      if (answers && !(await within(clock, stopTimeout, clients.drain()))) {
        host.log('warn', 'the server stops although some clients have not read their answers, or the disk is slow', {
          connections: clients.connections.size,
          outstanding: service.outstanding,
          stopTimeout,
        })
      }
      await service.stop()
      await clients.close()
      await ports.close()
      counted.stop()
      const closed = Promise.all([storage?.close(), audit?.close()])
      if (!(await within(clock, stopTimeout, closed))) {
        throw new Error(`the disk did not finish within ${stopTimeout} ms; what was acknowledged is safe`)
      }
      host.log('info', 'the server has stopped', { lastZxid: service.lastZxid })
    })()
    return down
  }
  try {
    await clients.listen()
    await service.start()
  } catch (error) {
    // A failure during the stop must not hide its reason.
    audit?.auditor.failedToStart()
    await shutDown(false).catch(() => {})
    throw error
  }
  phase = 'serving'
  audit?.auditor.started()
  credentials?.watch()
  const { port: plainPort, securePort } = clients
  const address = plainPort < 0 ? undefined : formatAddress(config.clientPortAddress, plainPort)
  const secureAddress = securePort < 0 ? undefined : formatAddress(config.secureClientPortAddress, securePort)
  host.log('info', 'the server listens', {
    ...(address === undefined ? {} : { address }),
    ...(secureAddress === undefined ? {} : { secureAddress }),
  })
  const secureConnectString =
    secureAddress === undefined ? undefined : formatAddress(reachable(config.secureClientPortAddress), securePort)
  const close = async (): Promise<void> => {
    try {
      await shutDown(true)
    } finally {
      settle(undefined)
    }
  }
  return {
    host: address === undefined ? config.secureClientPortAddress : config.clientPortAddress,
    port: address === undefined ? securePort : plainPort,
    connectString:
      address === undefined && secureConnectString !== undefined
        ? secureConnectString
        : formatAddress(reachable(config.clientPortAddress), plainPort),
    securePort: securePort < 0 ? undefined : securePort,
    secureConnectString,
    config,
    adminAddress: ports.adminAddress,
    metricsAddress: ports.metricsAddress,
    get logFailure() {
      return service.logFailure
    },
    stopped,
    async snapshot() {
      return durable().snapshot()
    },
    reload: subject.reload,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Reads the data directory; undefined where data is in memory only. */
async function openStorage(runtime: Runtime, config: ServerConfig): Promise<Storage | undefined> {
  if (config.dataDir === undefined) return undefined
  const damage = config.members !== undefined ? 'report' : config.acceptLoss ? 'accept' : 'refuse'
  return Storage.open(runtime, config, config.dataDir, { damage })
}

/** An address that a client on this machine can connect to, for one that means "all interfaces". */
function reachable(address: string): string {
  return address === '0.0.0.0' || address === '::' || address === '' ? '127.0.0.1' : address
}
