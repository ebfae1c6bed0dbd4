/** Composition root: settings and a host in, a running server out. */
import { formatAddress, type Runtime } from '@lightkeeper/runtime'
import { type Addresses, addressesOf } from './addresses.ts'
import { Day, type FiguresOfDay, pointsOfDay } from './admin/day.ts'
import { mode } from './admin/facts.ts'
import type { Phase } from './admin/health.ts'
import { HttpPorts } from './admin/ports.ts'
import type { Subject } from './admin/site.ts'
import { Transfer, type TransferServer } from './admin/transfer.ts'
import { transferAccess } from './admin/transfer-access.ts'
import { Access } from './auth/access.ts'
import { Authentication } from './auth/authentication.ts'
import { authProviders } from './auth/providers.ts'
import type { ServerConfig, ServerOptions } from './config/config.ts'
import type { Reload } from './config/live-config.ts'
import { type Ground, layGround } from './ground.ts'
import type { Service } from './service.ts'
import { SessionIds } from './session/session-ids.ts'
import { SessionKeys, secretBytes } from './session/session-keys.ts'
import { ShutDown } from './shut-down.ts'
import { StandaloneService } from './standalone-service.ts'
import { ServerStats } from './stats.ts'
import { type SnapshotResult, Storage } from './storage/storage.ts'
import { ClientListener, type Secured } from './transport/client-listener.ts'
import { Turn } from './turn.ts'

/** The first byte of session ids of a server that stands alone. */
const ownServerId = 1

