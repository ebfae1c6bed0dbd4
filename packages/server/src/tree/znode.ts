/**
 * One stored znode. Its numbers are packed, in the order and byte order of a snapshot's StatPersisted, in blocks that many znodes
 * share. So a million znodes are a million small objects, not ten million, and a Stat is sent by copying bytes.
 */
import type { Acl, Stat, Writer } from '@lightkeeper/protocol'
import type { TextMap } from '@lightkeeper/runtime'
import { ByteArena } from './byte-arena.ts'
import { kindOf } from './ephemeral-owner.ts'

/** czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, pzxid: `StatPersisted` of a snapshot. */
export const persistedStatBytes = 60
const czxid = 0
const mzxid = 8
const ctime = 16
const mtime = 24
const version = 32
const cversion = 36
const aversion = 40
const ephemeralOwner = 44
const pzxid = 52
const dataLengthAt = 60
const dataReferenceAt = 64
const shareAt = 68
const pathCrcAt = 72
const rowBytes = 76
const rowsPerBlock = 1024

class Block {
  readonly bytes = new Uint8Array(rowBytes * rowsPerBlock)
  readonly view = new DataView(this.bytes.buffer)
}

/** Stores the numbers and the data of znodes. */
export class ZnodeStore {
  readonly arena = new ByteArena()
  readonly #free: { readonly block: Block; readonly row: number }[] = []
  #block = new Block()
  #used = 0

  /** A znode with all numbers 0, no data and no children. */
  make(acl: readonly Acl[]): Znode {
    const free = this.#free.pop()
    if (free !== undefined) {
      free.block.bytes.fill(0, free.row, free.row + rowBytes)
      return new Znode(this.arena, free.block, free.row, acl)
    }
    if (this.#used === rowsPerBlock) {
      this.#block = new Block()
      this.#used = 0
    }
    return new Znode(this.arena, this.#block, this.#used++ * rowBytes, acl)
  }

  /** The znode is deleted; another one may get its row and its data from now on. */
  release(node: Znode): void {
    node.data = null
    this.#free.push({ block: node.block, row: node.row })
  }
}

export class Znode {
  readonly #arena: ByteArena
  /** Only for `ZnodeStore`. */
  readonly block: Block
  /** Only for `ZnodeStore`: offset into the block. */
  readonly row: number
  /** Interned by the tree's AclTable: equal lists are the same object. */
  acl: readonly Acl[]
  /** By name; present only while there is a child. */
  children: TextMap<Znode> | undefined

  constructor(arena: ByteArena, block: Block, row: number, acl: readonly Acl[]) {
    this.#arena = arena
    this.block = block
    this.row = row
    this.acl = acl
    this.children = undefined
    block.view.setInt32(row + dataLengthAt, -1)
  }

  /**
   * What the znode adds to the digest of the tree, unsigned 32 bits; 0 while that is not known. Forgotten with every change of what goes
   * into the digest.
   */
  get share(): number {
    return this.block.view.getUint32(this.row + shareAt)
  }

  set share(value: number) {
    this.block.view.setUint32(this.row + shareAt, value)
  }

  /** What its path adds to its share, unsigned 32 bits; 0 while that is not known. */
  get pathCrc(): number {
    return this.block.view.getUint32(this.row + pathCrcAt)
  }

  set pathCrc(value: number) {
    this.block.view.setUint32(this.row + pathCrcAt, value)
  }

  get czxid(): bigint {
    return this.block.view.getBigInt64(this.row + czxid)
  }

  set czxid(value: bigint) {
    this.block.view.setBigInt64(this.row + czxid, value)
    this.share = 0
  }

  get mzxid(): bigint {
    return this.block.view.getBigInt64(this.row + mzxid)
  }

  set mzxid(value: bigint) {
    this.block.view.setBigInt64(this.row + mzxid, value)
    this.share = 0
  }

  get pzxid(): bigint {
    return this.block.view.getBigInt64(this.row + pzxid)
  }

  set pzxid(value: bigint) {
    this.block.view.setBigInt64(this.row + pzxid, value)
    this.share = 0
  }

  /** Milliseconds since 1970. */
  get ctime(): bigint {
    return this.block.view.getBigInt64(this.row + ctime)
  }

  set ctime(value: bigint) {
    this.block.view.setBigInt64(this.row + ctime, value)
    this.share = 0
  }

  /** Milliseconds since 1970. */
  get mtime(): bigint {
    return this.block.view.getBigInt64(this.row + mtime)
  }

  set mtime(value: bigint) {
    this.block.view.setBigInt64(this.row + mtime, value)
    this.share = 0
  }

