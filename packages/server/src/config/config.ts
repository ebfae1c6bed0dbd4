/** Settings of a server: names and defaults of zoo.cfg in camel case, all checked before anything is opened. */
import { frameBytesMaxDefault } from '@lightkeeper/protocol'
import { nearestName, parseHost } from '@lightkeeper/runtime'
import type { Compression } from '../storage/compression.ts'
import { snapshotsKeptMin } from '../storage/purge.ts'

export interface ServerOptions {
  /** Port for clients; 0 takes a free one. Default 2181. */
  readonly clientPort?: number
  /** Short for `clientPort`. */
  readonly port?: number
  /** Address to listen on. Default 127.0.0.1; `::` or 0.0.0.0 for all interfaces. */
  readonly clientPortAddress?: string
  /** Short for `clientPortAddress`. */
  readonly host?: string
  /** Connections the system may hold before they are accepted; -1 leaves it to the system. Default -1. */
  readonly clientPortListenBacklog?: number
  /** Directory for snapshots and logs, in Apache's layout; made if it is missing. Default none: data in memory only. */
  readonly dataDir?: string | undefined
  /** Directory for logs alone, best on a disk of its own. Default `dataDir`. */
  readonly dataLogDir?: string | undefined
  /** Acknowledge only what would survive a power cut. False loses what was acknowledged last. Default true. */
  readonly forceSync?: boolean
  /** Transactions between two snapshots, about: somewhere in the upper half. Default 100000. */
  readonly snapCount?: number
  /** Size of the log between two snapshots, KiB, about; 0 for no limit. Default 4194304. */
  readonly snapSizeLimitInKb?: number
  /** What a log grows by before it is needed, KiB; 0 for nothing. Default 65536. */
  readonly preAllocSize?: number
  /** How snapshots are packed: `none`, `gz` or `snappy`. Default none. */
  readonly snapshotCompression?: Compression
  /** Znodes of a snapshot that are written between two turns of everything else, at the most. Default 512. */
  readonly snapshotSliceZnodes?: number
  /** Log and snapshots carry a digest of the tree. Default true. */
  readonly digestEnabled?: boolean
  /** Snapshots kept, with the logs behind the oldest of them; 3 at least. Default 3. */
  readonly autopurgeSnapRetainCount?: number
  /** 0 keeps every file for ever; anything else removes old ones behind each snapshot. Default 1. */
  readonly autopurgePurgeInterval?: number
  /** Start although acknowledged transactions are missing or damaged, without them. Default false. */
  readonly acceptLoss?: boolean
  /** Unit of session timeouts and width of an expiry bucket, milliseconds. Default 3000. */
  readonly tickTime?: number
  /** Shortest session timeout granted, milliseconds. Default 2 ticks. */
  readonly minSessionTimeout?: number
  /** Longest session timeout granted, milliseconds. Default 20 ticks. */
  readonly maxSessionTimeout?: number
  /** Connections from one address; 0 is unlimited. Default 60. */
  readonly maxClientCnxns?: number
  /** Connections in all; 0 is unlimited. Default 0. */
  readonly maxCnxns?: number
  /** Transactions under way above which connections with an unanswered request are not read. Default 1000. */
  readonly globalOutstandingLimit?: number
  /** Unanswered requests of one connection above which it is not read. Default 1000. */
  readonly connectionOutstandingLimit?: number
  /** Replies waiting for a slow client above which it is not read, bytes. Default 1 MiB. */
  readonly slowReaderPauseBytes?: number
  /** Replies and events waiting for a slow client above which it is cut off, bytes. Default 16 MiB. */
  readonly slowReaderCutBytes?: number
  /** Replies and events waiting for all clients together, bytes. Default 32 MiB. */
  readonly heldReplyBytes?: number
  /** Largest reply, bytes. Default 32 MiB. */
  readonly maxReplyBytes?: number
  /** Operations of one multi or multiRead. Default 6000. */
  readonly maxMultiOperations?: number
  /** Identities of one connection. Default 64. */
  readonly maxIdentities?: number
  /** Watches of one connection. Default 1000000. */
  readonly maxCnxnWatches?: number
  /** What the watches of one connection take, bytes, about. Default 64 MiB. */
  readonly maxCnxnWatchBytes?: number
  /** What all watches take, bytes, about. Default 512 MiB. */
  readonly maxWatchBytes?: number
  /** Largest request, bytes: `jute.maxbuffer`. Default 1048575. */
  readonly juteMaxbuffer?: number
  /** A connection without a handshake is closed after this time, milliseconds. Default 10000. */
  readonly sessionlessCnxnTimeout?: number
  /** Allow TTL znodes. Default false. */
  readonly extendedTypesEnabled?: boolean
  /** Refuse what a hard quota forbids. Default false. */
  readonly enforceQuota?: boolean
  /** Skip every ACL check. Default false. */
  readonly skipACL?: boolean
  /** `user:<base64 of the sha1 of user:password>`, whatever the user: who authenticates so passes every ACL. Default none. */
  readonly superDigest?: string | undefined
  /** Answer reconfig with "not implemented" rather than "disabled". Default false. */
  readonly reconfigEnabled?: boolean
  /** Four-letter words that are answered: a comma list, `*` for all. Default `srvr`. */
  readonly fourLetterWordWhitelist?: string
  /** How often containers and TTL znodes are looked at, milliseconds. Default 60000. */
  readonly znodeContainerCheckIntervalMs?: number
  /** Age at which a container that never had a child goes, milliseconds; 0 is never. Default 0. */
  readonly znodeContainerMaxNeverUsedIntervalMs?: number
  /**
   * Zxid to count from. Default: made from the time of the start, so that a client that knew this server before a restart
   * never sees zxids go back.
   */
  readonly initialZxid?: bigint
}

