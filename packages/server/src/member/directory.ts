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
  const ranges = await rangesOf(runtime, storage.logDirectory, lastZxid)
  const first = ranges[0]?.from
  const snapshots = snapshotsAmong(await disk.list(storage.snapshotDirectory)).map(({ zxid }) => zxid)
  const isBehind = (ranges.at(-1)?.to ?? 0n) < lastZxid
  const before = snapshots.findLast((zxid) => first === undefined || zxid < first) ?? 0n
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
      base: isBehind ? lastZxid : before,
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

/** The zxids of all records, as ranges without a hole. */
async function rangesOf({ disk }: Runtime, directory: string, last: bigint): Promise<{ from: bigint; to: bigint }[]> {
  const ranges: { from: bigint; to: bigint }[] = []
  for (const { name } of logsAmong(await disk.list(directory))) {
    const path = `${directory}/${name}`
    const file = await disk.open(path, { readOnly: true })
    try {
      const log = await LogFile.open(path, file)
      await log.scanPayloads((zxid) => {
        const range = ranges.at(-1)
        // Apache may write a record twice.
        if (zxid > last || (range !== undefined && zxid <= range.to)) return
        if (range !== undefined && range.to + 1n === zxid) range.to = zxid
        else ranges.push({ from: zxid, to: zxid })
      })
    } finally {
      await file.close()
    }
  }
  return ranges
}
