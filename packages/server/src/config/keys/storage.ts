/** Snapshots and logs: where they are, when they are written, how long they are kept. */

import type { Compression } from '../../storage/compression.ts'
import { snapshotsKeptMin } from '../../storage/purge.ts'
import { ConfigError } from '../config-error.ts'
import { atLeast, decoded, looseBoolean, notNo, parsedInt, parsedLong, type Read } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { type ConfigOf, flag, integer, oneOf, path, type SettingsFor, setting } from '../setting.ts'

export interface DataOptions {
  /** Directory for snapshots and logs, in Apache's layout; made if it is missing. Default none: data in memory only. */
  readonly dataDir?: string | undefined
  /** Directory for logs alone, best on a disk of its own. Default `dataDir`. */
  readonly dataLogDir?: string | undefined
  /**
   * A file with the secret that passwords and ids of sessions are made from: a copy of `session-secret` of one data directory. Members of
   * an ensemble that share it know each other's passwords, and no client can guess one. Not for members beside servers of Apache, which
   * compute passwords from ids. Default: a secret of its own in the data directory; a member makes ids and passwords as Apache does.
   */
  readonly sessionSecretFile?: string | undefined
  /** Make the directories where they are missing. False refuses the start then: a disk may not be mounted. Default true. */
  readonly datadirAutocreate?: boolean
  /** Acknowledge only what would survive a power cut. False loses what was acknowledged last. Default true. */
  readonly forceSync?: boolean
  /** Transactions between two snapshots, about: somewhere in the upper half. Default 100000. */
  readonly snapCount?: number
  /** Size of the log between two snapshots, KiB, about; 0 for no limit. Default 4194304. */
  readonly snapSizeLimitInKb?: number
  /** What a log grows by at the most before it is needed, KiB; 0 for nothing. Default 65536. */
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
  /**
   * Zxid to count from. Default: made from the time of the start, so that a client that knew this server before a restart
   * never sees zxids go back.
   */
  readonly initialZxid?: bigint
}

/** 2020-01-01: milliseconds since then, times four million transactions each, fit 63 bits until 2089. */
const epochStart = 1_577_836_800_000

const hourMs = 3_600_000
const unitMs = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', hourMs],
  ['d', 24 * hourMs],
])

/** Hours, or a number with a unit, which Apache knows from 3.10 on. Here it only counts whether it is 0. */
const purgeInterval: Read = (value, key, note) => {
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value) ?? []
  if (count === undefined) return atLeast(0, parsedInt, true)(value, key, note)
  return Math.ceil((Number(count) * (unitMs.get(unit) ?? 0)) / hourMs)
}

const settings = {
  dataDir: path({ key: 'dataDir', what: 'directory' }),
  dataLogDir: path({ key: 'dataLogDir', what: 'directory' }),
  sessionSecretFile: path({ key: 'sessionSecretFile', what: 'file' }),
  datadirAutocreate: flag({ key: 'datadir.autocreate', read: looseBoolean, byDefault: true }),
  forceSync: flag({ key: 'forceSync', read: notNo, words: ['yes', 'no'], byDefault: true }),
  snapCount: integer({ key: 'snapCount', read: atLeast(2, parsedInt), byDefault: 100_000, min: 2, isLive: true }),
  snapSizeLimitInKb: integer({
    key: 'snapSizeLimitInKb',
    read: atLeast(0, decoded, true),
    byDefault: 4_194_304,
    min: 0,
    isLive: true,
  }),
  preAllocSize: integer({
    key: 'preAllocSize',
    read: atLeast(0, parsedLong, true),
    byDefault: 65_536,
    min: 0,
    max: 4_194_304,
  }),
  snapshotCompression: oneOf({
    key: 'snapshot.compression.method',
    read: (value) => (value === '' ? 'none' : value),
    words: ['none', 'gz', 'snappy'],
    byDefault: 'none',
    isLive: true,
  }),
  snapshotSliceZnodes: integer({ byDefault: 512, min: 1, isLive: true }),
  digestEnabled: flag({ key: 'digest.enabled', read: looseBoolean, byDefault: true }),
  autopurgeSnapRetainCount: integer({
    key: 'autopurge.snapRetainCount',
    read: atLeast(snapshotsKeptMin, parsedInt),
    byDefault: snapshotsKeptMin,
    min: snapshotsKeptMin,
    isLive: true,
  }),
  autopurgePurgeInterval: integer({
    key: 'autopurge.purgeInterval',
    read: purgeInterval,
    byDefault: 1,
    min: 0,
    isLive: true,
  }),
  acceptLoss: flag({ byDefault: false }),
  initialZxid: setting({
    byDefault: ({ wall }) => BigInt(Math.max(0, Math.floor(wall - epochStart))) << 22n,
    check(given, name) {
      // Zxids are signed on the wire; none is below 0.
      if (typeof given === 'bigint' && given >= 0n && given < 1n << 63n) return given
      throw new ConfigError(name, given, 'a bigint from 0n to 2n ** 63n - 1n')
    },
  }),
} satisfies SettingsFor<DataOptions>

export const storage = {
  settings,
  idle: idleKeys([
    ...['commitLogCount', 'txnLogSizeLimitInKb', 'fsync.warningthresholdms', 'flushDelay', 'maxWriteQueuePollTime'],
    ...['maxBatchSize', 'snapshot.trust.empty', 'db.autocreate', 'closeSessionTxn.enabled'],
    ...['serializeLastProcessedZxid.enabled', 'snapsync.compression'],
  ]),
  check({ dataDir, dataLogDir, sessionSecretFile }: ConfigOf<typeof settings>) {
    if (dataDir !== undefined) return
    for (const [name, value] of Object.entries({ dataLogDir, sessionSecretFile })) {
      if (value !== undefined) throw new ConfigError('dataDir', undefined, `a directory, since ${name} is given`)
    }
  },
} as const satisfies Room