export interface ServerConfig {
  readonly clientPort: number
  readonly clientPortAddress: string
  readonly clientPortListenBacklog: number
  readonly dataDir: string | undefined
  readonly dataLogDir: string | undefined
  readonly forceSync: boolean
  readonly snapCount: number
  readonly snapSizeLimitInKb: number
  readonly preAllocSize: number
  readonly snapshotCompression: Compression
  readonly snapshotSliceZnodes: number
  readonly digestEnabled: boolean
  readonly autopurgeSnapRetainCount: number
  readonly autopurgePurgeInterval: number
  readonly acceptLoss: boolean
  readonly tickTime: number
  readonly minSessionTimeout: number
  readonly maxSessionTimeout: number
  readonly maxClientCnxns: number
  readonly maxCnxns: number
  readonly globalOutstandingLimit: number
  readonly connectionOutstandingLimit: number
  readonly slowReaderPauseBytes: number
  readonly slowReaderCutBytes: number
  readonly heldReplyBytes: number
  readonly maxReplyBytes: number
  readonly maxMultiOperations: number
  readonly maxIdentities: number
  readonly maxCnxnWatches: number
  readonly maxCnxnWatchBytes: number
  readonly maxWatchBytes: number
  readonly juteMaxbuffer: number
  readonly sessionlessCnxnTimeout: number
  readonly extendedTypesEnabled: boolean
  readonly enforceQuota: boolean
  readonly skipAcl: boolean
  readonly superDigest: string | undefined
  readonly reconfigEnabled: boolean
  readonly fourLetterWordWhitelist: readonly string[]
  readonly znodeContainerCheckIntervalMs: number
  readonly znodeContainerMaxNeverUsedIntervalMs: number
  readonly initialZxid: bigint
}

/** A setting that cannot be used: says which, what was given, and what is wanted. */
export class ConfigError extends TypeError {
  override readonly name = 'ConfigError'
  readonly code = 'BAD_CONFIG'
  readonly setting: string

