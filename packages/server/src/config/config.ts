/** Settings of a server: names and defaults of zoo.cfg in camel case, all checked before anything is opened. */
import { frameBytesMaxDefault } from '@lightkeeper/protocol'
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
  /** Operations of one multi or multiRead. Default 10000. */
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
  /** `super:<base64 sha1>`: who authenticates so passes every ACL. Default none. */
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
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'BAD_CONFIG'
  readonly setting: string

  constructor(setting: string, given: unknown, wanted: string) {
    super(`${setting} is ${typeof given === 'string' ? `"${given}"` : String(given)}, expected ${wanted}`)
    this.setting = setting
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
  for (const name of Object.keys(options)) {
    if (!optionNames.has(name))
      throw new ConfigError(name, options[name as keyof ServerOptions], 'no such setting; see ServerOptions')
  }
  const number = (name: NumberOption, fallback: number, min: number, max = int32Max): number => {
    const given: unknown = options[name] ?? fallback
    if (typeof given !== 'number' || !Number.isInteger(given) || given < min || given > max) {
      throw new ConfigError(name, given, `an integer from ${min} to ${max}`)
    }
    return given
  }
  const flag = (name: FlagOption, fallback = false): boolean => {
    const given: unknown = options[name] ?? fallback
    if (typeof given !== 'boolean') throw new ConfigError(name, given, 'true or false')
    return given
  }
  const tickTime = number('tickTime', 3000, 1)
  const minSessionTimeout = number('minSessionTimeout', tickTime * 2, 1)
  const maxSessionTimeout = number('maxSessionTimeout', tickTime * 20, 1)
  if (minSessionTimeout > maxSessionTimeout) {
    throw new ConfigError(
      'minSessionTimeout',
      minSessionTimeout,
      `at most maxSessionTimeout, which is ${maxSessionTimeout}`,
    )
  }
  const superDigest = options.superDigest
  if (superDigest !== undefined && !/^super:[A-Za-z0-9+/=]+$/.test(superDigest)) {
    throw new ConfigError('superDigest', superDigest, 'super:<base64 of the sha1 of "super:password">')
  }
  const words = (options.fourLetterWordWhitelist ?? 'srvr').split(',').map((word) => word.trim())
  for (const word of words) {
    if (word !== '' && word !== '*' && word.length !== 4) {
      throw new ConfigError('fourLetterWordWhitelist', word, 'a comma list of four-letter words, or *')
    }
  }
  if (options.dataLogDir !== undefined && options.dataDir === undefined) {
    throw new ConfigError('dataDir', undefined, 'a directory, since dataLogDir is given')
  }
  const snapshotCompression: unknown = options.snapshotCompression ?? 'none'
  if (snapshotCompression !== 'none' && snapshotCompression !== 'gz' && snapshotCompression !== 'snappy') {
    throw new ConfigError('snapshotCompression', snapshotCompression, 'none, gz or snappy')
  }
  return {
    clientPort: number(options.port === undefined ? 'clientPort' : 'port', 2181, 0, 65535),
    clientPortAddress: options.host ?? options.clientPortAddress ?? '127.0.0.1',
    clientPortListenBacklog: number('clientPortListenBacklog', -1, -1),
    dataDir: options.dataDir,
    dataLogDir: options.dataLogDir,
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
    maxMultiOperations: number('maxMultiOperations', 10_000, 1),
    maxIdentities: number('maxIdentities', 64, 1),
    maxCnxnWatches: number('maxCnxnWatches', 1_000_000, 1),
    maxCnxnWatchBytes: number('maxCnxnWatchBytes', 64 << 20, 1),
    maxWatchBytes: number('maxWatchBytes', 512 << 20, 1),
    juteMaxbuffer: number('juteMaxbuffer', frameBytesMaxDefault, 1024),
    sessionlessCnxnTimeout: number('sessionlessCnxnTimeout', 10_000, 1),
    extendedTypesEnabled: flag('extendedTypesEnabled'),
    enforceQuota: flag('enforceQuota'),
    skipAcl: flag('skipACL'),
    superDigest,
    reconfigEnabled: flag('reconfigEnabled'),
    fourLetterWordWhitelist: words,
    znodeContainerCheckIntervalMs: number('znodeContainerCheckIntervalMs', 60_000, 1),
    znodeContainerMaxNeverUsedIntervalMs: number('znodeContainerMaxNeverUsedIntervalMs', 0, 0),
    initialZxid: options.initialZxid ?? BigInt(Math.max(0, Math.floor(wall - epochStart))) << 22n,
  }
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
