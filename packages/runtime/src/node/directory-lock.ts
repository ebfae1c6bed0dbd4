/**
 * The right to be the only process that uses a directory, held by a socket in it. The kernel knows whether the owner
 * lives, so the lock ends with a killed process, and process numbers of different containers are never confused.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, lstat, mkdir, open, realpath, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { DirectoryLock } from '../disk.ts'

/** Longest path of a socket that every system takes. */
const socketPathMax = 100
const lockName = 'lightkeeper.lock'

/** @throws Error with code ELOCKED where another holds it, else with the system's code where nothing can be written there. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  try {
    return await lock(directory)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ELOCKED') throw error
    throw Object.assign(new Error(`${directory} cannot be written to: ${message}`, { cause: error }), { code })
  }
}

async function lock(directory: string): Promise<DirectoryLock> {
  const { path, close } = await socketPathOf(directory)
  try {
    const server = await hold(path, directory)
    return {
      async release() {
        // Removes the socket by its path, so that must lead there until then.
        await new Promise<void>((done) => void server.close(() => done()))
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function hold(path: string, directory: string): Promise<Server> {
  const own = `${process.pid} ${randomUUID()}`
  for (let tries = 0; ; tries++) {
    const server = await listen(path, own)
    // Two processes that find the socket of a dead owner at the same time may both replace it; the last one has the
    // lock.
    if (server !== undefined && (await askOwner(path)) === own) return server
    server?.close()
    const owner = await askOwner(path)
    if (owner !== undefined || tries > 3) {
      const by = owner ? ` by process ${owner.split(' ')[0]}` : ''
      throw Object.assign(new Error(`${directory} is in use${by}`), { code: 'ELOCKED' })
    }
    await removeSocket(path)
  }
}

/**
 * The socket of a dead owner. @throws the system's error if it cannot be removed, for example on a read-only file
 * system.
 */
async function removeSocket(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

interface SocketPath {
  readonly path: string
  /** Call this when the path is no longer needed. */
  close(): Promise<void>
}

/** The path of the socket in the directory; if it is too long for a socket, a shorter path that leads there. */
async function socketPathOf(directory: string): Promise<SocketPath> {
  const real = await realpath(directory)
  const full = join(real, lockName)
  const fromHere = relative(process.cwd(), full)
  const path = fromHere.length < full.length ? fromHere : full
  if (path.length <= socketPathMax) return { path, close: async () => {} }
  if (process.platform === 'linux') {
    const handle: FileHandle = await open(real, 'r')
    return { path: `/proc/self/fd/${handle.fd}/${lockName}`, close: () => handle.close() }
  }
  const name = createHash('sha256').update(full).digest('hex').slice(0, 24)
  return { path: join(await ownFolder(), `${name}.lock`), close: async () => {} }
}

/** A folder for temporary files into which no other user can write. */
async function ownFolder(): Promise<string> {
  const user = process.getuid?.() ?? 0
  const folder = join(tmpdir(), `lightkeeper-${user}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  if (!found.isDirectory() || (process.getuid !== undefined && (found.uid !== user || (found.mode & 0o077) !== 0))) {
    throw new Error(
      `${folder} is not a directory of this user alone; remove it, or use a data directory that is less deep`,
    )
  }
  return folder
}

/** Undefined where something has that name already. */
function listen(path: string, answer: string): Promise<Server | undefined> {
  return new Promise((done, fail) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(answer)
    })
    server.unref()
    // For good: an error of a later accept (no descriptors left) must not end the process.
    server.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? done(undefined) : fail(error)))
    server.listen(path, () => done(server))
  })
}

/** Undefined if no process answers; empty if the owner is too busy to answer. */
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
