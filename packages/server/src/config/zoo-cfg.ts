/** zoo.cfg: what its keys mean for this server (QuorumPeerConfig.java). Nothing is opened here; a file is read by the caller. */
import { nearestName } from '@lightkeeper/runtime'
import type { ServerOptions } from './config.ts'
import { ConfigError, Problems } from './config-error.ts'
import { isMemberKey } from './ensemble-members.ts'
import { parseProperties } from './java-properties.ts'
import type { Note } from './java-values.ts'
import { parseJvmFlags } from './jvm-flags.ts'
import { refuseHalfOfAdminTls } from './keys/admin-tls.ts'
import { refuseHalfOfTls } from './keys/tls.ts'
import type { Member } from './members.ts'
import { filePairs, overlaid, type Pair } from './pairs.ts'
import type { ReadFile } from './room.ts'
import { families, honoured, idle, isIdleFamily, settings } from './rooms.ts'
import { acceptsAsApache, listensAt, membersOf, refuseWhatIsNotHonoured } from './the-member.ts'

/** A zoo.cfg that was read. */
export interface ZooCfg {
  /** The options for `startServer`. */
  readonly options: ServerOptions
  /** Where each option comes from, as a message shows it: `zoo.cfg:12`, `--set`, `-Dzookeeper.snapCount of SERVER_JVMFLAGS`. */
  readonly origins: ReadonlyMap<string, string>
  /** Keys that Apache has and that change nothing here: worth one line at start. */
  readonly ignored: readonly string[]
  /** Keys that nobody knows, with the name that may have been meant: `clientport (clientPort?)`. Worth one line at start. */
  readonly unknown: readonly string[]
  /** What was read in another way than its writer may think, a sentence each. */
  readonly notes: readonly string[]
}

/** What counts beside the text of a zoo.cfg. */
export interface ZooCfgSources {
  /** What the file is called in `origins`. Default `zoo.cfg`. */
  readonly name?: string
  /** Pairs that count more than those of the file: those of a command line. */
  readonly more?: Iterable<readonly [key: string, value: string]>
  /** Flags of a Java machine by the name of their variable, `SERVER_JVMFLAGS`. As in Apache, they count less than the file. */
  readonly jvmFlags?: Iterable<readonly [name: string, flags: string]>
  /** The text of the file that `dynamicConfigFile` names. Without it a file that names one is refused. Its errors are passed on. */
  readonly readFile?: ReadFile
  /** The data directory where another one counts than that of the file. A member's number is in its file `myid`. */
  readonly dataDir?: string | undefined
}

/**
 * Reads the text of a zoo.cfg. Session timeouts of -1 mean the default, as in Apache; of a key that stands twice, the last one
 * counts. Keys may have the prefix `zookeeper.`. A key that is not there means Apache's default, which is not always that of
 * `startServer`.
 * @throws ConfigError naming every key whose value cannot be used, or that means security or membership and cannot be honoured.
 */
export function parseZooCfg(content: string, sources: ZooCfgSources = {}): ZooCfg {
  const cfg = read(content, sources)
  const absent = [...settings].filter(([option, { inFile }]) => inFile !== undefined && !cfg.origins.has(option))
  const defaults = Object.fromEntries(absent.map(([option, { inFile }]) => [option, inFile]))
  const origins = new Map([...cfg.origins, ...absent.map(([option]) => [option, 'default of a zoo.cfg'] as const)])
  return { ...cfg, options: { ...cfg.options, ...defaults }, origins }
}

/** The same for `key=value` pairs from elsewhere, a command line for example; what they leave out has the server's default. */
export function optionsOf(pairs: Iterable<readonly [key: string, value: string]>, sources: ZooCfgSources = {}): ZooCfg {
  return read('', { ...sources, more: pairs })
}

function read(content: string, sources: ZooCfgSources): ZooCfg {
  const { name = 'zoo.cfg', more = [], jvmFlags = [], readFile } = sources
  const notes: string[] = []
  const note: Note = (text) => void notes.push(text)
  const flags = [...jvmFlags].flatMap(([variable, text]) => parseJvmFlags(text, variable, note))
  const layers = [flags, filePairs(parseProperties(content), name), commandLinePairs(more)]
  return interpret(overlaid(layers, note), notes, readFile, sources.dataDir)
}

const commandLine = '--set'

