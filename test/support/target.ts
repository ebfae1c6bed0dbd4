/** The server a test runs against: ours by default, or a real Apache ZooKeeper, named by LIGHTKEEPER_TARGET. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseZooCfg, type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  apache,
  apacheAvailable,
  ask,
  freePorts,
  startEnsemble,
} from '@lightkeeper/testing'
import { sleep, until } from './wait.ts'

/**
 * `ours-observer` is ours as an observer of three Apache 3.9 servers, `ours-follower` a voter that follows one of two, `ours-leading` one
 * that leads two. `ours-ensemble` is three of ours, whose connect string has all of them.
 */
export type TargetName = 'ours' | 'ours-ensemble' | (typeof membersOfApache)[number] | `apache-${ApacheVersion}`

const membersOfApache = ['ours-observer', 'ours-follower', 'ours-leading'] as const

export interface TargetServer extends AsyncDisposable {
  /** The port for clients; where there are several servers, that of the one that led at the start. */
  readonly port: number
  readonly connectString: string
  /** The port for TLS alone; -1 where `tls` was not given. */
  readonly securePort: number
  /** Kills the server, or the leader, without a good-bye and starts it on the same port and data; ours alone, which lives in this process, is closed. */
  crashAndRestart(): Promise<void>
  /** Lines of the audit log so far, without time and level; with the setting `audit`. */
  auditLines?(): string[]
  close(): Promise<void>
}

export const targetName = (process.env['LIGHTKEEPER_TARGET'] ?? 'ours') as TargetName

const modes: Partial<Record<TargetName, string>> = {
  'ours-ensemble': 'leader',
  'ours-observer': 'observer',
  'ours-follower': 'follower',
  'ours-leading': 'leader',
}

/** The mode in which the target serves, as `srvr` says it. */
export const targetMode = modes[targetName] ?? 'standalone'

/** Why a case about a server that stands alone is not asked of the target; undefined where it is. */
export const notAlone =
  targetMode === 'standalone' ? undefined : `${targetName} is a member of an ensemble, and this is about one server`

/** Undefined when the target can be started, else why not; with INTEROP=require a missing peer is an error. */
export function missingTarget(name: TargetName = targetName): string | undefined {
  if (name === 'ours' || name === 'ours-ensemble') return undefined
  const found = apacheAvailable(versionOf(name))
  if (found.available) return undefined
  if (process.env['INTEROP'] === 'require') throw new Error(`${name} is required and missing: ${found.reason}`)
  return found.reason
}

function versionOf(name: Exclude<TargetName, 'ours' | 'ours-ensemble'>): ApacheVersion {
  if (membersOfApache.some((each) => each === name)) return '3.9'
  return name.slice('apache-'.length) as ApacheVersion
}

/** Settings both know, under the names of zoo.cfg. */
export interface TargetSettings {
  readonly tickTime?: number
  readonly maxSessionTimeout?: number
  readonly extendedTypesEnabled?: boolean
  readonly enforceQuota?: boolean
  readonly superDigest?: string
  readonly skipACL?: boolean
  readonly reconfigEnabled?: boolean
  /** `readonlymode.enabled`. */
  readonly readOnlyMode?: boolean
  readonly containerCheckMs?: number
  readonly containerNeverUsedMs?: number
  readonly containerMaxPerMinute?: number
  readonly fourLetterWords?: string
  /** Keys of Apache's zoo.cfg, without the prefix `zookeeper.`. */
  readonly keys?: Readonly<Record<string, string>>
  /** The text of a JAAS file. */
  readonly jaas?: string
  readonly audit?: boolean
  /** Default 0: no limit. */
  readonly maxClientCnxns?: number
  readonly maxCnxns?: number
  readonly globalOutstandingLimit?: number
  readonly sessionlessCnxnTimeout?: number
  /** Keys of a zoo.cfg about TLS: `ssl.keyStore.location` and so on. There is a port for TLS alone then. */
  readonly tls?: Readonly<Record<string, string>>
}

export async function startTarget(settings: TargetSettings = {}, name: TargetName = targetName): Promise<TargetServer> {
  if (name === 'ours-observer') return startOurs(settings, await startOthers(settings, { size: 3 }))
  if (name === 'ours-follower') {
    return startOurs(settings, await startOthers(settings, { size: 2, guestRole: 'participant', guestsFirst: true }))
  }
  if (name === 'ours-leading') {
    // The largest number: among equal histories ours is elected.
    return startOurs(settings, await startOthers(settings, { size: 2, guestRole: 'participant' }), true)
  }
  if (name === 'ours-ensemble') return startThreeOfOurs(settings)
  return name === 'ours' ? startOurs(settings) : startApache(settings, versionOf(name))
}

