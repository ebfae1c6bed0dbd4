/**
 * What a member's data directory holds when it starts, in the terms of zab/: epochs, which transactions the log has, and whether it may
 * have lost something.
 */
import { formatHex } from '@lightkeeper/protocol'
import type { Disk, Runtime } from '@lightkeeper/runtime'
import { versionDirectory } from '../storage/directories.ts'
import { EpochFiles } from '../storage/epoch-files.ts'
import { logsAmong, snapshotsAmong } from '../storage/file-names.ts'
import { LogFile } from '../storage/log-file.ts'
import type { Storage } from '../storage/storage.ts'
import type { Recovered } from '../zab/inputs.ts'

export interface MemberDirectory {
  readonly epochs: EpochFiles
  readonly recovered: Recovered
  /** The member belongs to an ensemble with a leader: an empty directory is no new one from now on. */
  joined(): Promise<void>
}

/**
 * An operator makes this file in the directory of logs of a new server. Without it an empty directory may be that of a replaced disk, and
 * its server waits for the others before it votes (FileTxnSnapLog.java, zkServer-initialize.sh).
 */
const initializeName = 'initialize'

/**
 * `hasVote`: an observer that lost its data is no danger to the ensemble.
 * @throws EpochFileError where an epoch file exists and has no epoch.
 */
export async function readDirectory(runtime: Runtime, storage: Storage, hasVote: boolean): Promise<MemberDirectory> {
  const { disk, log } = runtime
  const { damage, lastZxid, snapshotZxid } = storage.recovered
  if (damage !== undefined) {
    log(
      'error',
      'the data directory is damaged: this member gets everything from its leader; the files are kept, renamed',
      {
        cause: damage,
      },
    )
    const epochs = await openEpochs(runtime, storage, 0n)
    const recovered: Recovered = {
      acceptedEpoch: epochs.accepted,
      currentEpoch: epochs.current,
      base: 0n,
      ranges: [],
      committed: 0n,
      state: 'damaged',
    }
    return { epochs, recovered, joined: async () => {} }
  }
  const epochs = await openEpochs(runtime, storage, lastZxid)
  const snapshots = snapshotsAmong(await disk.list(storage.snapshotDirectory)).map(({ zxid }) => zxid)
  const { ranges, isLate } = await rangesOf(runtime, storage.logDirectory, lastZxid, snapshots)
  const first = ranges[0]?.from
  const isBehind = (ranges.at(-1)?.to ?? 0n) < lastZxid
  const before = snapshots.findLast((zxid) => first === undefined || zxid < first)
  // What a purge has removed is not known: only the very first transaction has nothing before it.
  const isBaseKnown = first === undefined || (!isLate && (before !== undefined || first === 1n))
  const initialize = `${storage.logDirectory.slice(0, -versionDirectory.length)}${initializeName}`
  let isInitialized = await exists(disk, initialize)
  const isEmpty = lastZxid === 0n && epochs.accepted === 0
  const isFresh = hasVote && isEmpty && !isInitialized
  if (isFresh) {
    log('info', 'the data directory is empty: this server votes when the others have no data either, or gets theirs', {
      toVoteAtOnce: initialize,
    })
  }
  return {
    epochs,
    recovered: {
      acceptedEpoch: epochs.accepted,
      currentEpoch: epochs.current,
      // A snapshot that is newer than the log has what the log lacks.
      base: isBehind ? lastZxid : isBaseKnown ? (before ?? 0n) : first,
      ranges: isBehind ? [] : ranges,
      committed: snapshotZxid ?? 0n,
      state: isFresh ? 'fresh' : 'whole',
    },
    async joined() {
      if (!isInitialized) return
      isInitialized = false
      await disk.remove(initialize)
    },
  }
}

async function exists(disk: Disk, path: string): Promise<boolean> {
  try {
    await (await disk.open(path, { readOnly: true })).close()
    return true
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return false
    throw error
  }
}

async function openEpochs({ disk, log }: Runtime, storage: Storage, lastZxid: bigint): Promise<EpochFiles> {
  const epochs = await EpochFiles.open(disk, storage.snapshotDirectory, lastZxid)
  if (lastZxid >> 32n > BigInt(epochs.accepted)) {
    log('warn', 'the history is of an epoch that this server never accepted; it gets everything from its leader', {
      lastZxid: formatHex(lastZxid),
      acceptedEpoch: epochs.accepted,
    })
  }
  return epochs
}

interface HeldRanges {
  /** The zxids of records, as ranges without a hole. */
  readonly ranges: readonly { readonly from: bigint; readonly to: bigint }[]
  /** Records right before them may be lost. */
  readonly isLate: boolean
}

/** The records that can be passed on: of those before a damaged place only the ones that a later file repeats. */
async function rangesOf(
  { disk }: Runtime,
  directory: string,
  last: bigint,
  snapshots: readonly bigint[],
): Promise<HeldRanges> {
  const ranges: { from: bigint; to: bigint }[] = []
  let isLate = false
  const logs = logsAmong(await disk.list(directory))
  for (const [i, { name }] of logs.entries()) {
    const path = `${directory}/${name}`
    const file = await disk.open(path, { readOnly: true })
    try {
      const log = await LogFile.open(path, file)
      const end = await log.scanPayloads((zxid) => {
        const range = ranges.at(-1)
        // Apache may write a record twice.
        if (zxid > last || (range !== undefined && zxid <= range.to)) return
        if (range !== undefined && range.to + 1n === zxid) range.to = zxid
        else ranges.push({ from: zxid, to: zxid })
      })
      // The numbers show a hole inside an epoch; they do not show whether an epoch had more transactions. A snapshot may.
      const reached = ranges.at(-1)?.to ?? 0n
      const next = logs[i + 1]?.zxid
      if (next === undefined || next <= reached + 1n) continue
      const hadMore = snapshots.some((zxid) => zxid > reached && zxid < next)
      if (!hadMore && (await log.endsWhole(end, reached))) continue
      isLate = true
      ranges.length = 0
    } finally {
      await file.close()
    }
  }
  return { ranges, isLate }
}