  /**
   * @param given shown in the message, so never a secret.
   * @param problem stands behind the name in place of what was given and what is wanted.
   */
  constructor(setting: string, given: unknown, wanted: string, problem = `is ${describe(given)}, expected ${wanted}`) {
    super(`${setting} ${problem}`)
    this.setting = setting
  }

  /** A setting whose value is not shown: `problem` stands behind the name. */
  static refused(setting: string, problem: string): ConfigError {
    return new ConfigError(setting, undefined, '', problem)
  }

  /** The same about a setting that has another name where it was given. */
  as(setting: string): ConfigError {
    return ConfigError.refused(setting, this.message.slice(this.setting.length + 1))
  }
}

/** A value as a message shows it; a message is made of anything, also of what throws when it is looked at. */
function describe(given: unknown): string {
  switch (typeof given) {
    case 'string':
      return JSON.stringify(given.length > 200 ? `${given.slice(0, 200)}…` : given)
    case 'bigint':
      return `${String(given).slice(0, 50)}n, a bigint`
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(given)
    case 'object':
      return given === null ? 'null' : Array.isArray(given) ? 'an array' : 'an object'
    default:
      return `a ${typeof given}`
  }
}

const int32Max = 0x7fff_ffff

/** 2020-01-01: milliseconds since then, times four million transactions each, fit 63 bits until 2089. */
const epochStart = 1_577_836_800_000

/**
 * Fills in defaults. `wall` is the time of the start, milliseconds since 1970.
 * @throws ConfigError for the first setting that cannot be used.
 */
