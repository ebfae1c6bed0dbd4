/** What four-letter words and admin pages both show or do, each in its own form. */
import type { Runtime } from '@lightkeeper/runtime'
import type { Replica } from '../replica.ts'
import type { Storage } from '../storage/storage.ts'
import type { ServerView } from './view.ts'

/** `standalone` or `observer`, or what is left of it after the log has failed. */
export function mode({ logFailure, role }: Replica): string {
  return logFailure === undefined ? role : 'read-only'
}

/** What stands for a directory where data is in memory only. Solr's status page takes no empty value. */
const inMemory = '(memory)'

/** Port, directories as they are used, and limits, in the order and under the names that `conf` has (ZooKeeperServerConf.java). */
export async function configurationFacts(server: ServerView, storage: Storage | undefined, runtime: Runtime) {
  const { tickTime, maxClientCnxns, minSessionTimeout, maxSessionTimeout, clientPortListenBacklog } = server.config
  const sizes = await storage?.sizes()
  const absolute = (path: string | undefined): string => {
    if (path === undefined) return inMemory
    if (/^([/\\]|[A-Za-z]:)/.test(path)) return path
    return `${runtime.machine.facts().get('user.dir') ?? ''}/${path}`
  }
  return {
    clientPort: server.port,
    secureClientPort: server.securePort,
    dataDir: absolute(storage?.snapshotDirectory),
    dataDirSize: sizes?.snapshots ?? 0,
    dataLogDir: absolute(storage?.logDirectory),
    dataLogSize: sizes?.logs ?? 0,
    tickTime,
    maxClientCnxns,
    minSessionTimeout,
    maxSessionTimeout,
    clientPortListenBacklog,
    serverId: server.replica?.ensemble?.own.sid ?? 0,
  }
}

/** Sets the numbers of every connection back. */
export function resetConnectionStats(server: ServerView): void {
  for (const connection of server.connections) {
    connection.received = 0
    connection.sent = 0
    connection.stats.reset()
  }
}

/** Sets the numbers of the server back. */
export function resetServerStats(server: ServerView, storage: Storage | undefined): void {
  server.stats.reset()
  storage?.snapshotTimes.reset()
}
