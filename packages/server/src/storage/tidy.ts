/** Makes a recovered directory readable for Apache too: Apache stops at a torn record with a wrong checksum. */
import type { Runtime } from '@lightkeeper/runtime'
import { temporaryPrefix } from './file-names.ts'

/** A cut of a file at `offset`. */
export interface Cut {
  readonly path: string
  readonly offset: number
  readonly reason: string
}

/** Resolves when the cuts, and the removals of `drops` and of temporary files in `directories`, are durable. */
export async function tidy(
  { disk, log }: Runtime,
  directories: ReadonlySet<string>,
  cuts: readonly Cut[],
  drops: readonly string[],
): Promise<void> {
  for (const { path, offset, reason } of cuts) {
    log('warn', 'cut a torn end off a log; nothing of it was acknowledged', { file: path, offset, reason })
    const file = await disk.open(path)
    try {
      await file.truncate(offset)
      await file.sync()
    } finally {
      await file.close()
    }
  }
  for (const path of drops) {
    log('warn', 'removed a log without a header; nothing of it was acknowledged', { file: path })
    await disk.remove(path)
  }
  for (const directory of directories) {
    for (const name of await disk.list(directory)) {
      if (name.startsWith(temporaryPrefix)) await disk.remove(`${directory}/${name}`)
    }
    await disk.syncDirectory(directory)
  }
}