const jaasKey = 'java.security.auth.login.config'

/** `others`: the servers of the ensemble that it belongs to. `leads`: their leader goes until ours is elected. */
async function startOurs(settings: TargetSettings, others?: ApacheServer, leads = false): Promise<TargetServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-target-'))
  const auditFile = join(dataDir, 'audit.log')
  const options = { ...optionsOf(settings, dataDir), ...(settings.audit ? { auditEnabled: true, auditFile } : {}) }
  const guest = others?.guests[0]
  const membership: ServerOptions =
    guest === undefined ? {} : { members: guest.lines, myid: guest.sid, initLimit: 20, syncLimit: 10 }
  const started = { ...options, ...membership }
  let server: RunningServer = await orRemoved(dataDir, startServer({ ...started, port: guest?.clientPort ?? 0 }))
  const { port, connectString, securePort = -1 } = server
  const serving = async (): Promise<void> => {
    if (guest === undefined) return
    const said = (): Promise<string> => ask(port, 'srvr').catch(() => '')
    await until(async () => /^Mode: |not in the whitelist/m.test(await said()))
    while (leads && !/^Mode: leader/m.test(await said())) {
      const leader = await others?.leader()
      if (leader === undefined) await sleep(50)
      else await others?.restart(leader)
    }
  }
  await serving()
  const close = async (): Promise<void> => {
    await server.close()
    await others?.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return {
    port,
    connectString,
    securePort,
    async crashAndRestart() {
      await server.close()
      server = await startServer({ ...started, port, ...(securePort < 0 ? {} : { secureClientPort: securePort }) })
      await serving()
    },
    auditLines: () => linesBehind(/ audit: (.*)/, readFileSync(auditFile, 'utf8')),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The options of a server of ours; its files are in `dataDir`. */
function optionsOf(settings: TargetSettings, dataDir: string): ServerOptions {
  const more = new Map(Object.entries(settings.keys ?? {}))
  if (settings.jaas !== undefined) more.set(jaasKey, jaasFile(dataDir, settings.jaas))
  if (settings.tls !== undefined) {
    for (const [key, value] of Object.entries(settings.tls)) more.set(key, value)
    more.set('secureClientPort', '0')
  }
  return {
    ...parseZooCfg('', { more, readFile: (path) => readFileSync(path, 'latin1') }).options,
    dataDir,
    // Small files, quickly thrown away; snapshots are taken while the cases run.
    preAllocSize: 64,
    snapCount: 200,
    tickTime: settings.tickTime ?? 2000,
    maxClientCnxns: settings.maxClientCnxns ?? 0,
    ...(settings.maxCnxns === undefined ? {} : { maxCnxns: settings.maxCnxns }),
    ...(settings.globalOutstandingLimit === undefined
      ? {}
      : { globalOutstandingLimit: settings.globalOutstandingLimit }),
    ...(settings.sessionlessCnxnTimeout === undefined
      ? {}
      : { sessionlessCnxnTimeout: settings.sessionlessCnxnTimeout }),
    fourLetterWordWhitelist: settings.fourLetterWords ?? '*',
    extendedTypesEnabled: settings.extendedTypesEnabled ?? false,
    enforceQuota: settings.enforceQuota ?? false,
    skipACL: settings.skipACL ?? false,
    reconfigEnabled: settings.reconfigEnabled ?? false,
    readOnlyModeEnabled: settings.readOnlyMode ?? false,
    ...(settings.maxSessionTimeout === undefined ? {} : { maxSessionTimeout: settings.maxSessionTimeout }),
    ...(settings.superDigest === undefined ? {} : { superDigest: settings.superDigest }),
    ...(settings.containerCheckMs === undefined ? {} : { znodeContainerCheckIntervalMs: settings.containerCheckMs }),
    ...(settings.containerNeverUsedMs === undefined
      ? {}
      : { znodeContainerMaxNeverUsedIntervalMs: settings.containerNeverUsedMs }),
    ...(settings.containerMaxPerMinute === undefined
      ? {}
      : { znodeContainerMaxPerMinute: settings.containerMaxPerMinute }),
  }
}

/** Three servers of ours in this process, with their data in memory. */
async function startThreeOfOurs(settings: TargetSettings): Promise<TargetServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-target-'))
  const { dataDir: _, ...options } = optionsOf(settings, folder)
  const ensemble = await orRemoved(folder, startEnsemble({ options: { ...options, initLimit: 20, syncLimit: 10 } }))
  const leader = (): number => ensemble.leader() ?? 0
  const close = async (): Promise<void> => {
    await ensemble.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    port: ensemble.ports[leader()] as number,
    connectString: ensemble.connectString,
    securePort: -1,
    async crashAndRestart() {
      const index = leader()
      await ensemble.kill(index)
      await ensemble.restart(index)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A server that does not start leaves no directory behind. */
async function orRemoved<T>(directory: string, started: Promise<T>): Promise<T> {
  try {
    return await started
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

/** The others know the schemes of an ACL that the one among them knows, and have the same stores. */
function startOthers(settings: TargetSettings, options: ApacheOptions): Promise<ApacheServer> {
  const config: Record<string, string | number> = { ...apacheConfig(settings), initLimit: 20, syncLimit: 10 }
  if (settings.tls !== undefined) {
    config['zookeeper.authProvider.x509'] = 'org.apache.zookeeper.server.auth.X509AuthenticationProvider'
    for (const [key, value] of Object.entries(settings.tls)) config[`zookeeper.${key}`] = value
  }
  return apache({ version: '3.9', guests: 1, config, ...options })
}

/** Settings as Apache has them, without those of listeners. */
function apacheConfig(settings: TargetSettings): Record<string, string | number> {
  const config: Record<string, string | number> = { tickTime: settings.tickTime ?? 2000 }
  const set = (key: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined) config[key] = String(value)
  }
  set('maxSessionTimeout', settings.maxSessionTimeout)
  set('zookeeper.extendedTypesEnabled', settings.extendedTypesEnabled)
  set('zookeeper.enforceQuota', settings.enforceQuota)
  set('zookeeper.DigestAuthenticationProvider.superDigest', settings.superDigest)
  set('skipACL', settings.skipACL === undefined ? undefined : settings.skipACL ? 'yes' : 'no')
  set('reconfigEnabled', settings.reconfigEnabled)
  set('readonlymode.enabled', settings.readOnlyMode)
  set('znode.container.checkIntervalMs', settings.containerCheckMs)
  set('znode.container.maxNeverUsedIntervalMs', settings.containerNeverUsedMs)
  set('znode.container.maxPerMinute', settings.containerMaxPerMinute)
  set('4lw.commands.whitelist', settings.fourLetterWords)
  set('audit.enable', settings.audit)
  set('maxClientCnxns', settings.maxClientCnxns)
  set('zookeeper.maxCnxns', settings.maxCnxns)
  set('zookeeper.globalOutstandingLimit', settings.globalOutstandingLimit)
  set('zookeeper.nio.sessionlessCnxnTimeout', settings.sessionlessCnxnTimeout)
  for (const [key, value] of Object.entries(settings.keys ?? {})) set(`zookeeper.${key}`, value)
  return config
}

async function startApache(settings: TargetSettings, version: ApacheVersion): Promise<TargetServer> {
  const config = apacheConfig(settings)
  const set = (key: string, value: string | number | boolean): void => {
    config[key] = String(value)
  }
  const [securePort = -1] = settings.tls === undefined ? [] : await freePorts(1)
  if (settings.tls !== undefined) {
    set('secureClientPort', securePort)
    set('zookeeper.serverCnxnFactory', 'org.apache.zookeeper.server.NettyServerCnxnFactory')
    for (const [key, value] of Object.entries(settings.tls)) set(`zookeeper.${key}`, value)
  }
  const jvm: string[] = settings.audit ? [...auditFlags] : []
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-target-'))
  if (settings.jaas !== undefined) {
    // 3.9 has no MD5 in this mode, which is its default.
    set('zookeeper.fips-mode', false)
    jvm.push(`-D${jaasKey}=${jaasFile(directory, settings.jaas)}`, '-Dfile.encoding=UTF-8')
  }
  const server: ApacheServer = await orRemoved(directory, apache({ version, config, jvm }))
  const close = async (): Promise<void> => {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return {
    port: server.ports[0] as number,
    connectString: server.connectString,
    securePort,
    async crashAndRestart() {
      await server.kill()
      await server.restart()
    },
    auditLines: () => linesBehind(/ \S*Slf4jAuditLogger - (.*)/, server.said()),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function jaasFile(directory: string, text: string): string {
  const path = join(directory, 'jaas.conf')
  writeFileSync(path, text)
  return path
}

/** Apache 3.9 was fetched without a logger that prints; Debian's does it. */
const auditFlags = [
  '-Xbootclasspath/a:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-simple.jar',
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.audit=info',
]

/** What stands behind `mark` in each whole line that has it. */
function linesBehind(mark: RegExp, text: string): string[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => mark.exec(line)?.[1] ?? [])
}
