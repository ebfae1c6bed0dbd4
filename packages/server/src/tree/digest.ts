/**
 * The digest of a tree: the sum modulo 2^64 of one CRC-32 for each znode, over its path, data and numbers; znodes below /zookeeper
 * do not count (DigestCalculator.java, AdHash.java). It is logged after each transaction, so that a replay can check whether it
 * came to the same tree.
 */
import { crc32, Writer } from '@lightkeeper/protocol'
import type { Znode } from './znode.ts'

/** The version in a TxnDigest. */
export const digestVersion = 2

/** What the digest of a znode needs if the znode is not stored in its final form: missing fields are those of `source`. */
export interface Digestible {
  readonly source: Znode | undefined
  readonly czxid: bigint
  readonly ctime: bigint
  readonly ephemeralOwner: bigint
  readonly mzxid: bigint | undefined
  readonly mtime: bigint | undefined
  readonly pzxid: bigint | undefined
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly data: Uint8Array | null
}

const twoTo32 = 0x1_0000_0000

/** The same eight bytes as two numbers and as one, which costs less than to compute the one; hosts are little-endian. */
const halves = new Uint32Array(2)
const whole = new BigInt64Array(halves.buffer)

export class TreeDigest {
  #high = 0
  #low = 0

  add(value: number): void {
    this.#low += value
    if (this.#low < twoTo32) return
    this.#low -= twoTo32
    this.#high = (this.#high + 1) >>> 0
  }

  subtract(value: number): void {
    this.#low -= value
    if (this.#low >= 0) return
    this.#low += twoTo32
    this.#high = (this.#high - 1) >>> 0
  }

  /** Signed, as in the log. */
  get value(): bigint {
    halves[0] = this.#low
    halves[1] = this.#high
    return whole[0] as bigint
  }

  set value(value: bigint) {
    this.#high = Number(BigInt.asUintN(64, value) >> 32n)
    this.#low = Number(BigInt.asUintN(32, value))
  }
}

const scratch = new Writer(1024)

function isCounted(path: string): boolean {
  return !path.startsWith('/zookeeper/')
}

/** The path comes first, as UTF-8; the root's is empty. */
export function crcOfPath(path: string): number {
  if (path === '/') return 0
  scratch.clear()
  scratch.ustring(path)
  return crc32(scratch.bytes, 4, scratch.length)
}

/** The same of a stored znode, which keeps it. */
export function pathCrcOf(path: string, node: Znode): number {
  const { pathCrc } = node
  if (pathCrc !== 0) return pathCrc
  node.pathCrc = crcOfPath(path)
  return node.pathCrc
}

/** The share of a stored znode in the digest: unsigned 32 bits. The znode keeps it. `data` is that of the znode, where it is known. */
export function digestOfZnode(path: string, node: Znode, data?: Uint8Array | null): number {
  if (!isCounted(path)) return 0
  const { share } = node
  if (share !== 0) return share
  node.share = computed(pathCrcOf(path, node), node, data)
  return node.share
}

/** The same, whatever the znode has kept. */
export function computedDigestOf(path: string, node: Znode): number {
  return isCounted(path) ? computed(crcOfPath(path), node) : 0
}

function computed(pathCrc: number, node: Znode, data: Uint8Array | null = node.data): number {
  let crc = pathCrc
  if (data !== null) crc = crc32(data, 0, data.length, crc)
  // Stored as czxid mzxid | ctime … ephemeralOwner | pzxid; in the digest pzxid is third.
  const { bytes } = node.block
  const { row } = node
  crc = crc32(bytes, row, row + 16, crc)
  crc = crc32(bytes, row + 52, row + 60, crc)
  return crc32(bytes, row + 16, row + 52, crc)
}

/** As `digestOfZnode`, for a znode that is not stored yet, or not in its final form. */
export function digestOf(path: string, node: Digestible, pathCrc: number = crcOfPath(path)): number {
  if (!isCounted(path)) return 0
  let crc = pathCrc
  if (node.data !== null) crc = crc32(node.data, 0, node.data.length, crc)
  const { source } = node
  scratch.clear()
  if (source === undefined) scratch.long(node.czxid)
  else copyStored(source, 0)
  if (node.mzxid !== undefined) scratch.long(node.mzxid)
  else copyStored(source as Znode, 8)
  if (node.pzxid !== undefined) scratch.long(node.pzxid)
  else copyStored(source as Znode, 52)
  if (source === undefined) scratch.long(node.ctime)
  else copyStored(source, 16)
  if (node.mtime !== undefined) scratch.long(node.mtime)
  else copyStored(source as Znode, 24)
  scratch.int(node.version)
  scratch.int(node.cversion)
  scratch.int(node.aversion)
  if (source === undefined) scratch.long(node.ephemeralOwner)
  else copyStored(source, 44)
  return crc32(scratch.bytes, 0, scratch.length, crc)
}

/** A long of the stored numbers, by its offset. */
function copyStored(node: Znode, offset: number): void {
  const { bytes } = node.block
  const from = node.row + offset
  const at = scratch.reserve(8)
  for (let i = 0; i < 8; i++) scratch.bytes[at + i] = bytes[from + i] as number
}
