/**
 * The digest of a tree: the sum modulo 2^64 of one CRC-32 for each znode, over its path, data and numbers; znodes below
 * /zookeeper do not count (DigestCalculator.java, AdHash.java). Logged behind each transaction, so that whoever replays it can
 * tell whether it came to the same tree.
 */
import { crc32, Writer } from '@lightkeeper/protocol'
import type { Znode } from './znode.ts'

/** The version in a TxnDigest. */
export const digestVersion = 2

/** What a digest takes of a znode. */
export interface Digestible {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly pzxid: bigint
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly data: Uint8Array | null
}

const twoTo32 = 0x1_0000_0000

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

  /** Signed, as it is logged. */
  get value(): bigint {
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low))
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

/** Path first, as UTF-8; the root's is empty. */
export function crcOfPath(path: string): number {
  if (path === '/') return 0
  scratch.clear()
  scratch.ustring(path)
  return crc32(scratch.bytes, 4, scratch.length)
}

/** What a stored znode adds to the digest: unsigned 32 bits. `pathCrc` is `crcOfPath(path)`, where it is known. */
export function digestOfZnode(path: string, node: Znode, pathCrc: number = crcOfPath(path)): number {
  if (!isCounted(path)) return 0
  let crc = pathCrc
  const { data } = node
  if (data !== null) crc = crc32(data, 0, data.length, crc)
  // Stored as czxid mzxid | ctime … ephemeralOwner | pzxid; the digest has pzxid third.
  const { bytes } = node.block
  const { row } = node
  crc = crc32(bytes, row, row + 16, crc)
  crc = crc32(bytes, row + 52, row + 60, crc)
  return crc32(bytes, row + 16, row + 52, crc)
}

/** As `digestOfZnode`, for a znode that is not stored yet. */
export function digestOf(path: string, node: Digestible, pathCrc: number = crcOfPath(path)): number {
  if (!isCounted(path)) return 0
  let crc = pathCrc
  if (node.data !== null) crc = crc32(node.data, 0, node.data.length, crc)
  scratch.clear()
  scratch.long(node.czxid)
  scratch.long(node.mzxid)
  scratch.long(node.pzxid)
  scratch.long(node.ctime)
  scratch.long(node.mtime)
  scratch.int(node.version)
  scratch.int(node.cversion)
  scratch.int(node.aversion)
  scratch.long(node.ephemeralOwner)
  return crc32(scratch.bytes, 0, scratch.length, crc)
}
