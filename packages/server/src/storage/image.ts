/**
 * An image of a tree: sessions, ACL lists, every znode, the end mark. A snapshot file holds one between its header and its
 * checksums; a leader sends one to a member that lacks too much (SerializeUtils.java, DataTree.java). Both directions work piece by
 * piece: the encoder yields when a piece is ready, and the parser takes pieces as they come, so the caller sets the pace.
 */
import { type Acl, MalformedFrameError, Reader, Writer } from '@lightkeeper/protocol'
import type { TreeWalk } from '../tree/tree-walk.ts'
import { persistedStatBytes, type Znode } from '../tree/znode.ts'

/** The id of the list that is open to everybody; it is not in the table. */
export const openAclId = -1n
/** Longer paths and data than this, in bytes, are damage. */
const fieldBytesMax = 1 << 30
/** About the size of a piece, bytes. */
const pieceBytes = 128 * 1024
const writerBytes = 256 * 1024
/** A larger buffer for the beginning of an item is not kept, bytes. */
const heldBytesKept = 1 << 20
/** An id with a number: a session with its timeout, a list with the count of its entries. */
const pairBytes = 12
/** The part after the data of a znode: the id of its list and its numbers. */
const znodeTailBytes = 8 + persistedStatBytes

/** Why an image or a snapshot cannot be used, and the place that shows it. */
export class SnapshotDamage extends Error {
  override readonly name = 'SnapshotDamage'
  readonly code = 'SNAPSHOT_DAMAGED'

  constructor(reason: string, offset: number) {
    super(`${reason}, at byte ${offset} of its uncompressed content`)
  }
}

// -- writing ----------------------------------------------------------------------------------------------------------

export class ImageEncoder {
  readonly #writer: Writer
  readonly #aclIds = new Map<readonly Acl[], bigint>()

  constructor(writer = new Writer(writerBytes)) {
    this.#writer = writer
  }

