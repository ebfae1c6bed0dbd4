/** Which member of the ensemble this server is, if it is one, and what its line says about clients. */
import { formatAddress } from '@lightkeeper/runtime'
import { ConfigError, Problems } from './config-error.ts'
import { isMemberKey, type MemberLines } from './ensemble-members.ts'
import { parseProperties } from './java-properties.ts'
import { type Note, strictBoolean } from './java-values.ts'
import { type ClientAddress, type Member, parseMember } from './members.ts'
import { filePairs, overlaid } from './pairs.ts'
import { isOff, type ReadFile } from './room.ts'
import { refusals } from './rooms.ts'

type Values = ReadonlyMap<string, string>

const standaloneKey = 'standaloneEnabled'
const noEnsemble = 'belongs to an ensemble, and this server stands alone'

/** Collects the keys that this server cannot honour. */
export function refuseWhatIsNotHonoured(values: Values, problems: Problems): void {
  for (const [key, value] of values) {
    for (const { keys, why, isHarmless = isOff } of refusals) {
      if (!keys.test(key) || isHarmless(value, (other) => values.get(other))) continue
      problems.add(ConfigError.refused(key, why))
    }
  }
}

/** The lines of members, and which of them is this server's own. */
export interface OwnMember {
  /** The own line, by its key: where clients are accepted. Empty where there is no line. */
  readonly own: ReadonlyMap<string, Member>
  /** All lines of an ensemble; undefined where the server stands alone. */
  readonly lines: MemberLines | undefined
  /** Other keys that had their effect here: on who the members are, and which one this server is. */
  readonly used: ReadonlySet<string>
  readonly myid: number | undefined
}

/**
 * Reads the lines of members (QuorumPeerConfig.java). With one line a server stands alone, as in Apache, unless `standaloneEnabled` is
 * false: then it is the leader of an ensemble of one. With more it is a member, and the file `myid` in its data directory says which one.
 * @throws ConfigError for lines that Apache would not take, and where it is unknown which member this is.
 */
export function membersOf(
  values: Values,
  readFile: ReadFile | undefined,
  dataDir: string | undefined,
  note: Note,
): OwnMember {
  const dynamicFile = values.get('dynamicConfigFile')
  const source = dynamicFile === undefined ? values : dynamicValues(values, dynamicFile, readFile, note)
  const all = [...source].filter(([key]) => isMemberKey(key))
  const lines = all.filter(([key]) => key.startsWith('server.'))
  const hasMany = strictBoolean(values.get('multiAddress.enabled') ?? 'false', 'multiAddress.enabled')
  const servers = new Map(lines.map(([key, value]) => [key, parseMember(key, value, hasMany)]))
  const mayStandAlone = strictBoolean(values.get(standaloneKey) ?? 'true', standaloneKey)
  const participants = [...servers.values()].filter(({ isObserver }) => !isObserver).length
  if (lines.length === 0) return alone(values, servers, all, usedFor(dynamicFile), mayStandAlone)
  if (lines.length === 1 && (mayStandAlone || participants === 0))
    return alone(values, servers, all, [standaloneKey, ...usedFor(dynamicFile)], true)
  if (mayStandAlone && participants === 1) {
    const problem = `names one participant, and observers, which need an ensemble: set ${standaloneKey}=false`
    throw ConfigError.refused('server.N', `${problem}; Apache refuses this too`)
  }
  const myid = myidOf(lines.length, readFile, dataDir ?? values.get('dataDir'))
  const key = `server.${myid}`
  const own = servers.get(key)
  if (own === undefined) {
    throw ConfigError.refused(
      'myid',
      `is ${myid}, and there is no line ${key}: ${lines.map(([each]) => each).join(', ')}`,
    )
  }
  noteSharedAddresses(servers, note)
  const peerType = values.get('peerType')?.toLowerCase()
  if (peerType !== undefined && (peerType === 'observer') !== own.isObserver) {
    const role = own.isObserver ? 'an observer' : 'a participant'
    note(`peerType=${peerType} does not count, as in Apache: ${key} makes this server ${role}`)
  }
  const version = dynamicFile === undefined ? undefined : versionIn(dynamicFile)
  const known = version === undefined ? all : [...all, ['version', version] as const]
  return {
    own: new Map([[key, own]]),
    lines: Object.fromEntries(known),
    // `peerType` was compared with the own line.
    used: new Set([standaloneKey, 'peerType', ...usedFor(dynamicFile)]),
    myid,
  }
}

/** Says which members have a port in common, on one host. Apache takes such lines, and one of the two does not start. */
function noteSharedAddresses(servers: ReadonlyMap<string, Member>, note: Note): void {
  const owners = new Map<string, string>()
  for (const [key, { addresses }] of servers) {
    for (const { host, quorumPort, electionPort } of addresses) {
      const ports = [quorumPort, electionPort].map((port) => formatAddress(host, port))
      const shared = ports.find((address) => (owners.get(address) ?? key) !== key)
      if (shared !== undefined) {
        note(`${owners.get(shared)} and ${key} have one address, ${shared}: they cannot both listen there`)
      }
      for (const address of ports) if (!owners.has(address)) owners.set(address, key)
    }
  }
}

/** The end of the name of a file of members, zoo.cfg.dynamic.100000000 for example, says its version (getVersionFromFilename). */
function versionIn(path: string): string | undefined {
  const [, digits = ''] = /\.([0-9a-fA-F]{1,15})$/.exec(path) ?? []
  return digits === '' ? undefined : BigInt(`0x${digits}`).toString(16)
}

