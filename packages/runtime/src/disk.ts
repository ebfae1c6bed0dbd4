/** Seam: files. Only what `sync`, `writeDurably` and `syncDirectory` have resolved for must survive a power cut. */

/** The part of a disk that a reader of files needs. */
export interface ReadableDisk {
  /** Rejects with a `code` of node:fs. */
  open(path: string, options: OpenOptions & { readonly readOnly: true }): Promise<ReadableFile>
  /** Names in a directory, in no order. */
  list(directory: string): Promise<string[]>
}

export interface Disk extends ReadableDisk {
  /** Opens for reading and writing; `create` makes the file if it is missing. Rejects with a `code` of node:fs. */
  open(path: string, options?: OpenOptions): Promise<DiskFile>
  /** Makes a directory and its parents; existing ones are fine. */
  makeDirectory(path: string): Promise<void>
  /** The identity of a directory: the same for every path that leads to it, through links and mounts too. */
  identity(directory: string): Promise<string>
  /** Replaces `to` at once. Durable only after `syncDirectory` of the directory. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. Durable only after `syncDirectory`. */
  remove(path: string): Promise<void>
  /** Resolves when creations, renames and removals in the directory would survive a power cut. */
  syncDirectory(path: string): Promise<void>
  /**
   * Takes the right to be the only user of a directory, until it is released or the process ends in any way. Rejects
   * with code ELOCKED if another process holds it.
   */
  lock(directory: string): Promise<DirectoryLock>
}

export interface OpenOptions {
  /** Make the file if it is missing. */
  readonly create?: boolean
  /** For reading only: a file without write permission can be opened too. */
  readonly readOnly?: boolean
}

export interface DirectoryLock {
  /** Gives the directory to others. */
  release(): Promise<void>
}

export interface ReadableFile {
  /** Bytes in the file now. */
  size(): Promise<number>
  /** Fills `target` from `position` as far as the file reaches; resolves to the number of bytes read. */
  read(position: number, target: Uint8Array): Promise<number>
  /** Closes the file; nothing may be called after it. */
  close(): Promise<void>
}

export interface DiskFile extends ReadableFile {
  /** Writes at `position`, growing the file where it is too short; what lies between reads as zeros. */
  write(position: number, chunk: Uint8Array): Promise<void>
  /** Like `write`, but synchronous: for a few bytes in a small file. */
  writeNow(position: number, chunk: Uint8Array): void
  /** Like `write`, but resolves when the bytes would survive a power cut. */
  writeDurably(position: number, chunk: Uint8Array): Promise<void>
  /** Resolves when all earlier writes would survive a power cut. */
  sync(): Promise<void>
  /** Cuts or grows the file; durable after `sync`. */
  truncate(size: number): Promise<void>
}
