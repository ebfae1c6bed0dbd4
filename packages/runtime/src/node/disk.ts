/** Files by node:fs. */
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import type { Disk, DiskFile } from '../disk.ts'

export function nodeDisk(): Disk {
  return {
    async open(path, options): Promise<DiskFile> {
      const handle = await open(path, options?.create ? 'a+' : 'r+')
      let end = (await handle.stat()).size
      return {
        size: async () => (await handle.stat()).size,
        read: async (position, target) => (await handle.read(target, 0, target.length, position)).bytesRead,
        async append(chunk) {
          let done = 0
          while (done < chunk.length) {
            const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, end)
            done += bytesWritten
            end += bytesWritten
          }
        },
        sync: () => handle.datasync(),
        async truncate(size) {
          await handle.truncate(size)
          end = size
        },
        close: () => handle.close(),
      }
    },
    list: (directory) => readdir(directory),
    async makeDirectory(path) {
      await mkdir(path, { recursive: true })
    },
    rename,
    remove: unlink,
    async syncDirectory(path) {
      const handle = await open(path, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
  }
}
