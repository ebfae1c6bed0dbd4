/** zoo.cfg: what its keys mean for this server (QuorumPeerConfig.java). Nothing is opened here; a file is read by the caller. */
import { nearestName } from '@lightkeeper/runtime'
import { ConfigError, resolveConfig, type ServerOptions } from './config.ts'
import { parseProperties, trimmed } from './java-properties.ts'
import { strictBoolean } from './java-values.ts'
import { honoured, idle, isOff, refusals } from './keys.ts'
import { type Member, parseMember } from './members.ts'

export interface ZooCfg {
  readonly options: ServerOptions
  /** Keys that Apache has and that change nothing here: worth one line at start. */
  readonly ignored: readonly string[]
  /** Keys that nobody knows, with the name that may have been meant: `clientport (clientPort?)`. Worth one line at start. */
  readonly unknown: readonly string[]
  /** What was read in another way than its writer may think, a sentence each. */
  readonly notes: readonly string[]
}

export interface ZooCfgSources {
  /** Pairs that count more than those of the file: those of a command line. */
  readonly more?: Iterable<readonly [key: string, value: string]>
  /** The text of the file that `dynamicConfigFile` names. Without it a file that names one is refused. Its errors are passed on. */
  readonly readFile?: (path: string) => string
}

/**
 * Reads the text of a zoo.cfg. Session timeouts of -1 mean the default, as in Apache; of a key that stands twice, the last one
 * counts. Keys may have the prefix `zookeeper.`.
 * @throws ConfigError naming the key whose value cannot be used, or that means security or membership and cannot be honoured.
 */
export function parseZooCfg(content: string, sources: ZooCfgSources = {}): ZooCfg {
  return interpret([...parseProperties(content), ...(sources.more ?? [])], sources.readFile)
}

/** The same for `key=value` pairs from elsewhere, a command line for example. */
export function optionsOf(pairs: Iterable<readonly [key: string, value: string]>): ZooCfg {
  return interpret([...pairs])
}

const prefix = 'zookeeper.'

function interpret(pairs: readonly (readonly [string, string])[], readFile?: ZooCfgSources['readFile']): ZooCfg {
  const notes: string[] = []
  const note = (text: string): void => void notes.push(text)
  const values = lastOf(pairs, note)
  refuseWhatIsNotHonoured(values)

  const members = membersOf(values, readFile)
  const options = new Map<keyof ServerOptions, unknown>()
  const ignored: string[] = []
  const unknown: string[] = []
  for (const [key, value] of values) {
    const row = honoured.get(key)
    if (row !== undefined) {
      const [option, read] = row
      // The default, which depends on others.
      if (value === '-1' && /^(min|max)SessionTimeout$/.test(key)) continue
      options.set(option, checked(option, read(value, key, note), key))
    } else if (idle.has(key)) {
      idle.get(key)?.(value, key, note)
      ignored.push(key)
    } else if (isKnownFamily(key)) ignored.push(key)
    else if (!key.startsWith('server.')) unknown.push(withNearest(key))
  }
  if (values.has('electionAlg') && values.get('electionAlg') !== '3') {
    throw new ConfigError('electionAlg', values.get('electionAlg'), '3, the only one that Apache has')
  }
  if (values.has('peerType') && !/^(participant|observer)$/i.test(values.get('peerType') ?? '')) {
    throw new ConfigError('peerType', values.get('peerType'), 'participant or observer')
  }
  for (const [key, member] of members) {
    if (member.client === undefined) ignored.push(key)
    else listenAs(key, member.client, options)
  }
  return { options: Object.fromEntries(options) as ServerOptions, ignored, unknown, notes }
}

/** One value for each key, without the prefix; a key without it counts more, as it does in Apache. */
function lastOf(pairs: readonly (readonly [string, string])[], note: (text: string) => void): Map<string, string> {
  const values = new Map<string, string>()
  const isPlain = new Set<string>()
  for (const [given, givenValue] of pairs) {
    const value = trimmed(givenValue)
    const hasPrefix = given.startsWith(prefix)
    const key = trimmed(hasPrefix ? given.slice(prefix.length) : given)
    if (hasPrefix && isPlain.has(key)) continue
    if (!hasPrefix && isPlain.has(key) && values.get(key) !== value) note(`${key} is given twice; the last one counts`)
    if (!hasPrefix) isPlain.add(key)
    values.set(key, value)
  }
  return values
}

function refuseWhatIsNotHonoured(values: ReadonlyMap<string, string>): void {
  for (const [key, value] of values) {
    for (const { keys, why, isHarmless = isOff } of refusals) {
      if (keys.test(key) && !isHarmless(value, (other) => values.get(other))) throw ConfigError.refused(key, why)
    }
  }
}