function usedFor(dynamicFile: string | undefined): string[] {
  return dynamicFile === undefined ? [] : ['dynamicConfigFile']
}

function alone(
  values: Values,
  servers: ReadonlyMap<string, Member>,
  all: readonly (readonly [string, string])[],
  used: readonly string[],
  mayStandAlone: boolean,
): OwnMember {
  const problems = new Problems()
  if (!mayStandAlone) {
    problems.add(ConfigError.refused(standaloneKey, 'is false, and there is no member, no server.N line'))
  }
  for (const [key] of all) {
    if (!key.startsWith('server.')) problems.add(ConfigError.refused(key, noEnsemble))
  }
  const isObserver = /^observer$/i.test(values.get('peerType') ?? '')
  if (isObserver) problems.add(ConfigError.refused('peerType', noEnsemble))
  for (const [key, member] of servers) {
    if (member.isObserver) {
      problems.add(ConfigError.refused(key, 'is an observer without participants, which serves nobody'))
    }
  }
  problems.throwAny()
  return { own: servers, lines: undefined, used: new Set(used), myid: undefined }
}

/** The number in the file `myid`, as Apache reads it. */
function myidOf(count: number, readFile: ReadFile | undefined, dataDir: string | undefined): number {
  const refuse = (problem: string): ConfigError =>
    ConfigError.refused(
      'server.N',
      `names ${count === 1 ? 'a server of an ensemble' : `${count} servers`}, and the file myid must say which one this server is: ${problem}`,
    )
  if (readFile === undefined || dataDir === undefined) throw refuse('there is no dataDir with that file')
  const path = `${dataDir}/myid`
  const remedy = `write the N of its line there, for example: echo 1 > ${path}`
  let content: string
  try {
    content = readFile(path)
  } catch (error) {
    throw refuse(`${(error as Error).message}; ${remedy}`)
  }
  const [line = ''] = content.split(/\r?\n/)
  if (!/^\s*\d{1,15}\s*$/.test(line)) throw refuse(`the first line of ${path} is no number; ${remedy}`)
  return Number(line)
}

/** What the file of members holds; nothing else may stand in it, and no member beside it. */
function dynamicValues(values: Values, path: string, readFile: ReadFile | undefined, note: Note): Values {
  if (readFile === undefined) {
    throw ConfigError.refused('dynamicConfigFile', 'names a file with the members, which was not read')
  }
  for (const key of values.keys()) {
    if (isMemberKey(key)) throw ConfigError.refused(key, `must be in the dynamicConfigFile, ${path}`)
  }
  let content: string
  try {
    content = readFile(path)
  } catch (error) {
    throw ConfigError.refused('dynamicConfigFile', `cannot be read: ${(error as Error).message}`)
  }
  const pairs = overlaid([filePairs(parseProperties(content), path)], note)
  const dynamic = new Map([...pairs].map(([key, { value }]) => [key, value]))
  const problems = new Problems()
  refuseWhatIsNotHonoured(dynamic, problems)
  problems.throwAny()
  for (const key of dynamic.keys()) {
    if (!isMemberKey(key))
      throw ConfigError.refused(key, 'cannot stand in the file of dynamicConfigFile, which is for members alone')
  }
  return dynamic
}

/**
 * The options that the line of the member, under `key`, gives: ports and addresses, but for those that a command line gave.
 * @throws ConfigError where `options` from elsewhere contradict them.
 */
export function listensAt(
  key: string,
  { client, secureClient }: Member,
  options: ReadonlyMap<string, unknown>,
  isOverridden: (option: string) => boolean,
): [option: string, value: unknown][] {
  const given = [
    ...(client === undefined ? [] : addressAt(key, client, 'clientPort', ';', options, isOverridden)),
    ...(secureClient === undefined
      ? []
      : addressAt(key, secureClient, 'secureClientPort', ';;', options, isOverridden)),
  ]
  return given.filter(([option]) => !isOverridden(option))
}

/**
 * Where a member accepts clients if the file names a port and no address: everywhere, as in Apache. Its clients are on other machines
 * as a rule, and they must reach it as they reached the server of Apache in its place.
 */
export function acceptsAsApache(options: ReadonlyMap<string, unknown>): [option: string, value: unknown][] {
  return ['clientPort', 'secureClientPort']
    .filter((port) => options.get(port) !== undefined && options.get(`${port}Address`) === undefined)
    .map((port) => [`${port}Address`, '::'])
}

function addressAt(
  key: string,
  client: ClientAddress,
  portOption: 'clientPort' | 'secureClientPort',
  front: string,
  options: ReadonlyMap<string, unknown>,
  isOverridden: (option: string) => boolean,
): [option: string, value: unknown][] {
  const hostOption = `${portOption}Address`
  const port = options.get(portOption)
  const host = options.get(hostOption)
  const isAny = host === undefined || host === '0.0.0.0' || host === '::'
  const said = `${front}${client.host === undefined ? '' : `${client.host}:`}${client.port}`
  if (port !== undefined && port !== client.port && !isOverridden(portOption)) {
    throw new ConfigError(portOption, port, `${client.port}, since ${key} ends in ${said}`)
  }
  if (port !== undefined && !isAny && host !== client.host && !isOverridden(hostOption)) {
    throw new ConfigError(hostOption, host, `${client.host ?? 'all addresses'}, since ${key} ends in ${said}`)
  }
  // A port alone means all addresses, as in Apache.
  return [
    [portOption, client.port],
    [hostOption, client.host ?? '::'],
  ]
}
