/**
 * Removes files that no recovery needs: snapshots beyond the newest few, and logs from before the oldest of those
 * (PurgeTxnLog.java).
 */
import type { Disk } from '@lightkeeper/runtime'
import { logsAmong, snapshotsAmong } from './file-names.ts'

export const snapshotsKeptMin = 3

export interface PurgeJob {
  readonly snapshotDirectory: string
  readonly logDirectory: string
  /** Number of snapshots to keep, at least 3. */
  readonly keep: number
}

/** Names of the files to remove, snapshots first: a log must not go before the snapshot that needs it. */
export function purgeable(
  snapshotNames: readonly string[],
  logNames: readonly string[],
  keep: number,
): { snapshots: string[]; logs: string[] } {
  const snapshots = snapshotsAmong(snapshotNames)
  const oldestKept = snapshots.at(-Math.max(keep, snapshotsKeptMin))
  if (oldestKept === undefined) return { snapshots: [], logs: [] }
  const logs = logsAmong(logNames)
  // The newest log at or below the oldest kept snapshot reaches past it.
  const firstKept = logs.findLastIndex(({ zxid }) => zxid <= oldestKept.zxid)
  return {
    snapshots: snapshots.filter(({ zxid }) => zxid < oldestKept.zxid).map(({ name }) => name),
    logs: logs.slice(0, Math.max(0, firstKept)).map(({ name }) => name),
  }
}

/** Resolves to the names that were removed. This server must have read or written every snapshot in the directory completely. */
export async function purge(disk: Disk, job: PurgeJob): Promise<string[]> {
  const { snapshotDirectory, logDirectory } = job
  const names = purgeable(await disk.list(snapshotDirectory), await disk.list(logDirectory), job.keep)
  for (const name of names.snapshots) await disk.remove(`${snapshotDirectory}/${name}`)
  if (names.snapshots.length > 0) await disk.syncDirectory(snapshotDirectory)
  for (const name of names.logs) await disk.remove(`${logDirectory}/${name}`)
  if (names.logs.length > 0) await disk.syncDirectory(logDirectory)
  return [...names.snapshots, ...names.logs]
}
