/** Files by node:fs. */
import {
  close,
  constants,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  open as openFile,
  openSync,
  read,
  readdirSync,
  write,
  writeSync,
} from 'node:fs'
import { mkdir, readdir, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile, OpenOptions } from '../disk.ts'
import { DescriptorReserve } from './descriptors.ts'
import { lockDirectory } from './directory-lock.ts'

const openAsync = promisify(openFile)
const closeAsync = promisify(close)
const statAsync = promisify(fstat)
const truncateAsync = promisify(ftruncate)
const syncAsync = promisify(fsync)
/** Not every system has this flag. */
const durableFlag: number | undefined = constants.O_DSYNC

/** Only this user may use the files and directories that it creates; existing ones keep their modes. */
export function nodeDisk(): Disk {
  const reserve = new DescriptorReserve()
  return {
    open: (path, options) => NodeFile.open(path, options, reserve),
    list: (directory) =>
      reserve.open(
        () => readdir(directory),
        () => readdirSync(directory),
      ),
    makeDirectory: makeDirectories,
    async identity(directory) {
      // Real paths differ where one directory is mounted twice.
      const { dev, ino } = await stat(directory, { bigint: true })
      return ino === 0n ? realpath(directory) : `${dev}:${ino}`
    },
    rename,
    remove: unlink,
    async syncDirectory(path) {
      const descriptor = await openDescriptor(reserve, path, constants.O_RDONLY)
      try {
        await syncAsync(descriptor)
      } finally {
        await closeAsync(descriptor)
        reserve.refill()
      }
    },
    async lock(directory) {
      const lock = await lockDirectory(directory)
      // The owner of a directory will write to it for a long time.
      reserve.keep()
      return {
        async release() {
          reserve.drop()
          await lock.release()
        },
      }
    },
  }
}

/**
 * Not `recursive` of node:fs, which never returns on a file system that cannot make directories (/proc).
 * @throws the system's error, naming what could not be made.
 */
async function makeDirectories(path: string): Promise<void> {
  try {
    await makeOne(path)
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
    await makeDirectories(parent)
    await makeOne(path)
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    // Systems give different errors for a root, a mount point or a read-only disk; an existing directory is fine.
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory()) return
    if (found !== undefined)
      throw Object.assign(new Error(`${path} exists and is not a directory`), { code: 'ENOTDIR' })
    throw error
  }
}

function openDescriptor(reserve: DescriptorReserve, path: string, flags: number): Promise<number> {
  return reserve.open(
    () => openAsync(path, flags, 0o600),
    () => openSync(path, flags, 0o600),
  )
}

class NodeFile implements DiskFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #reserve: DescriptorReserve
  /** The same file, opened so that each write returns when it is durable: one call to the kernel instead of two. */
  #durable: Promise<number> | undefined

  private constructor(path: string, descriptor: number, reserve: DescriptorReserve) {
    this.#path = path
    this.#descriptor = descriptor
    this.#reserve = reserve
  }

  static async open(path: string, options: OpenOptions = {}, reserve: DescriptorReserve): Promise<NodeFile> {
    const access = options.readOnly ? constants.O_RDONLY : constants.O_RDWR
    const flags = access | (options.create ? constants.O_CREAT : 0)
    return new NodeFile(path, await openDescriptor(reserve, path, flags), reserve)
  }

  async size(): Promise<number> {
    return (await statAsync(this.#descriptor)).size
  }

  read(position: number, target: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, 0, target.length, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      )
    })
  }

  write(position: number, chunk: Uint8Array): Promise<void> {
    return writeAll(this.#descriptor, position, chunk)
  }

  writeNow(position: number, chunk: Uint8Array): void {
    writeSync(this.#descriptor, chunk, 0, chunk.length, position)
  }

  async writeDurably(position: number, chunk: Uint8Array): Promise<void> {
    if (durableFlag === undefined) {
      await this.write(position, chunk)
      return this.sync()
    }
    this.#durable ??= openDescriptor(this.#reserve, this.#path, constants.O_WRONLY | durableFlag)
    await writeAll(await this.#durable, position, chunk)
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  truncate(size: number): Promise<void> {
    return truncateAsync(this.#descriptor, size)
  }

  async close(): Promise<void> {
    await closeAsync(this.#descriptor)
    if (this.#durable !== undefined) await closeAsync(await this.#durable)
    this.#reserve.refill()
  }
}

/** A short write continues; its reason (a full disk) then shows as an error. */
function writeAll(descriptor: number, position: number, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (done: number): void => {
      write(descriptor, chunk, done, chunk.length - done, position + done, (error, count) => {
        if (error !== null) reject(error)
        else if (done + count < chunk.length) step(done + count)
        else resolve()
      })
    }
    step(0)
  })
}