/**
 * The one member there may be, under its key. With one line Apache stands alone too. A member's data must not be served by a server
 * that knows nothing of the others.
 */
function membersOf(
  values: ReadonlyMap<string, string>,
  readFile: ZooCfgSources['readFile'],
): ReadonlyMap<string, Member> {
  const dynamicFile = values.get('dynamicConfigFile')
  const source = dynamicFile === undefined ? values : dynamicValues(values, dynamicFile, readFile)
  const lines = [...source].filter(([key]) => key.startsWith('server.'))
  if (lines.length > 1) {
    throw new ConfigError(
      'server.N',
      lines.map(([key, value]) => `${key}=${value}`).join(' '),
      'one line at the most: this server stands alone, in no ensemble',
    )
  }
  const standalone = values.get('standaloneEnabled') ?? 'true'
  if (lines.length === 0 && !strictBoolean(standalone, 'standaloneEnabled')) {
    throw ConfigError.refused('standaloneEnabled', 'is false, and there is no member, no server.N line')
  }
  const hasMany = strictBoolean(values.get('multiAddress.enabled') ?? 'false', 'multiAddress.enabled')
  return new Map(
    lines.map(([key, value]) => {
      const member = parseMember(key, value, hasMany)
      if (member.isObserver) throw ConfigError.refused(key, 'is an observer without participants, which serves nobody')
      return [key, member]
    }),
  )
}

/** What the file of members holds; nothing else may stand in it, and no member beside it. */
function dynamicValues(
  values: ReadonlyMap<string, string>,
  path: string,
  readFile: ZooCfgSources['readFile'],
): ReadonlyMap<string, string> {
  if (readFile === undefined) {
    throw ConfigError.refused('dynamicConfigFile', 'names a file with the members, which was not read')
  }
  for (const key of values.keys()) {
    if (key.startsWith('server.')) throw ConfigError.refused(key, `must be in the dynamicConfigFile, ${path}`)
  }
  let content: string
  try {
    content = readFile(path)
  } catch (error) {
    throw ConfigError.refused('dynamicConfigFile', `cannot be read: ${(error as Error).message}`)
  }
  const dynamic = lastOf(parseProperties(content), () => {})
  refuseWhatIsNotHonoured(dynamic)
  for (const key of dynamic.keys()) {
    if (!key.startsWith('server.'))
      throw ConfigError.refused(key, `cannot stand in ${path}, which is for members alone`)
  }
  return dynamic
}

/** Where the member's own line says that clients are served, which must not contradict what stands beside it. */
function listenAs(
  key: string,
  client: NonNullable<Member['client']>,
  options: Map<keyof ServerOptions, unknown>,
): void {
  const port = options.get('clientPort')
  const host = options.get('clientPortAddress')
  const isAny = host === undefined || host === '0.0.0.0' || host === '::'
  const said = client.host === undefined ? `;${client.port}` : `;${client.host}:${client.port}`
  if (port !== undefined && port !== client.port) {
    throw new ConfigError('clientPort', port, `${client.port}, since ${key} ends in ${said}`)
  }
  if (port !== undefined && !isAny && host !== client.host) {
    throw new ConfigError('clientPortAddress', host, `${client.host ?? 'all addresses'}, since ${key} ends in ${said}`)
  }
  options.set('clientPort', client.port)
  // A port alone means all addresses, as in Apache.
  options.set('clientPortAddress', client.host ?? '::')
}

/** The value, if the server can start with it; an error names it as the file does. */
function checked(option: keyof ServerOptions, value: unknown, key: string): unknown {
  // Limits of each other, and the one that needs another, are the server's to compare.
  if (option.endsWith('SessionTimeout') || option === 'dataLogDir') {
    if (option === 'dataLogDir') resolveNamed({ dataDir: value as string }, 'dataDir', key)
    return value
  }
  resolveNamed({ [option]: value }, option, key)
  return value
}

function resolveNamed(options: ServerOptions, option: keyof ServerOptions, key: string): void {
  try {
    resolveConfig(options, 0)
  } catch (error) {
    throw error instanceof ConfigError && error.setting === option ? error.as(key) : error
  }
}

/** Families of keys of which the rest is free. */
function isKnownFamily(key: string): boolean {
  return key.startsWith('metricsProvider.') || refusals.some(({ keys }) => keys.test(key) && !key.startsWith('server.'))
}

function withNearest(key: string): string {
  const nearest = nearestName(key, [...honoured.keys(), ...idle.keys(), 'secureClientPort', 'server.1'])
  const shown = JSON.stringify(key).slice(1, -1).slice(0, 100)
  return nearest === undefined ? shown : `${shown} (${nearest}?)`
}
