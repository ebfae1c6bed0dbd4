/**
 * Copies a data directory as one snapshot, while a server, ours or Apache's, uses the directory. The copy holds every transaction
 * that was acknowledged when it began, and it is read back before it counts.
 */
import type { Disk, Runtime } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import { AcknowledgedMark } from './acknowledged.ts'
import { type Compression, compressionOf, decompressed } from './compression.ts'
import { refuseMisplaced, versionDirectory } from './directories.ts'
import { installingName, logsAmong, replacedPrefix, snapshotsAmong } from './file-names.ts'
import { recover } from './recovery.ts'
import { readSessionSecret, writeSessionSecret } from './session-secret.ts'
import { bytesOf, readSnapshot } from './snapshot-file.ts'
import { writeSnapshot } from './snapshot-writer.ts'

export interface BackupOptions {
  /** Directory of the snapshots, as in zoo.cfg. */
  readonly dataDir: string
  /** Directory of the logs. Default `dataDir`. */
  readonly dataLogDir?: string | undefined
  /** Created if it is missing; a server that starts on it has the tree of the backup. It must hold no data. */
  readonly target: string
  /** The compression of the snapshot. Default `none`. */
  readonly compression?: Compression
}

export interface BackupResult {
  /** Path of the snapshot. */
  readonly file: string
  /** The last transaction in it. */
  readonly zxid: bigint
  /** The number of znodes in it. */
  readonly znodes: number
}

/** @throws RecoveryError where the directory is damaged; Error where the target holds data already. */
export async function backup(runtime: Runtime, options: BackupOptions): Promise<BackupResult> {
  const { disk } = runtime
  const { dataDir, dataLogDir = dataDir, target, compression = 'none' } = options
  for (const given of new Set([dataDir, dataLogDir])) await refuseMisplaced(disk, given)
  const directory = `${target}/${versionDirectory}`
  await disk.makeDirectory(directory)
  const there = await disk.list(directory)
  if (snapshotsAmong(there).length + logsAmong(there).length > 0) {
    throw new Error(`${directory} holds data already; name an empty directory for the backup`)
  }
  const snapshotDirectory = `${dataDir}/${versionDirectory}`
  const before = await replacedIn(disk, snapshotDirectory)
  const { tree, lastZxid } = await recover(runtime, {
    snapshotDirectory,
    logDirectory: `${dataLogDir}/${versionDirectory}`,
    damage: 'refuse',
    readOnly: true,
  })
  if (before !== (await replacedIn(disk, snapshotDirectory))) {
    throw new Error(`a leader has replaced everything in ${snapshotDirectory} meanwhile: run the backup again`)
  }
  const { name } = await writeSnapshot(tree, {
    disk,
    directory,
    compression,
    withDigest: true,
    sliceZnodes: 512,
    appliedZxid: () => lastZxid,
    pause: async () => {},
  })
  const mark = await AcknowledgedMark.open(runtime, directory)
  await mark.set(lastZxid)
  await mark.close()
  // With it clients keep their sessions when a server starts on the backup.
  const secret = await readSessionSecret(disk, snapshotDirectory)
  if (secret !== undefined) await writeSessionSecret(disk, directory, secret)
  const file = `${directory}/${name}`
  await verify(runtime, file, tree)
  return { file, zxid: lastZxid, znodes: countOf(tree) }
}

/**
 * Names that change when a member gets another history: files of two histories together are none.
 * @throws Error where it gets one now, or its process ended while it did.
 */
async function replacedIn(disk: Disk, directory: string): Promise<string> {
  const names = await disk.list(directory)
  if (!names.includes(installingName))
    return names
      .filter((name) => name.startsWith(replacedPrefix))
      .sort()
      .join()
  throw new Error(
    `a snapshot from a leader is being put in place in ${directory}: run the backup again; where no server uses the directory, start ` +
      'it once before',
  )
}

async function verify(runtime: Runtime, path: string, original: DataTree): Promise<void> {
  const file = await runtime.disk.open(path, { readOnly: true })
  try {
    const { tree } = await readSnapshot(decompressed(compressionOf(path), bytesOf(file)))
    if (tree.digest.value === original.digest.value && countOf(tree) === countOf(original)) return
    throw new Error(`${path} does not read back as it was written; do not use it`)
  } finally {
    await file.close()
  }
}

function countOf(tree: DataTree): number {
  return tree.nodes.size
}