/** A server in this process. It never touches global handlers and never ends the process. */
export interface RunningServer extends Addresses {
  /** The settings, as they are now. */
  readonly config: ServerConfig
  /** Where the admin pages are, `host:port`; undefined where there are none. */
  readonly adminAddress: string | undefined
  /** Where Prometheus may scrape `/metrics` without TLS, `host:port`; undefined where it cannot. */
  readonly metricsAddress: string | undefined
  /** The same with TLS. */
  readonly metricsSecureAddress: string | undefined
  /**
   * What `srvr` says of it: `standalone`, `leader`, `follower`, `observer`, or `read-only` where the log failed. Undefined while it serves
   * no clients, as a member without a leader.
   */
  readonly mode: string | undefined
  /** Why nothing is written any more: the log failed. Undefined while it works. Reads are still served. */
  readonly logFailure: Error | undefined
  /**
   * Figures of the last day, a point each half minute, and how it is now: rates, latencies, syncs, queues, sessions, znodes, watches.
   * Where there are more than `points` points, of several the greatest value stays. Default 600.
   */
  figures(points?: number): FiguresOfDay
  /** Resolves when the server has ended: to undefined after `close`, else to the reason. */
  readonly stopped: Promise<Error | undefined>
  /** Writes a snapshot now. Resolves when it is durable. @throws Error where data is only in memory, or the disk fails. */
  snapshot(): Promise<SnapshotResult>
  /**
   * Ends a session as if its timeout had passed: its ephemerals are deleted, and its client learns that the session has expired. For
   * tests of what a program does then. `sessionId` is that of a client: `zk.sessionId`. Returns false where there is no such session.
   * @throws Error where the server follows a leader, to which its sessions belong.
   */
  expireSession(sessionId: bigint): boolean
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

/** The server as its admin port sees it, from before the data directory is read until the end. */
interface Seen extends Subject, TransferServer {
  phase: Phase
  view: ClientListener | undefined
  storage: Storage | undefined
  service: Service | undefined
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
  const ground = await layGround(options, runtime)
  const { config, live, credentials, audit, host } = ground
  const ensemble = config.members === undefined ? undefined : await memberParts()
  const begun = host.clock.now()
  const stats = new ServerStats()
  const providers = authProviders(config)
  const access = new Access(providers, config.skipACL)
  const authentication = new Authentication(providers, config, host, stats)
  const day = new Day(() => seen.view, stats, host)
  const seen: Seen = {
    day,
    phase: 'starting',
    view: undefined,
    storage: undefined,
    service: undefined,
    reload: () => live.reload(reread, host.log),
    restore: async (body) => (seen.service as Service).restore(body),
  }
  const ports = new HttpPorts(seen, config, credentials, host)
  await ports.open(new Transfer(seen, transferAccess(access, authentication), config, stats, host))
  const end = new ShutDown(() => {
    seen.phase = 'stopping'
  })
  const failedToStart = async (error: unknown): Promise<never> => {
    audit?.auditor.failedToStart()
    await ports.close()
    await Promise.all([seen.storage?.close(), audit?.close()])
    throw error
  }
  const storage = await openStorage(ground, stats, begun).catch(failedToStart)
  seen.storage = storage
  const keys = storage?.sessionKeys ?? new SessionKeys(host.random.bytes(secretBytes))
  const ids = new SessionIds(keys, ownServerId, host.clock.wall())
  const identity = { ids, ...ensemble?.memberIdentity(config, keys, host.clock.wall()) }
  const turn = new Turn(host.clock)
  const clients = new ClientListener(config, host, stats, { storage }, turn, securedOf(ground, authentication))
  seen.view = clients
  const failed = (error: Error): void => end.failed(error)
  const parts = { config, runtime: host, turn, access, authentication, stats, keys, audit: audit?.auditor }
  const house = { ...parts, ...identity, clients, storage, failed }
  const service =
    ensemble === undefined
      ? new StandaloneService(house)
      : await ensemble.memberService(house, credentials.members).catch(failedToStart)
  seen.service = service
  end.closes({ ground, ports, clients, service, storage, day })
  try {
    await clients.listen()
    await service.start()
  } catch (error) {
    // A failure during the stop must not hide its reason.
    audit?.auditor.failedToStart()
    await end.begin(false).catch(() => {})
    throw error
  }
  seen.phase = 'serving'
  day.start()
  audit?.auditor.started()
  credentials.clients?.watch()
  sayListens(ground, clients)
  return {
    ...addressesOf(config, clients),
    config,
    adminAddress: ports.adminAddress,
    metricsAddress: ports.metricsAddress,
    metricsSecureAddress: ports.metricsSecureAddress,
    get mode() {
      return clients.replica && mode(clients.replica)
    },
    get logFailure() {
      return service.logFailure
    },
    figures: (points = 600) => day.figures(Math.min(pointsOfDay, points)),
    stopped: end.stopped,
    async snapshot() {
      if (storage === undefined) throw new Error('data is in memory only; start the server with a dataDir')
      return storage.snapshot()
    },
    expireSession(sessionId) {
      if (service.expireSession === undefined) throw new Error('sessions belong to the leader; ask that server')
      return service.expireSession(sessionId)
    },
    reload: seen.reload,
    close: () => end.close(),
    [Symbol.asyncDispose]: () => end.close(),
  }
}

type MemberParts = typeof import('./member/index.ts')

/** Kept: `import` asks the loader of the host again each time. */
let loaded: Promise<MemberParts> | undefined

function memberParts(): Promise<MemberParts> {
  loaded ??= import('./member/index.ts')
  return loaded
}

/**
 * Loads what only members of an ensemble need; otherwise the first one that starts does it. A simulated world does it before, since the
 * loader is no part of it.
 */
export async function loadMember(): Promise<void> {
  await memberParts()
}

/** Reads the data directory; undefined where data is in memory only. `begun` is when the start began, monotonic milliseconds. */
async function openStorage(
  { config, host, storageHost }: Ground,
  stats: ServerStats,
  begun: number,
): Promise<Storage | undefined> {
  const { dataDir, acceptLoss, members } = config
  const damage = members !== undefined ? 'report' : acceptLoss ? 'accept' : 'refuse'
  const storage = dataDir === undefined ? undefined : await Storage.open(storageHost, config, dataDir, { damage })
  const took = host.clock.now() - begun
  stats.starts.add(took)
  if (storage === undefined) return undefined
  const { tree, lastZxid, snapshotZxid, replayedTxns, digestMismatches } = storage.recovered
  stats.replays.add(replayedTxns)
  stats.digestMismatches = digestMismatches
  host.log('info', 'the data directory is recovered', {
    znodes: tree.nodes.size,
    sessions: tree.sessions.size,
    lastZxid,
    snapshotZxid,
    replayedTxns,
    ms: Math.round(took),
  })
  return storage
}

/** What a port with TLS for clients needs; undefined where there is none. */
function securedOf({ config, credentials }: Ground, authentication: Authentication): Secured | undefined {
  if (credentials.clients === undefined) return undefined
  return {
    credentials: credentials.clients,
    isBarred: (remoteHost) => authentication.isBarred(remoteHost),
    identitiesOf: (certificate, remoteHost) =>
      authentication.identitiesOfCertificate(certificate, remoteHost, config.tls?.authProvider),
  }
}

/** The line that says where, which programs read. */
function sayListens({ config, host }: Ground, { port, securePort }: ClientListener): void {
  const { clientPortAddress, secureClientPortAddress } = config
  host.log('info', 'the server listens', {
    ...(port < 0 ? {} : { address: formatAddress(clientPortAddress, port) }),
    ...(securePort < 0 ? {} : { secureAddress: formatAddress(secureClientPortAddress, securePort) }),
  })
}