function commandLinePairs(pairs: Iterable<readonly [string, string]>): Pair[] {
  return [...pairs].map(([key, value]) => ({ key, value, origin: commandLine }))
}

function interpret(
  pairs: ReadonlyMap<string, Pair>,
  notes: string[],
  readFile: ReadFile | undefined,
  dataDir: string | undefined,
): ZooCfg {
  const note: Note = (text) => void notes.push(text)
  const problems = new Problems()
  const values = new Map([...pairs].map(([key, { value }]) => [key, value]))
  refuseWhatIsNotHonoured(values, problems)

  const ensemble = problems.try(() => membersOf(values, readFile, dataDir, note))
  const members = ensemble?.own ?? new Map<string, Member>()
  const options = new Map<string, unknown>()
  const origins = new Map<string, string>()
  const ignored: string[] = []
  const unknown: string[] = []
  if (ensemble?.lines !== undefined) {
    options.set('members', ensemble.lines)
    options.set('myid', ensemble.myid)
    for (const option of ['members', 'myid'])
      origins.set(option, values.get('dynamicConfigFile') ?? 'server.N and myid')
  }
  for (const [key, { value, origin }] of pairs) {
    const option = honoured.get(key)
    if (option !== undefined) {
      // The default, which depends on others.
      if (value === '-1' && /^(min|max)SessionTimeout$/.test(key)) continue
      options.set(
        option,
        problems.try(() => checked(option, key, value, note)),
      )
      origins.set(option, origin)
    } else if (idle.has(key)) {
      problems.try(() => idle.get(key)?.(value, key, note))
      if (ensemble?.used.has(key) !== true) ignored.push(key)
    } else if (families.some(({ keys }) => keys.test(key))) continue
    else if (isIdleFamily(key)) ignored.push(key)
    else if (!isMemberKey(key)) unknown.push(withNearest(key))
  }
  // A key may belong to several families: the admin port has the certificates of the ports between servers.
  const used = new Set<string>()
  const unused = new Set<string>()
  for (const { keys, option, read } of families) {
    const own = [...pairs].filter(([key]) => keys.test(key))
    if (own.length === 0) continue
    const tools = { readFile, note, all: values }
    const given = problems.try(() => read(new Map(own.map(([key, { value }]) => [key, value])), tools))
    if (given === undefined) {
      for (const [key] of own) if (isIdleFamily(key)) unused.add(key)
      continue
    }
    for (const [key] of own) used.add(key)
    options.set(option, given)
    origins.set(option, own.map(([, { origin }]) => origin).join(' '))
  }
  ignored.push(...[...unused].filter((key) => !used.has(key)))
  problems.try(() => checkElection(values))
  for (const [key, member] of members) {
    if (member.client === undefined && member.secureClient === undefined) {
      if (ensemble?.lines === undefined) ignored.push(key)
      continue
    }
    const origin = pairs.get(key)?.origin ?? key
    problems.try(() => {
      for (const [option, value] of listensAt(key, member, options, (each) => origins.get(each) === commandLine)) {
        options.set(option, value)
        origins.set(option, origin)
      }
    })
  }
  if (ensemble?.lines !== undefined) {
    for (const [option, value] of acceptsAsApache(options)) {
      options.set(option, value)
      origins.set(option, 'as in Apache, for a member')
    }
  }
  problems.throwAny()
  refuseHalfOfTls(options, [...members].find(([, { secureClient }]) => secureClient !== undefined)?.[0])
  refuseHalfOfAdminTls(options, values)
  return { options: Object.fromEntries(options) as ServerOptions, origins, ignored, unknown, notes }
}

/** The option for a value, if the server can start with it; an error names it as the file does. */
function checked(option: string, key: string, value: string, note: Note): unknown {
  const setting = settings.get(option)
  const given = setting?.read(value, key, note)
  setting?.check(given, key)
  return given
}

/** Values that Apache refuses, although nothing is done with them here. */
function checkElection(values: ReadonlyMap<string, string>): void {
  const algorithm = values.get('electionAlg') ?? '3'
  if (algorithm !== '3') throw new ConfigError('electionAlg', algorithm, '3, the only one that Apache has')
}

function withNearest(key: string): string {
  const nearest = nearestName(key, [...honoured.keys(), ...idle.keys(), 'secureClientPort', 'server.1'])
  const shown = JSON.stringify(key).slice(1, -1).slice(0, 100)
  return nearest === undefined ? shown : `${shown} (${nearest}?)`
}