  /** The part before the znodes. */
  begin(sessions: ReadonlyMap<bigint, number>, lists: readonly (readonly Acl[])[]): void {
    const writer = this.#writer
    writer.int(sessions.size)
    for (const [id, timeoutMs] of sessions) {
      writer.long(id)
      writer.int(timeoutMs)
    }
    writer.int(lists.length)
    for (const list of lists) {
      const id = BigInt(this.#aclIds.size + 1)
      this.#aclIds.set(list, id)
      writer.long(id)
      writer.vector(list, (each, { perms, id: who }) => {
        each.int(perms)
        each.ustring(who.scheme)
        each.ustring(who.id)
      })
    }
  }

  /** `acl` is one of the lists given to `begin`, or the open one. */
  znode(path: string, node: Znode, acl: readonly Acl[]): void {
    const writer = this.#writer
    writer.ustring(path === '/' ? '' : path)
    writer.buffer(node.data)
    writer.long(this.#aclIds.get(acl) ?? openAclId)
    writer.raw(node.persistedStat)
  }

  /**
   * Every znode of a walk, in pieces: yields when `take` has one, after at most `sliceZnodes` znodes. After the last yield the last
   * piece is not complete yet.
   */
  *znodes(walk: TreeWalk, sliceZnodes: number): Generator<undefined, void> {
    for (let count = 1; walk.next(); count++) {
      this.znode(walk.path, walk.node, walk.acl)
      if (count % sliceZnodes === 0 || this.#writer.length >= pieceBytes) yield
    }
  }

  end(): void {
    this.#writer.ustring('/')
  }

  /** The bytes encoded since the last call; the caller owns them. */
  take(): Uint8Array {
    const bytes = this.#writer.written()
    this.#writer.renew(writerBytes)
    return bytes
  }
}

// -- reading ----------------------------------------------------------------------------------------------------------

/** Receives the content of an image, in order. Byte arrays are views, valid until the call returns. */
export interface ImageSink {
  /** A session and its timeout, milliseconds. */
  session(id: bigint, timeoutMs: number): void
  /** An ACL list and the id by which znodes name it. */
  aclList(id: bigint, list: readonly Acl[]): void
  /** `stat` is a StatPersisted, and the root's path is empty. Returns what is wrong with the znode, undefined where nothing is. */
  znode(path: string, data: Uint8Array | null, aclId: bigint, stat: Uint8Array): string | undefined
}

/** The next part of an image. */
type Part = 'session count' | 'session' | 'list count' | 'list' | 'list entry' | 'znode' | 'end'

/**
 * Parses an image from pieces of any size. It keeps nothing of a piece except the item at its end, so it needs memory for the
 * largest znode only, whatever sizes an image announces.
 */
export class ImageParser {
  readonly #sink: ImageSink
  readonly #reader = new Reader(new Uint8Array(0))
  #part: Part = 'session count'
  /** The number of items of this part that are still to come. */
  #left = 0
  #aclId = 0n
  #list: Acl[] = []
  #entriesLeft = 0
  /** The beginning of an item whose end has not arrived yet. */
  #held = new Uint8Array(0)
  #heldBytes = 0
  #offset: number

  /** `offset` is that of the image in the caller's content. */
  constructor(sink: ImageSink, offset = 0) {
    this.#sink = sink
    this.#offset = offset
  }

  /** The end mark was read. */
  get isDone(): boolean {
    return this.#part === 'end'
  }

  /** The offset after the last byte that was taken. */
  get offset(): number {
    return this.#offset + this.#heldBytes
  }

  /**
   * Takes the bytes from `start` to `end`. Returns how many of them belong to the image: all of them until its end mark, and none
   * after it. @throws SnapshotDamage where they are no image; then the parser cannot be used any more.
   */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
    try {
      let at = start
      if (!this.isDone && this.#heldBytes > 0) at = this.#complete(bytes, at, end)
      if (!this.isDone && this.#heldBytes === 0) at = this.#parse(bytes, at, end)
      return at - start
    } catch (error) {
      if (error instanceof MalformedFrameError) throw new SnapshotDamage(error.message, this.#offset)
      throw error
    }
  }

  /** Parses whole items in place, and keeps the beginning of the next one. */
  #parse(bytes: Uint8Array, start: number, end: number): number {
    const reader = this.#reader.reset(bytes, start, end)
    while (!this.isDone) {
      const needed = this.#needed()
      if (reader.remaining < needed) {
        this.#hold(bytes, reader.pos, end, needed)
        return end
      }
      const before = reader.pos
      this.#take()
      this.#offset += reader.pos - before
    }
    return reader.pos
  }

  /** Adds the missing bytes to the kept item, and parses it when it is whole. */
  #complete(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; ; ) {
      const reader = this.#reader.reset(this.#held, 0, this.#heldBytes)
      const needed = this.#needed()
      if (needed <= this.#heldBytes) {
        this.#take()
        this.#offset += reader.pos
        this.#heldBytes = 0
        if (this.#held.length > heldBytesKept) this.#held = new Uint8Array(0)
        return at
      }
      if (at === end) return at
      const until = Math.min(end, at + needed - this.#heldBytes)
      this.#hold(bytes, at, until, needed)
      at = until
    }
  }

  #hold(bytes: Uint8Array, start: number, end: number, needed: number): void {
    const size = this.#heldBytes + end - start
    if (size > this.#held.length) {
      // As much as is here, not as much as is announced.
      const grown = new Uint8Array(Math.max(size, Math.min(needed, this.#held.length * 2)))
      grown.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = grown
    }
    this.#held.set(bytes.subarray(start, end), this.#heldBytes)
    this.#heldBytes = size
  }

  /** The size of the next item in bytes, or the number of bytes that must arrive before more is known. */
  #needed(): number {
    switch (this.#part) {
      case 'session count':
      case 'list count':
        return 4
      case 'session':
      case 'list':
        return pairBytes
      case 'list entry':
        return this.#neededForEntry()
      case 'znode':
        return this.#neededForZnode()
      case 'end':
        return 0
    }
  }

  /** Permissions and two strings. */
  #neededForEntry(): number {
    const { remaining } = this.#reader
    if (remaining < 8) return 8
    const scheme = 8 + this.#lengthAt(4)
    if (remaining < scheme + 4) return scheme + 4
    return scheme + 4 + this.#lengthAt(scheme)
  }

  #neededForZnode(): number {
    const { remaining } = this.#reader
    if (remaining < 4) return 4
    const path = 4 + this.#lengthAt(0)
    // An end mark is one byte of path.
    if (path === 5) return 5
    if (remaining < path + 4) return path + 4
    return path + 4 + this.#lengthAt(path) + znodeTailBytes
  }

  /** The length of a string or buffer `ahead` bytes from here; null counts as 0. */
  #lengthAt(ahead: number): number {
    const length = this.#reader.peekInt(ahead)
    if (length < -1 || length > fieldBytesMax) throw this.#damage(`a field of length ${length}`)
    return Math.max(0, length)
  }

  /** Parses one item, all of which is here. */
  #take(): void {
    const reader = this.#reader
    switch (this.#part) {
      case 'session count':
        this.#left = this.#count('sessions')
        this.#part = this.#left > 0 ? 'session' : 'list count'
        return
      case 'session':
        this.#sink.session(reader.long(), reader.int())
        if (--this.#left === 0) this.#part = 'list count'
        return
      case 'list count':
        this.#left = this.#count('ACL lists')
        this.#part = this.#left > 0 ? 'list' : 'znode'
        return
      case 'list':
        this.#aclId = reader.long()
        this.#entriesLeft = this.#count('entries in an ACL list')
        this.#list = []
        this.#part = 'list entry'
        if (this.#entriesLeft === 0) this.#endList()
        return
      case 'list entry': {
        const perms = reader.int()
        const scheme = reader.ustring() ?? ''
        this.#list.push({ perms, id: { scheme, id: reader.ustring() ?? '' } })
        if (--this.#entriesLeft === 0) this.#endList()
        return
      }
      case 'znode':
        this.#takeZnode()
        return
      case 'end':
    }
  }

  #takeZnode(): void {
    const reader = this.#reader
    const path = reader.ustring() ?? ''
    if (path.length === 1) {
      if (path !== '/') throw this.#damage(`a znode with the path "${path}"`)
      this.#part = 'end'
      return
    }
    const data = reader.buffer()
    const aclId = reader.long()
    const stat = reader.bytes.subarray(reader.pos, reader.pos + persistedStatBytes)
    reader.pos += persistedStatBytes
    const problem = this.#sink.znode(path, data, aclId, stat)
    if (problem !== undefined) throw this.#damage(`the znode "${path === '' ? '/' : path}" ${problem}`)
  }

  #endList(): void {
    this.#sink.aclList(this.#aclId, this.#list)
    this.#part = --this.#left > 0 ? 'list' : 'znode'
  }

  #count(what: string): number {
    const count = this.#reader.int()
    if (count < 0) throw this.#damage(`a count of ${count} ${what}`)
    return count
  }

  #damage(reason: string): SnapshotDamage {
    return new SnapshotDamage(reason, this.#offset)
  }
}