  get version(): number {
    return this.block.view.getInt32(this.row + version)
  }

  set version(value: number) {
    this.block.view.setInt32(this.row + version, value)
    this.share = 0
  }

  /** Number of children ever created below this znode: the sequence counter. Clients see `visibleCversion` instead. */
  get cversion(): number {
    return this.block.view.getInt32(this.row + cversion)
  }

  set cversion(value: number) {
    this.block.view.setInt32(this.row + cversion, value)
    this.share = 0
  }

  get aversion(): number {
    return this.block.view.getInt32(this.row + aversion)
  }

  set aversion(value: number) {
    this.block.view.setInt32(this.row + aversion, value)
    this.share = 0
  }

  /** Session id, or the mark of a container or TTL znode, or 0. */
  get ephemeralOwner(): bigint {
    return this.block.view.getBigInt64(this.row + ephemeralOwner)
  }

  set ephemeralOwner(value: bigint) {
    this.block.view.setBigInt64(this.row + ephemeralOwner, value)
    this.share = 0
  }

  get isPersistent(): boolean {
    const { view } = this.block
    return view.getInt32(this.row + ephemeralOwner) === 0 && view.getInt32(this.row + ephemeralOwner + 4) === 0
  }

  get numChildren(): number {
    return this.children === undefined ? 0 : this.children.size
  }

  get dataLength(): number {
    return Math.max(0, this.block.view.getInt32(this.row + dataLengthAt))
  }

  /** A view in place, valid until the znode changes; null differs from empty. */
  get data(): Uint8Array | null {
    const { view } = this.block
    const length = view.getInt32(this.row + dataLengthAt)
    if (length < 0) return null
    return length === 0 ? empty : this.#arena.view(view.getInt32(this.row + dataReferenceAt), length)
  }

  /** The bytes are copied. */
  set data(bytes: Uint8Array | null) {
    const { view } = this.block
    this.share = 0
    const before = view.getInt32(this.row + dataLengthAt)
    const reference = view.getInt32(this.row + dataReferenceAt)
    const length = bytes === null ? -1 : bytes.length
    // Stored before the old bytes are freed: `bytes` may be a view of them.
    if (bytes !== null && length > 0) view.setInt32(this.row + dataReferenceAt, this.#arena.store(bytes))
    if (before > 0) this.#arena.free(reference)
    view.setInt32(this.row + dataLengthAt, length)
  }

  /** The 60 bytes of the StatPersisted, in place. */
  get persistedStat(): Uint8Array {
    return this.block.bytes.subarray(this.row, this.row + persistedStatBytes)
  }

  set persistedStat(bytes: Uint8Array) {
    this.share = 0
    this.block.bytes.set(bytes, this.row)
  }
}

const empty = new Uint8Array(0)

/** Creates plus deletes of children: the cversion of a Stat (DataNode.java, copyStat). */
export function visibleCversion(node: Znode): number {
  return (2 * node.cversion - node.numChildren) | 0
}

/** Clients see the owner of an ordinary ephemeral, and 0 for containers and TTL znodes. */
function visibleOwner(node: Znode): bigint {
  return node.isPersistent || kindOf(node.ephemeralOwner) !== 'ephemeral' ? 0n : node.ephemeralOwner
}

/** Appends the 68 bytes of the Stat without creating an object: every read does this. */
export function writeNodeStat(writer: Writer, node: Znode): void {
  const { bytes } = node.block
  const { row } = node
  const at = writer.reserve(68)
  const target = writer.bytes
  // czxid, mzxid, ctime, mtime, version have the same order in both.
  for (let i = 0; i < 36; i++) target[at + i] = bytes[row + i] as number
  writer.patchInt(at + 36, visibleCversion(node))
  for (let i = 40; i < 44; i++) target[at + i] = bytes[row + i] as number
  if (node.isPersistent) for (let i = 44; i < 52; i++) target[at + i] = 0
  else writer.patchLong(at + 44, visibleOwner(node))
  writer.patchInt(at + 52, node.dataLength)
  writer.patchInt(at + 56, node.numChildren)
  for (let i = 0; i < 8; i++) target[at + 60 + i] = bytes[row + 52 + i] as number
}

/** The current Stat; later changes of the znode do not change it. */
export function statOf(node: Znode): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: visibleCversion(node),
    aversion: node.aversion,
    ephemeralOwner: visibleOwner(node),
    dataLength: node.dataLength,
    numChildren: node.numChildren,
    pzxid: node.pzxid,
  }
}
