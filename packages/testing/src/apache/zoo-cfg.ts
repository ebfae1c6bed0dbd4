/** The configuration of one server: its zoo.cfg, and the properties of its JVM. */

type Config = Readonly<Record<string, string | number>>

/** Keys that Apache reads only from the JVM. */
const jvmKeys = /^(znode\.container\.|jute\.maxbuffer|readonlymode\.|zookeeper\.)/

/**
 * The text of a zoo.cfg: our defaults, then `config`, then the paths and ports of this server. `members` are lines `server.N=…`.
 */
export function zooCfg(
  config: Config,
  server: { readonly dataDir: string; readonly clientPort: number; readonly members: readonly string[] },
): string {
  const settings = new Map<string, string | number>([
    ['tickTime', 2000],
    ['initLimit', 10],
    ['syncLimit', 5],
    ['maxClientCnxns', 0],
    ['admin.enableServer', 'false'],
    ['4lw.commands.whitelist', '*'],
    ...Object.entries(config).filter(([key]) => !jvmKeys.test(key)),
    ['dataDir', server.dataDir],
    ['clientPort', server.clientPort],
    ['clientPortAddress', '127.0.0.1'],
  ])
  return [...[...settings].map(([key, value]) => `${key}=${value}`), ...server.members, ''].join('\n')
}

/** Options of the JVM: ours for a quick start and a quiet log, then the keys of `config` that belong here, then `more`. */
export function jvmOptions(config: Config, logLevel: 'error' | 'info', more: readonly string[]): string[] {
  return [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dzookeeper.admin.enableServer=false',
    // A server that looks for a leader asks again within seconds; by default it waits up to a minute
    // (FastLeaderElection.java).
    '-Dzookeeper.fastleader.maxNotificationInterval=2000',
    // Quiet by default, except for the reason of its end.
    `-Dorg.slf4j.simpleLogger.defaultLogLevel=${logLevel}`,
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
    ...Object.entries(config)
      .filter(([key]) => jvmKeys.test(key))
      .map(([key, value]) => `-D${key}=${value}`),
    ...more,
  ]
}