export function resolveConfig(options: ServerOptions, wall: number): ServerConfig {
  const given = read(options)
  const number = (name: NumberOption, fallback: number, min: number, max = int32Max): number => {
    const value = given.get(name) ?? fallback
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new ConfigError(name, value, `an integer from ${min} to ${max}`)
    }
    return value
  }
  const flag = (name: FlagOption, fallback = false): boolean => {
    const value = given.get(name) ?? fallback
    if (typeof value !== 'boolean') throw new ConfigError(name, value, 'true or false')
    return value
  }
  const directory = (name: 'dataDir' | 'dataLogDir'): string | undefined => {
    const value = given.get(name)
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
    throw new ConfigError(name, value, 'the path of a directory')
  }
  onlyOneOf(given, 'port', 'clientPort')
  onlyOneOf(given, 'host', 'clientPortAddress')
  const tickTime = number('tickTime', 3000, 1)
  const minSessionTimeout = number('minSessionTimeout', Math.min(int32Max, tickTime * 2), 1)
  const maxSessionTimeout = number('maxSessionTimeout', Math.min(int32Max, tickTime * 20), 1)
  if (minSessionTimeout > maxSessionTimeout) {
    throw new ConfigError(
      'minSessionTimeout',
      minSessionTimeout,
      `at most maxSessionTimeout, which is ${maxSessionTimeout}`,
    )
  }
  const dataDir = directory('dataDir')
  const dataLogDir = directory('dataLogDir')
  if (dataLogDir !== undefined && dataDir === undefined) {
    throw new ConfigError('dataDir', undefined, 'a directory, since dataLogDir is given')
  }
  const snapshotCompression = given.get('snapshotCompression') ?? 'none'
  if (snapshotCompression !== 'none' && snapshotCompression !== 'gz' && snapshotCompression !== 'snappy') {
    throw new ConfigError('snapshotCompression', snapshotCompression, 'none, gz or snappy')
  }
  return {
    clientPort: number(given.has('port') ? 'port' : 'clientPort', 2181, 0, 65535),
    clientPortAddress: hostOf(given),
    clientPortListenBacklog: number('clientPortListenBacklog', -1, -1),
    dataDir,
    dataLogDir,
    forceSync: flag('forceSync', true),
    snapCount: number('snapCount', 100_000, 2),
    snapSizeLimitInKb: number('snapSizeLimitInKb', 4_194_304, 0),
    preAllocSize: number('preAllocSize', 65_536, 0, 4_194_304),
    snapshotCompression,
    snapshotSliceZnodes: number('snapshotSliceZnodes', 512, 1),
    digestEnabled: flag('digestEnabled', true),
    autopurgeSnapRetainCount: number('autopurgeSnapRetainCount', snapshotsKeptMin, snapshotsKeptMin),
    autopurgePurgeInterval: number('autopurgePurgeInterval', 1, 0),
    acceptLoss: flag('acceptLoss'),
    tickTime,
    minSessionTimeout,
    maxSessionTimeout,
    maxClientCnxns: number('maxClientCnxns', 60, 0),
    maxCnxns: number('maxCnxns', 0, 0),
    globalOutstandingLimit: number('globalOutstandingLimit', 1000, 1),
    connectionOutstandingLimit: number('connectionOutstandingLimit', 1000, 1),
    slowReaderPauseBytes: number('slowReaderPauseBytes', 1 << 20, 1),
    slowReaderCutBytes: number('slowReaderCutBytes', 16 << 20, 1),
    heldReplyBytes: number('heldReplyBytes', 32 << 20, 1),
    maxReplyBytes: number('maxReplyBytes', 32 << 20, 1024),
    maxMultiOperations: number('maxMultiOperations', 3_000, 1),
    maxIdentities: number('maxIdentities', 64, 1),
    maxCnxnWatches: number('maxCnxnWatches', 1_000_000, 1),
    maxCnxnWatchBytes: number('maxCnxnWatchBytes', 64 << 20, 1),
    maxWatchBytes: number('maxWatchBytes', 512 << 20, 1),
    juteMaxbuffer: number('juteMaxbuffer', frameBytesMaxDefault, 1024),
    sessionlessCnxnTimeout: number('sessionlessCnxnTimeout', 10_000, 1),
    extendedTypesEnabled: flag('extendedTypesEnabled'),
    enforceQuota: flag('enforceQuota'),
    skipAcl: flag('skipACL'),
    superDigest: superDigestOf(given.get('superDigest')),
    reconfigEnabled: flag('reconfigEnabled'),
    fourLetterWordWhitelist: wordsOf(given.get('fourLetterWordWhitelist') ?? 'srvr'),
    znodeContainerCheckIntervalMs: number('znodeContainerCheckIntervalMs', 60_000, 1),
    znodeContainerMaxNeverUsedIntervalMs: number('znodeContainerMaxNeverUsedIntervalMs', 0, 0),
    initialZxid: zxidOf(given.get('initialZxid') ?? BigInt(Math.max(0, Math.floor(wall - epochStart))) << 22n),
  }
}

type Given = ReadonlyMap<keyof ServerOptions, unknown>

/** Every option that is there, read once. @throws ConfigError for one that nobody knows, or that cannot be read. */
function read(options: unknown): Given {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError('options', options, 'an object; see ServerOptions')
  }
  const given = new Map<keyof ServerOptions, unknown>()
  for (const name of namesOf(options)) {
    if (!isOption(name)) {
      const nearest = nearestName(name, optionNames)
      const hint = nearest === undefined ? 'see ServerOptions' : `did you mean ${nearest}?`
      throw ConfigError.refused(JSON.stringify(name).slice(1, -1).slice(0, 100), `is no such setting; ${hint}`)
    }
    let value: unknown
    try {
      value = (options as Record<string, unknown>)[name]
    } catch (error) {
      const problem = ConfigError.refused(name, 'cannot be read: its getter throws')
      problem.cause = error
      throw problem
    }
    if (value === null) throw new ConfigError(name, value, 'a value, or undefined for the default')
    if (value !== undefined) given.set(name, value)
  }
  return given
}

function namesOf(options: object): string[] {
  try {
    return Object.keys(options)
  } catch (error) {
    const problem = ConfigError.refused('options', 'cannot be read')
    problem.cause = error
    throw problem
  }
}

