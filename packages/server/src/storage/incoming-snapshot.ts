/**
 * A snapshot that comes from outside, as a file holds it, to take the place of everything. All of it is checked before anything is
 * changed. Its zxid stands at its end, so it lies in a temporary file until that is known.
 */
import type { Disk, DiskFile } from '@lightkeeper/runtime'
import { type BaseDirectories, IncomingBase } from './base.ts'
import { temporaryPrefix } from './file-names.ts'
import { type ImageSink, SnapshotDamage } from './image.ts'
import { bytesOf, headerBytes, readSnapshotInto } from './snapshot-file.ts'

/** What is checked while it is read, and kept by nobody. */
const nowhere: ImageSink = { session() {}, aclList() {}, znode: () => undefined }

/** Numbers the temporary files, of which two could exist at once. */
let count = 0

/**
 * Resolves to the history that the snapshot makes, to be installed or discarded.
 * @throws SnapshotDamage where the bytes are no snapshot, are not all of one, or do not say their zxid.
 */
export async function receiveSnapshot(
  disk: Disk,
  directories: BaseDirectories,
  source: AsyncIterable<Uint8Array>,
): Promise<IncomingBase> {
  const path = `${directories.snapshots}/${temporaryPrefix}restore-${++count}`
  const file = await disk.open(path, { create: true })
  try {
    await file.truncate(0)
    let size = 0
    for await (const piece of source) {
      await file.write(size, piece)
      size += piece.length
    }
    return await checked(disk, directories, file, size)
  } finally {
    await file.close()
    await disk.remove(path)
  }
}

async function checked(disk: Disk, directories: BaseDirectories, file: DiskFile, size: number): Promise<IncomingBase> {
  const { zxid, digest } = await readSnapshotInto(bytesOf(file), nowhere)
  if (zxid === undefined) {
    throw new SnapshotDamage('it does not say its zxid, as those of servers before 3.9', size)
  }
  // It was written while transactions were applied, and may hold some that are behind its zxid.
  const last = digest !== undefined && digest.zxid > zxid ? digest.zxid : zxid
  const base = await IncomingBase.begin(disk, directories, last)
  try {
    const next = bytesOf(file)
    let header = headerBytes
    for (let piece = await next(); piece !== undefined && !base.isImageDone; piece = await next()) {
      const image = piece.subarray(Math.min(header, piece.length))
      header -= piece.length - image.length
      if (image.length > 0) await base.push(image)
    }
    return base
  } catch (error) {
    await base.discard()
    throw error
  }
}
