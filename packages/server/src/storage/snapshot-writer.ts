/**
 * Writes a snapshot while the server serves: a slice of znodes, then a turn for all other work, then the next slice. The snapshot
 * includes everything up to the zxid in its name and some later changes; a replay of the log from there makes it whole.
 */
import type { Disk, DiskFile } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import { TreeWalk } from '../tree/tree-walk.ts'
import { type Compression, compressor, suffixOf } from './compression.ts'
import { snapshotName, temporaryPrefix } from './file-names.ts'
import { SnapshotEncoder } from './snapshot-file.ts'

export interface SnapshotJob {
  readonly disk: Disk
  readonly directory: string
  readonly compression: Compression
  readonly withDigest: boolean
  /** The most znodes written between two turns for other work. */
  readonly sliceZnodes: number
  /** Zxid of the last transaction that is applied to the tree now. */
  appliedZxid(): bigint
  /** Resolves when other work has had its turn. Rejects to abandon the snapshot. */
  pause(): Promise<void>
}

/** Resolves to the name of the file, which is durable by then. */
export async function writeSnapshot(tree: DataTree, job: SnapshotJob): Promise<{ name: string; zxid: bigint }> {
  const { disk, directory } = job
  const zxid = job.appliedZxid()
  const name = snapshotName(zxid, suffixOf(job.compression))
  const path = `${directory}/${temporaryPrefix}${name}`
  const file = await disk.open(path, { create: true })
  try {
    await file.truncate(0)
    await writeContent(tree, zxid, job, file)
    await file.sync()
  } catch (error) {
    await file.close().catch(() => {})
    await disk.remove(path).catch(() => {})
    throw error
  }
  await file.close()
  await disk.rename(path, `${directory}/${name}`)
  await disk.syncDirectory(directory)
  return { name, zxid }
}

async function writeContent(tree: DataTree, zxid: bigint, job: SnapshotJob, file: DiskFile): Promise<void> {
  let position = 0
  const out = compressor(job.compression, async (bytes) => {
    await file.write(position, bytes)
    position += bytes.length
  })
  const encoder = new SnapshotEncoder()
  const { image } = encoder
  // The table of lists must include the list of every znode that the walk will show: nothing is applied between the two.
  const walk = new TreeWalk(tree, zxid)
  encoder.begin(tree.sessions, walk.lists)
  try {
    const pieces = image.znodes(walk, job.sliceZnodes)
    while (!pieces.next().done) {
      await out.write(encoder.take())
      await job.pause()
    }
    image.end()
    // The digest of this moment, when the last znode is encoded.
    if (job.withDigest) encoder.end(zxid, job.appliedZxid(), tree.digest.value)
    else encoder.end(zxid, 0n, 0n)
    await out.write(encoder.take())
    await out.end()
  } catch (error) {
    // The caller closes the file.
    await out.abandon()
    throw error
  } finally {
    walk.end()
  }
}
