/**
 * Files that survive exactly what they promised to survive. Written bytes are durable after a sync; names are durable after a sync
 * of their directory. After a power cut the seed decides what remains of the rest: sectors of a write in any combination, directory
 * changes up to any point. A kill keeps everything, because the system lives on.
 */
import type { DirectoryLock, Disk, DiskFile, OpenOptions } from '@lightkeeper/runtime'
import type { SeededRandom } from './random.ts'

const sectorBytes = 512

/** Faults of the disk; all are off at first. */
export interface DiskFaults {
  /** The largest number of bytes in all files together. */
  capacity: number
  /** Chance in a thousand that a read fails. */
  readErrors: number
  /** Chance in a thousand that a write fails. */
  writeErrors: number
  /** Chance in a thousand that a sync or a durable write fails; the bytes may be lost then. */
  syncErrors: number
  /** Longest time of an operation, milliseconds. */
  latencyMs: number
  /**
   * For planted bugs: which syncs report success and do nothing: those of files opened for reading, or all except `writeDurably`.
   */
  liesAboutSync: 'no' | 'readers' | 'files' | 'all'
  /** For planted bugs: the same for directories. */
  liesAboutDirectories: boolean
}

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

/** Bytes of a file, growing in place. */
class Content {
  bytes = new Uint8Array(0)
  size = 0

  copy(): Content {
    const copy = new Content()
    copy.bytes = this.bytes.slice(0, this.size)
    copy.size = this.size
    return copy
  }

  write(position: number, chunk: Uint8Array): void {
    this.#room(position + chunk.length)
    this.bytes.set(chunk, position)
    this.size = Math.max(this.size, position + chunk.length)
  }

  truncate(size: number): void {
    this.#room(size)
    if (size < this.size) this.bytes.fill(0, size, this.size)
    this.size = size
  }

  #room(size: number): void {
    if (size <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(size, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.size))
    this.bytes = grown
  }
}

class Inode {
  /** The content that programs see. */
  seen = new Content()
  /** The content after a power cut. */
  durable = new Content()
  /** The changes between the two, oldest first. */
  unsynced: Change[] = []

  apply(change: Change): void {
    step(this.seen, change)
    this.unsynced.push(change)
  }

  sync(): void {
    for (const change of this.unsynced) step(this.durable, change)
    this.unsynced = []
  }

  /** One write is durable, with earlier writes to the same place and the size of the file; nothing else need be durable. */
  syncOne(write: Change & { readonly kind: 'write' }): void {
    const at = this.unsynced.indexOf(write)
    const isWith = (change: Change, i: number): boolean => {
      if (i > at) return false
      if (change.kind === 'truncate') return true
      const end = change.position + change.bytes.length
      return change === write || (change.position < write.position + write.bytes.length && write.position < end)
    }
    for (const [i, change] of this.unsynced.entries()) if (isWith(change, i)) step(this.durable, change)
    this.unsynced = this.unsynced.filter((change, i) => !isWith(change, i))
  }

  powerCut(random: SeededRandom): void {
    for (const change of this.unsynced) {
      if (change.kind === 'truncate') {
        if (random.oneIn(2)) step(this.durable, change)
        continue
      }
      const { position, bytes } = change
      const fate = random.below(4)
      if (fate === 0) continue
      if (fate === 1) {
        step(this.durable, change)
        continue
      }
      // Sectors reach the platter in any order, so any of them may be missing.
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes))
        if (fate === 2 ? random.oneIn(2) : at < bytes.length / 2) {
          step(this.durable, { kind: 'write', position: position + at, bytes: bytes.subarray(at, end) })
        }
        at = end
      }
    }
    this.unsynced = []
    this.seen = this.durable.copy()
  }
}

function step(content: Content, change: Change): void {
  if (change.kind === 'write') content.write(change.position, change.bytes)
  else content.truncate(change.size)
}

type Rename = { readonly from: string; readonly to: string }
type NameChange = { readonly add: string; readonly inode: Inode } | { readonly remove: string } | Rename

class Directory {
  seen = new Map<string, Inode>()
  durable = new Map<string, Inode>()
  unsynced: NameChange[] = []

  apply(change: NameChange): void {
    rename(this.seen, change)
    this.unsynced.push(change)
  }

