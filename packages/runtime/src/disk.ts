/** Seam: files. What `sync` and `syncDirectory` returned for survives a power cut; nothing else need. */

export interface Disk {
  /** Opens for reading and appending; `create` makes the file if it is missing. Rejects with a `code` of node:fs. */
  open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile>
  /** Names in a directory, in no order. */
  list(directory: string): Promise<string[]>
  /** Makes a directory and its parents; existing ones are fine. */
  makeDirectory(path: string): Promise<void>
  /** Replaces `to` at once. Durable only after `syncDirectory` of the directory. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. Durable only after `syncDirectory`. */
  remove(path: string): Promise<void>
  /** Resolves when creations, renames and removals in the directory would survive a power cut. */
  syncDirectory(path: string): Promise<void>
}

export interface DiskFile {
  /** Bytes in the file now. */
  size(): Promise<number>
  /** Fills `target` from `position` as far as the file reaches; resolves to the number of bytes read. */
  read(position: number, target: Uint8Array): Promise<number>
  /** Writes behind the last byte. */
  append(chunk: Uint8Array): Promise<void>
  /** Resolves when everything appended so far would survive a power cut. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}
