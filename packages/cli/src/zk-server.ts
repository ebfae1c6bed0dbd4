/** The arguments and the environment of Apache's zkServer.sh and zkEnv.sh, for `lightkeeper server start-foreground`. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { UsageError } from './command.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What zkServer.sh would start. */
export interface ZkServer {
  readonly file: string
  /** The variables that zkServer.sh uses, after the files of the configuration directory were read. */
  readonly environment: Environment
}

/** Other words of zkServer.sh, which need a process that outlives the command. */
const otherWords = new Set(['start', 'stop', 'restart', 'status', 'version', 'print-cmd', 'print-classpath'])

/** Whether the arguments are those of zkServer.sh. @throws UsageError for a word of it that is not supported. */
export function isZkServer([word]: readonly string[]): boolean {
  if (word !== undefined && otherWords.has(word) && !existsSync(word)) {
    const instead = 'start-foreground and a service manager do its work'
    throw new UsageError(`"${word}" of zkServer.sh is not supported: this server runs in the foreground; ${instead}`)
  }
  return word === 'start-foreground'
}

/**
 * Finds the file as zkServer.sh does: a plain name stands in the directory of configurations, a path is taken as it is. Without a
 * name it is `$ZOOCFG`, else zoo.cfg. `zookeeper-env.sh` and `java.env` of that directory are run by the shell, as there.
 * @throws UsageError for more than one file; Error where a script of the directory fails.
 */
export function zkServer(args: readonly string[], configDirectory: string | undefined, given: Environment): ZkServer {
  const [, name, ...more] = args
  if (more.length > 0) throw new UsageError(`start-foreground takes one file, got ${args.slice(1).join(' ')}`)
  const usual = ['conf', '/etc/zookeeper/conf'].find((each) => existsSync(each)) ?? '/etc/zookeeper'
  const directory = configDirectory ?? (given['ZOOCFGDIR'] || usual)
  const environment = withAutocreate(sourced(directory, given))
  const file = name ?? (environment['ZOOCFG'] || 'zoo.cfg')
  return { file: file.includes('/') ? file : `${directory}/${file}`, environment }
}

/** `ZOO_DATADIR_AUTOCREATE_DISABLE` is a flag in front of all others, as in zkServer.sh. */
function withAutocreate(environment: Environment): Environment {
  if (!environment['ZOO_DATADIR_AUTOCREATE_DISABLE']) return environment
  const flags = `-Dzookeeper.datadir.autocreate=false ${environment['SERVER_JVMFLAGS'] ?? ''}`
  return { ...environment, SERVER_JVMFLAGS: flags }
}

const variables = ['SERVER_JVMFLAGS', 'JVMFLAGS', 'ZOOCFG', 'ZOO_DATADIR_AUTOCREATE_DISABLE'] as const

/** The environment after the scripts of the directory, where there are any. */
function sourced(directory: string, environment: Environment): Environment {
  const scripts = ['zookeeper-env.sh', 'java.env']
    .map((name) => `${directory}/${name}`)
    .filter((each) => existsSync(each))
  if (scripts.length === 0) return environment
  // What the scripts print must not be taken for the variables.
  const print = `printf '%s\\0' ${variables.map((name) => `"$${name}"`).join(' ')} >&3`
  const lines = ['for script; do . "$script" || exit; done', print].join('\n')
  const paths = scripts.map((each) => (each.startsWith('/') ? each : `./${each}`))
  const run = spawnSync('bash', ['-c', lines, 'bash', ...paths], {
    env: { ...environment, ZOOCFGDIR: directory },
    stdio: ['ignore', 2, 2, 'pipe'],
    encoding: 'utf8',
  })
  if (run.error !== undefined) throw new Error(`cannot read ${scripts.join(' ')}: ${run.error.message}`)
  if (run.status !== 0) throw new Error(`cannot read ${scripts.join(' ')}: bash ended with ${run.status ?? run.signal}`)
  const values = (run.output[3] ?? '').split('\0')
  return { ...environment, ...Object.fromEntries(variables.map((name, i) => [name, values[i]])) }
}
