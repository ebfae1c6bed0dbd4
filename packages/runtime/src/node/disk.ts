/** Files by node:fs. */
import { createHash, randomUUID } from 'node:crypto'
import { close, constants, fdatasync, fstat, ftruncate, open as openFile, read, write, writeSync } from 'node:fs'
import { mkdir, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import type { DirectoryLock, Disk, DiskFile, OpenOptions } from '../disk.ts'

const openAsync = promisify(openFile)
const closeAsync = promisify(close)
const statAsync = promisify(fstat)
const truncateAsync = promisify(ftruncate)
/** Not every system has it. */
const durableFlag: number | undefined = constants.O_DSYNC

export function nodeDisk(): Disk {
  return {
    open: (path, options) => NodeFile.open(path, options),
    list: (directory) => readdir(directory),
    async makeDirectory(path) {
      await mkdir(path, { recursive: true })
    },
    async identity(directory) {
      // Real paths differ where one directory is mounted twice.
      const { dev, ino } = await stat(directory, { bigint: true })
      return ino === 0n ? realpath(directory) : `${dev}:${ino}`
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
    lock: lockDirectory,
  }
}

class NodeFile implements DiskFile {
  readonly #path: string
  readonly #descriptor: number
  /** The same file, opened so that each write returns when it is durable: one trip to the kernel instead of two. */
  #durable: Promise<number> | undefined

  private constructor(path: string, descriptor: number) {
    this.#path = path
    this.#descriptor = descriptor
  }

  static async open(path: string, options: OpenOptions = {}): Promise<NodeFile> {
    const access = options.readOnly ? constants.O_RDONLY : constants.O_RDWR
    return new NodeFile(path, await openAsync(path, access | (options.create ? constants.O_CREAT : 0), 0o644))
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
    this.#durable ??= openAsync(this.#path, constants.O_WRONLY | durableFlag)
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
  }
}

/** A short write is continued; what stops it (a full disk) then shows as its own error. */
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

/** Longest path of a socket that every system takes. */
const socketPathMax = 100

/**
 * A socket in the directory: the kernel knows whether its owner lives, so a lock never outlasts a killed process, and no
 * process number is taken for another's in a container.
 */
async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = await socketPathOf(directory)
  const own = `${process.pid} ${randomUUID()}`
  for (let tries = 0; ; tries++) {
    const server = await listen(path, own)
    // Two that find a dead owner's socket at once may both take its place; the one who is there in the end has it.
    if (server !== undefined && (await askOwner(path)) === own) {
      return {
        release: () =>
          new Promise((done) => {
            server.close(() => done())
          }),
      }
    }
    server?.close()
    const owner = await askOwner(path)
    if (owner !== undefined || tries > 3) {
      const by = owner ? ` by process ${owner.split(' ')[0]}` : ''
      throw Object.assign(new Error(`${directory} is in use${by}`), { code: 'ELOCKED' })
    }
    await unlink(path).catch(() => {})
  }
}

/** In the directory; where that is too deep for a socket, a name made of it where temporary files are. */
async function socketPathOf(directory: string): Promise<string> {
  const full = join(await realpath(directory), 'lightkeeper.lock')
  const short = relative(process.cwd(), full)
  const path = short.length < full.length ? short : full
  if (path.length <= socketPathMax) return path
  return join(tmpdir(), `lightkeeper-${createHash('sha256').update(full).digest('hex').slice(0, 24)}.lock`)
}

/** Undefined where something has that name already. */
function listen(path: string, answer: string): Promise<Server | undefined> {
  return new Promise((done, fail) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(answer)
    })
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? done(undefined) : fail(error),
    )
    server.listen(path, () => done(server))
  })
}

/** Undefined where nobody answers any more; empty where the owner is too busy to say. */
function askOwner(path: string): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = connect(path)
    let answer: string | undefined
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('connect', () => {
      answer = ''
    })
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => done(answer))
  })
}
