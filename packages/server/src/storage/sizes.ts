/** Bytes in a directory of logs and snapshots, for the monitoring commands. */
import type { Disk } from '@lightkeeper/runtime'

/** A file that is removed meanwhile, or cannot be opened, does not count. */
export async function directorySize(disk: Disk, directory: string): Promise<number> {
  let total = 0
  for (const name of await disk.list(directory).catch(() => [])) {
    const file = await disk.open(`${directory}/${name}`, { readOnly: true }).catch(() => undefined)
    if (file === undefined) continue
    try {
      total += await file.size()
    } catch {
      // It was removed.
    } finally {
      await file.close()
    }
  }
  return total
}