function isOption(name: string): name is keyof ServerOptions {
  return optionNames.has(name)
}

/** The short name and the long one must not say two things. */
function onlyOneOf(given: Given, short: keyof ServerOptions, long: keyof ServerOptions): void {
  const value = given.get(short)
  if (given.has(short) && given.has(long) && value !== given.get(long)) {
    throw new ConfigError(short, value, `what ${long} says, which is ${describe(given.get(long))}`)
  }
}

function hostOf(given: Given): string {
  const name = given.has('host') ? 'host' : 'clientPortAddress'
  const value = given.get(name) ?? '127.0.0.1'
  const wanted = 'a host name or an IP address, without a port; :: or 0.0.0.0 for all addresses'
  if (typeof value !== 'string') throw new ConfigError(name, value, wanted)
  try {
    return parseHost(value)
  } catch {
    throw new ConfigError(name, value, wanted)
  }
}

/** Never shown: who knows it by its hash can try passwords. */
function superDigestOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  // A sha1 in base64: 27 characters and one for the padding.
  if (typeof value === 'string' && /^[^:]*:[A-Za-z0-9+/]{27}=$/.test(value)) return value
  throw ConfigError.refused('superDigest', 'is not of the form user:<base64 of the sha1 of "user:password">')
}

function wordsOf(value: unknown): readonly string[] {
  const wanted = 'a comma list of four-letter words, or *'
  if (typeof value !== 'string') throw new ConfigError('fourLetterWordWhitelist', value, wanted)
  const words = value.split(',').map((word) => word.trim())
  for (const word of words) {
    if (word !== '' && word !== '*' && word.length !== 4) throw new ConfigError('fourLetterWordWhitelist', word, wanted)
  }
  return words
}

/** Zxids are signed on the wire; those below 0 are nobody's. */
function zxidOf(value: unknown): bigint {
  if (typeof value === 'bigint' && value >= 0n && value < 1n << 63n) return value
  throw new ConfigError('initialZxid', value, 'a bigint from 0n to 2n ** 63n - 1n')
}

type NumberOption = {
  [K in keyof ServerOptions]-?: NonNullable<ServerOptions[K]> extends number ? K : never
}[keyof ServerOptions]
type FlagOption = {
  [K in keyof ServerOptions]-?: NonNullable<ServerOptions[K]> extends boolean ? K : never
}[keyof ServerOptions]

const optionNames: ReadonlySet<string> = new Set(
  Object.keys({
    clientPort: true,
    port: true,
    clientPortAddress: true,
    host: true,
    clientPortListenBacklog: true,
    dataDir: true,
    dataLogDir: true,
    forceSync: true,
    snapCount: true,
    snapSizeLimitInKb: true,
    preAllocSize: true,
    snapshotCompression: true,
    snapshotSliceZnodes: true,
    digestEnabled: true,
    autopurgeSnapRetainCount: true,
    autopurgePurgeInterval: true,
    acceptLoss: true,
    tickTime: true,
    minSessionTimeout: true,
    maxSessionTimeout: true,
    maxClientCnxns: true,
    maxCnxns: true,
    globalOutstandingLimit: true,
    connectionOutstandingLimit: true,
    slowReaderPauseBytes: true,
    slowReaderCutBytes: true,
    heldReplyBytes: true,
    maxReplyBytes: true,
    maxMultiOperations: true,
    maxIdentities: true,
    maxCnxnWatches: true,
    maxCnxnWatchBytes: true,
    maxWatchBytes: true,
    juteMaxbuffer: true,
    sessionlessCnxnTimeout: true,
    extendedTypesEnabled: true,
    enforceQuota: true,
    skipACL: true,
    superDigest: true,
    reconfigEnabled: true,
    fourLetterWordWhitelist: true,
    znodeContainerCheckIntervalMs: true,
    znodeContainerMaxNeverUsedIntervalMs: true,
    initialZxid: true,
  } satisfies Record<keyof ServerOptions, true>),
)
