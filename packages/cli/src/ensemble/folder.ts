/** The folder of an ensemble on this machine: a folder for each member, with its zoo.cfg, its myid and its data. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '../command.ts'

const host = '127.0.0.1'

/** What the command decides by itself. */
const own = /^(server\.|group\.|weight\.|dynamicConfigFile$|dataDir$|dataLogDir$|clientPort|peerType$|myid$)/

/** Settings for quick elections on one machine. */
const defaults: Readonly<Record<string, string>> = {
  tickTime: '500',
  initLimit: '40',
  syncLimit: '10',
  maxClientCnxns: '0',
  'admin.enableServer': 'false',
  '4lw.commands.whitelist': '*',
}

export interface MemberPorts {
  readonly client: number
  readonly quorum: number
  readonly election: number
}

export interface MemberFiles {
  readonly id: number
  readonly zooCfg: string
  /** Where it accepts clients, `host:port`. */
  readonly address: string
}

/** @throws UsageError where `folder` has something else, or another number of members. */
export function checkFolder(folder: string, size: number): void {
  if (!existsSync(folder)) return
  const names = readdirSync(folder)
  if (names.includes('version-2')) {
    throw new UsageError(
      `${folder} has the data of one server; an ensemble needs a folder of its own, for example a new one`,
    )
  }
  const members = names.filter((name) => existsSync(join(folder, name, 'myid')))
  if (members.length > 0 && members.length !== size) {
    throw new UsageError(
      `${folder} has ${members.length} members, not ${size}: give --size ${members.length}, or another folder`,
    )
  }
}

/** Settings of `--set`, by key. @throws UsageError for those that differ from member to member. */
export function settingsOf(pairs: readonly string[]): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const key = pair.slice(0, at)
    if (own.test(key)) throw new UsageError(`--set ${key}: the ensemble gives each member its own ${key}`)
    const value = pair.slice(at + 1)
    if (/^(zookeeper\.)?leaderServes$/.test(key) && value === 'no')
      throw new UsageError(`--set ${pair}: the ensemble is ready when all of its members serve, the leader too`)
    settings.set(key, value)
  }
  return settings
}

/** Writes the files of all members; data that is there stays. @throws Error where the folder cannot be written. */
export function writeMembers(
  folder: string,
  ports: readonly MemberPorts[],
  settings: ReadonlyMap<string, string>,
): MemberFiles[] {
  const lines = ports.map(({ quorum, election }, i) => `server.${i + 1}=${host}:${quorum}:${election}`)
  return ports.map(({ client }, i) => {
    const id = i + 1
    const dataDir = join(resolve(folder), `${id}`)
    mkdirSync(dataDir, { recursive: true })
    const all = new Map([...Object.entries(defaults), ...settings])
    for (const [key, value] of Object.entries({ dataDir, clientPort: `${client}`, clientPortAddress: host }))
      all.set(key, value)
    const zooCfg = join(dataDir, 'zoo.cfg')
    // Files of Java properties have \ as an escape.
    const text = [...all].map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}`)
    writeFileSync(zooCfg, [...text, ...lines, ''].join('\n'))
    writeFileSync(join(dataDir, 'myid'), `${id}\n`)
    return { id, zooCfg, address: `${host}:${client}` }
  })
}
