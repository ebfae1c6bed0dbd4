/** Which Apache ZooKeeper this machine has: 3.8 from Debian's packages, 3.5 and 3.9 from jars that scripts/peers.mjs fetched. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The lines of Apache ZooKeeper that can be started. */
export type ApacheVersion = '3.5' | '3.8' | '3.9'

/** Whether a version is installed; if not, why it cannot be started. */
export type Availability =
  | { readonly available: true; readonly version: string; readonly classPath: string }
  | { readonly available: false; readonly reason: string }

export const debianJars = '/usr/share/java'
const debianClasses = [
  'zookeeper',
  'zookeeper-jute',
  // Debian's netty-all only refers to these jars, and some are missing there.
  'netty-all',
  'netty-buffer',
  'netty-codec',
  'netty-common',
  'netty-handler',
  'netty-resolver',
  'netty-transport',
  'netty-transport-native-unix-common',
  'slf4j-api',
  'slf4j-simple',
  'log4j-over-slf4j',
  'metrics-core',
  'snappy-java',
  'commons-cli',
  'commons-io',
  'jline',
  'jackson-core',
  'jackson-databind',
  'jackson-annotations',
  'json-simple',
  'servlet-api',
]
const fetchedJars = (version: ApacheVersion): string =>
  fileURLToPath(new URL(`../../../../.cache/apache-${version}`, import.meta.url))

/** Whether a server of that release can be started here, and if not, why. */
export function apacheAvailable(version: ApacheVersion): Availability {
  if (spawnSync('java', ['-version']).status !== 0)
    return { available: false, reason: 'there is no java on this machine' }
  if (version !== '3.8') {
    const jars = fetchedJars(version)
    if (!existsSync(jars))
      return { available: false, reason: 'its jars were not fetched; node scripts/peers.mjs does it' }
    const releases = readdirSync(jars).map((jar) => /^zookeeper-(\d+\.\d+\.\d+)\.jar$/.exec(jar)?.[1])
    const release = releases.find((each) => each?.startsWith(`${version}.`))
    if (release === undefined)
      return { available: false, reason: `the fetched jars hold no zookeeper-${version}.x.jar` }
    return { available: true, version: release, classPath: `${jars}/*` }
  }
  if (!existsSync(`${debianJars}/zookeeper.jar`))
    return { available: false, reason: 'the Debian package zookeeper is not installed' }
  // Debian's jar has no version in its name; a link to it has.
  const named = readdirSync(debianJars).map((jar) => /^zookeeper-(\d+\.\d+\.\d+)\.jar$/.exec(jar)?.[1])
  const release = named.find((each) => each?.startsWith('3.8.'))
  if (release === undefined) {
    const others = named.filter((each) => each !== undefined)
    return { available: false, reason: `the Debian package zookeeper is of version ${others.join(', ') || 'unknown'}` }
  }
  const jars = debianClasses.map((name) => `${debianJars}/${name}.jar`).filter((jar) => existsSync(jar))
  return { available: true, version: release, classPath: jars.join(':') }
}
