/**
 * The logs and snapshots of a directory, for a reader elsewhere that asks about the past while the server goes on. Other files of the
 * directory (the secret of the sessions, marks, files that are being written) cannot be read this way.
 */
import type { Disk } from '@lightkeeper/runtime'
import type { BaseDirectories } from './base.ts'
import { logsAmong, snapshotsAmong } from './file-names.ts'
import type { FileTxnLog } from './file-txn-log.ts'

export interface PastFile {
  readonly name: string
  /** How many bytes of it may be read. Of the log that is being written, those are the durable ones. */
  readonly size: number
}

/** The size of a piece. A turn of the server handles one of them. */
export const pieceBytes = 256 * 1024

export class PastFiles {
  readonly #disk: Disk
  readonly #directories: BaseDirectories
  readonly #log: Pick<FileTxnLog, 'current'>
  /** Where the content of the newest log ends that was written before this process started. */
  #end: PastFile | undefined

  constructor(disk: Disk, directories: BaseDirectories, log: Pick<FileTxnLog, 'current'>) {
    this.#disk = disk
    this.#directories = directories
    this.#log = log
  }

  /** Snapshots, then logs, each kind by zxid. */
  async list(): Promise<PastFile[]> {
    const { snapshots, logs } = this.#directories
    const logNames = logsAmong(await this.#disk.list(logs)).map(({ name }) => name)
    const names = [...snapshotsAmong(await this.#disk.list(snapshots)).map(({ name }) => name), ...logNames]
    const files: PastFile[] = []
    for (const name of names) {
      const file = name === logNames.at(-1) ? await this.#newestLog(name) : await this.find(name)
      if (file !== undefined) files.push(file)
    }
    return files
  }

  /** Undefined where there is no log or snapshot with this name, or where it was removed. */
  async find(name: string): Promise<PastFile | undefined> {
    const { current } = this.#log
    if (name === current?.name) return { name, size: current.durableBytes }
    return this.#reading(name, async (file) => ({ name, size: await file.size() }))
  }

  /** The bytes `[from, from + count)` of a log or a snapshot, in pieces. They end early where the file does. */
  async *content(name: string, from: number, count: number): AsyncGenerator<Uint8Array, undefined> {
    const path = this.#pathOf(name)
    if (path === undefined) return
    const file = await this.#disk.open(path, { readOnly: true })
    try {
      for (let at = from; at < from + count; ) {
        const piece = new Uint8Array(Math.min(pieceBytes, from + count - at))
        const got = await file.read(at, piece)
        if (got === 0) return
        yield piece.subarray(0, got)
        at += got
      }
    } finally {
      await file.close()
    }
  }

  /** A log has zeros at its end, as many as it was enlarged by. They say nothing. */
  async #newestLog(name: string): Promise<PastFile | undefined> {
    if (name === this.#log.current?.name) return this.find(name)
    if (this.#end?.name === name) return this.#end
    this.#end = await this.#reading(name, async (file) => {
      const piece = new Uint8Array(pieceBytes)
      for (let end = await file.size(); end > 0; ) {
        const start = Math.max(0, end - piece.length)
        const got = await file.read(start, piece.subarray(0, end - start))
        for (let i = got - 1; i >= 0; i--) if (piece[i] !== 0) return { name, size: start + i + 1 }
        end = start
      }
      return { name, size: 0 }
    })
    return this.#end
  }

  async #reading<T>(
    name: string,
    read: (file: Awaited<ReturnType<Disk['open']>>) => Promise<T>,
  ): Promise<T | undefined> {
    const path = this.#pathOf(name)
    if (path === undefined) return undefined
    const file = await this.#disk.open(path, { readOnly: true }).catch((error: Error & { readonly code?: string }) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    try {
      return file === undefined ? undefined : await read(file)
    } finally {
      await file?.close()
    }
  }

  /** Only names of logs and snapshots lead to a file. */
  #pathOf(name: string): string | undefined {
    const { snapshots, logs } = this.#directories
    if (logsAmong([name]).length > 0) return `${logs}/${name}`
    return snapshotsAmong([name]).length > 0 ? `${snapshots}/${name}` : undefined
  }
}