  sync(): void {
    for (const change of this.unsynced) rename(this.durable, change)
    this.unsynced = []
  }

  powerCut(random: SeededRandom): void {
    // A journal keeps the order: the first changes are there, the later ones are not.
    const kept = random.below(this.unsynced.length + 1)
    for (const change of this.unsynced.slice(0, kept)) rename(this.durable, change)
    this.unsynced = []
    this.seen = new Map(this.durable)
  }
}

function rename(names: Map<string, Inode>, change: NameChange): void {
  if ('add' in change) names.set(change.add, change.inode)
  else if ('remove' in change) names.delete(change.remove)
  else {
    const inode = names.get(change.from)
    names.delete(change.from)
    if (inode !== undefined) names.set(change.to, inode)
  }
}

/** Runs `task` after a delay in the world's time, unless its host died meanwhile. */
export type Schedule = (delayMs: number, task: () => void) => void

/** A disk in memory, with the faults of real ones. What was not synced is lost in a crash. */
export class SimDisk {
  /** The faults that are in force; a test may change them at any time. At first: no faults, and latencies up to 1 ms. */
  readonly faults: DiskFaults = {
    capacity: Number.POSITIVE_INFINITY,
    readErrors: 0,
    writeErrors: 0,
    syncErrors: 0,
    latencyMs: 1,
    liesAboutSync: 'no',
    liesAboutDirectories: false,
  }
  readonly #random: SeededRandom
  readonly #directories = new Map<string, Directory>()
  readonly #locks = new Set<string>()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** The host died with its system: bytes that were not synced are lost or torn. */
  powerCut(): void {
    for (const directory of this.#directories.values()) {
      const inodes = new Set([...directory.seen.values(), ...directory.durable.values()])
      for (const change of directory.unsynced) if ('inode' in change) inodes.add(change.inode)
      for (const inode of inodes) inode.powerCut(this.#random)
      directory.powerCut(this.#random)
    }
    this.#locks.clear()
  }

  /** A process died; the system writes the bytes that it was given. */
  killed(): void {
    this.#locks.clear()
  }

  /** Names and contents, durable or not. */
  files(directory: string): Map<string, Uint8Array> {
    const names = [...(this.#directories.get(directory)?.seen ?? [])]
    return new Map(names.map(([name, { seen }]) => [name, seen.bytes.slice(0, seen.size)]))
  }

  /** Changes a file durably, and programs do not notice: rot, or an operator. */
  damage(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.#inode(path)
    if (inode === undefined) throw new Error(`no file ${path}`)
    const bytes = change(inode.seen.bytes.slice(0, inode.seen.size))
    for (const content of [inode.seen, inode.durable]) {
      content.bytes = bytes.slice()
      content.size = bytes.length
    }
    inode.unsynced = []
  }

  /** Adds a file durably, and programs do not notice. */
  put(path: string, bytes: Uint8Array): void {
    const [directory, name] = split(path)
    const inode = new Inode()
    inode.apply({ kind: 'write', position: 0, bytes: bytes.slice() })
    inode.sync()
    const names = this.#directories.get(directory)
    names?.seen.set(name, inode)
    names?.durable.set(name, inode)
  }

  /** Removes a file durably, and programs do not notice. */
  lose(path: string): void {
    const [directory, name] = split(path)
    this.#directories.get(directory)?.seen.delete(name)
    this.#directories.get(directory)?.durable.delete(name)
  }

  /** The disk as a process sees it; `schedule` drops what a dead process waits for. */
  mounted(schedule: Schedule, isAlive: () => boolean): Disk {
    const run = <T>(work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        if (!isAlive()) return
        const delay = (this.#random.below(1000) / 1000) * this.faults.latencyMs
        schedule(delay, () => {
          try {
            resolve(work())
          } catch (error) {
            reject(error as Error)
          }
        })
      })
    const fails = (perMille: number, code: string, path: string): void => {
      if (perMille > 0 && this.#random.below(1000) < perMille) throw failure(code, path)
    }
    const open = (path: string, inode: Inode, readOnly: boolean): DiskFile => {
      const write = (position: number, bytes: Uint8Array): Change & { readonly kind: 'write' } => {
        if (readOnly) throw failure('EBADF', path)
        fails(this.faults.writeErrors, 'EIO', path)
        this.#checkRoom(inode, position + bytes.length, path)
        const change = { kind: 'write', position, bytes } as const
        inode.apply(change)
        return change
      }
      return {
        size: () => run(() => inode.seen.size),
        read: (position, target) =>
          run(() => {
            fails(this.faults.readErrors, 'EIO', path)
            const bytes = inode.seen.bytes.subarray(position, Math.min(inode.seen.size, position + target.length))
            target.set(bytes)
            return bytes.length
          }),
        async write(position, chunk) {
          const bytes = chunk.slice()
          await run(() => write(position, bytes))
        },
        writeNow(position, chunk) {
          if (isAlive()) write(position, chunk.slice())
        },
        writeDurably: async (position, chunk) => {
          const bytes = chunk.slice()
          // From now on the write is under way: a power cut before it resolves may leave some of it.
          const change = await run(() => write(position, bytes))
          await run(() => {
            fails(this.faults.syncErrors, 'EIO', path)
            if (this.faults.liesAboutSync !== 'all') inode.syncOne(change)
          })
        },
        sync: () =>
          run(() => {
            fails(this.faults.syncErrors, 'EIO', path)
            const { liesAboutSync } = this.faults
            if (liesAboutSync === 'no' || (liesAboutSync === 'readers' && !readOnly)) inode.sync()
          }),
        truncate: (size) => run(() => inode.apply({ kind: 'truncate', size })),
        close: () => run(() => undefined),
      }
    }
    return {
      open: (path, options: OpenOptions = {}) =>
        run(() => {
          const known = this.#inode(path)
          if (known !== undefined) return open(path, known, options.readOnly ?? false)
          const [directory, name] = split(path)
          const parent = this.#directories.get(directory)
          if (!options.create || parent === undefined) throw failure('ENOENT', path)
          this.#checkRoom(undefined, 0, path)
          const inode = new Inode()
          parent.apply({ add: name, inode })
          return open(path, inode, false)
        }),
      list: (directory) =>
        run(() => {
          const names = this.#directories.get(directory)
          if (names === undefined) throw failure('ENOENT', directory)
          return [...names.seen.keys()]
        }),
      makeDirectory: (path) =>
        run(() => {
          if (!this.#directories.has(path)) this.#directories.set(path, new Directory())
        }),
      // A directory has only one name here.
      identity: (directory) => Promise.resolve(directory),
      rename: (from, to) =>
        run(() => {
          const [directory, name] = split(from)
          const [target, newName] = split(to)
          const names = this.#directories.get(directory)
          if (directory !== target || !names?.seen.has(name)) throw failure('ENOENT', from)
          names.apply({ from: name, to: newName })
        }),
      remove: (path) =>
        run(() => {
          const [directory, name] = split(path)
          const names = this.#directories.get(directory)
          if (!names?.seen.has(name)) throw failure('ENOENT', path)
          names.apply({ remove: name })
        }),
      syncDirectory: (path) =>
        run(() => {
          fails(this.faults.syncErrors, 'EIO', path)
          if (!this.faults.liesAboutDirectories) this.#directories.get(path)?.sync()
        }),
      lock: (directory): Promise<DirectoryLock> =>
        run(() => {
          if (this.#locks.has(directory)) {
            throw Object.assign(new Error(`${directory} is in use`), { code: 'ELOCKED' })
          }
          this.#locks.add(directory)
          return { release: () => run(() => void this.#locks.delete(directory)) }
        }),
    }
  }

  #inode(path: string): Inode | undefined {
    const [directory, name] = split(path)
    return this.#directories.get(directory)?.seen.get(name)
  }

  #checkRoom(inode: Inode | undefined, end: number, path: string): void {
    if (this.faults.capacity === Number.POSITIVE_INFINITY) return
    let used = 0
    for (const directory of this.#directories.values()) {
      for (const each of directory.seen.values())
        used += each === inode ? Math.max(end, each.seen.size) : each.seen.size
    }
    if (used > this.faults.capacity) throw failure('ENOSPC', path)
  }
}

function split(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, slash), path.slice(slash + 1)]
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: the simulated disk failed, ${path}`), { code })
}
