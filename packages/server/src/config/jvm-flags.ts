/** `-D` flags of a Java machine: what `SERVER_JVMFLAGS` of zkServer.sh says, as far as Apache's server reads it. */
import type { Note } from './java-values.ts'
import { type Pair, prefix } from './pairs.ts'

/** Keys that Apache reads from the file alone (QuorumPeerConfig.java); as properties they do nothing there. */
const fromFileAlone: ReadonlySet<string> = new Set([
  ...['dataDir', 'dataLogDir', 'clientPort', 'clientPortAddress', 'secureClientPort', 'secureClientPortAddress'],
  ...['clientPortListenBacklog', 'tickTime', 'maxClientCnxns', 'minSessionTimeout', 'maxSessionTimeout'],
  ...['autopurge.snapRetainCount', 'autopurge.purgeInterval', 'reconfigEnabled', 'standaloneEnabled'],
  ...['localSessionsEnabled', 'localSessionsUpgradingEnabled', 'observerMasterPort', 'initLimit', 'syncLimit'],
  ...['connectToLearnerMasterLimit', 'electionAlg', 'quorumListenOnAllIPs', 'peerType', 'dynamicConfigFile'],
  ...['sslQuorum', 'portUnification', 'sslQuorumReloadCertFiles', 'oraclePath', 'quorum.cnxn.threads.size'],
  ...['jvm.pause.monitor', 'jvm.pause.info-threshold.ms', 'jvm.pause.warn-threshold.ms', 'jvm.pause.sleep.time.ms'],
])

/** Families of which the same is true. */
const fromFileAloneToo = /^(server\.|group|weight|metricsProvider\.|quorum\.auth\.)/

/** Properties that Apache, or Java for it, reads under a name without the prefix. */
const withoutPrefix: ReadonlySet<string> = new Set([
  ...['jute.maxbuffer', 'readonlymode.enabled', 'fsync.warningthresholdms', 'leader.nodelay', 'follower.nodelay'],
  ...['znode.container.checkIntervalMs', 'znode.container.maxPerMinute', 'znode.container.maxNeverUsedIntervalMs'],
  ...['java.security.auth.login.config', 'java.security.krb5.conf'],
])

/**
 * The flags of `text`, which is called `source`: split at blanks, quotes are ordinary letters, as zkServer.sh passes them on. Flags
 * that are not about ZooKeeper are left out; a note names those that Apache would not read either.
 */
export function parseJvmFlags(text: string, source: string, note: Note): Pair[] {
  const pairs: Pair[] = []
  const idle: string[] = []
  for (const word of text.split(/\s+/)) {
    const [, name, value = ''] = /^-D([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    if (name === undefined) continue
    const key = name.startsWith(prefix) ? name.slice(prefix.length) : name
    if (name === key && !withoutPrefix.has(key)) continue
    if (fromFileAlone.has(key) || fromFileAloneToo.test(key)) idle.push(`-D${name}`)
    else pairs.push({ key: name, value, origin: `-D${name} of ${source}` })
  }
  if (idle.length > 0)
    note(`${idle.join(' ')} of ${source}: no effect, as in Apache, which reads this from the file alone`)
  return pairs
}
