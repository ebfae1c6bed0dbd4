/** The past of a running server of ours, by its admin page `past`: read as if its directory were here. */
import type { ReadableDisk, ReadableFile } from '@lightkeeper/runtime'
import { PastDirectory } from '../history/past-directory.ts'
import { AdminPageError, type AdminPages, type PageObject } from './admin-pages.ts'

/** Bytes of one request. The next one is asked for while this one is used. */
const pieceBytes = 1 << 20
/** A record may lie on the border of two pieces. The third is the one that was asked for in advance. */
const piecesHeld = 3

/**
 * Asks `pages`, which need an authorization with every permission on `/`.
 * @throws Error that says what to do: where there is no authorization, it has too few permissions, or this server gives no past.
 */
export async function remotePast(pages: AdminPages): Promise<PastDirectory> {
  return PastDirectory.open(new RemoteDisk(pages), pages.name)
}

class RemoteDisk implements ReadableDisk {
  readonly #pages: AdminPages
  readonly #sizes = new Map<string, number>()

  constructor(pages: AdminPages) {
    this.#pages = pages
  }

  async list(): Promise<string[]> {
    const { files } = await this.#pages.page('past', { isSecret: true }).catch((error: unknown) => {
      throw error instanceof AdminPageError ? explained(error, this.#pages) : error
    })
    this.#sizes.clear()
    for (const { name, size } of (files ?? []) as readonly PageObject[]) this.#sizes.set(String(name), Number(size))
    return [...this.#sizes.keys()]
  }

  async open(path: string): Promise<ReadableFile> {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const size = this.#sizes.get(name)
    if (size === undefined) throw new Error(`${this.#pages.name} has no ${name}`)
    return new RemoteFile(this.#pages, name, size)
  }
}

function explained(error: AdminPageError, { name }: AdminPages): Error {
  if (/Unknown command/.test(error.message)) {
    const advice = 'a server of Apache does not; on its machine, --data-dir with its data directory reads its files'
    return new Error(`${name} does not show its past by its admin port: ${advice}`, { cause: error })
  }
  if (error.status !== 401 && error.status !== 403) return error
  const who = 'an identity that has every permission on /, like digest:super:PASSWORD'
  return new Error(`${error.message}; --auth must name ${who}`, { cause: error })
}

class RemoteFile implements ReadableFile {
  readonly #pages: AdminPages
  readonly #name: string
  readonly #size: number
  /** By number; the oldest first. */
  readonly #pieces = new Map<number, Promise<Uint8Array>>()

  constructor(pages: AdminPages, name: string, size: number) {
    this.#pages = pages
    this.#name = name
    this.#size = size
  }

  async size(): Promise<number> {
    return this.#size
  }

  async read(position: number, target: Uint8Array): Promise<number> {
    const end = Math.min(this.#size, position + target.length)
    for (let at = position; at < end; ) {
      const number = Math.floor(at / pieceBytes)
      const piece = this.#piece(number)
      if ((number + 1) * pieceBytes < this.#size) void this.#piece(number + 1)
      const bytes = await piece
      const from = at - number * pieceBytes
      const taken = bytes.subarray(from, from + end - at)
      // The file is shorter than it was.
      if (taken.length === 0) return at - position
      target.set(taken, at - position)
      at += taken.length
    }
    return Math.max(0, end - position)
  }

  async close(): Promise<void> {
    this.#pieces.clear()
  }

  #piece(number: number): Promise<Uint8Array> {
    const known = this.#pieces.get(number)
    if (known !== undefined) return known
    const from = number * pieceBytes
    const count = Math.min(pieceBytes, this.#size - from)
    const piece = this.#pages.bytes('past', { file: this.#name, from: `${from}`, count: `${count}` })
    // One that was asked for in advance may never be awaited.
    piece.catch(() => {})
    this.#pieces.set(number, piece)
    const [oldest] = this.#pieces.keys()
    if (oldest !== undefined && this.#pieces.size > piecesHeld) this.#pieces.delete(oldest)
    return piece
  }
}
