/** Which zxid may follow which, and which records of a log repeat earlier ones. */
import { opCode, zxidCounter, zxidEpoch } from '@lightkeeper/protocol'

/**
 * Whether `zxid` may follow `last`: it is the next number, or the first one of a later epoch. The first one of all may be of any epoch,
 * since earlier leaders may have had nothing to write.
 */
export function continues(last: bigint, zxid: bigint): boolean {
  if (zxid === last + 1n) return true
  return zxidEpoch(zxid) > zxidEpoch(last) && zxidCounter(zxid) <= 1
}

/** What distinguishes records with the same zxid: the checksum of the payload and its size in bytes. */
export interface RecordMark {
  readonly checksum: number
  readonly bytes: number
}

const rememberedMax = 1 << 14

/**
 * The latest records of a log, to recognise the repeats that Apache writes. One kind is an error with the zxid of the record before
 * it, for a write that a leader of 3.9 could not read. The other kind are records that a member had logged before an election and
 * logged again after it, byte for byte. Neither changes anything.
 */
export class RecentRecords {
  readonly #zxids = new BigInt64Array(rememberedMax)
  readonly #checksums = new Float64Array(rememberedMax)
  readonly #bytes = new Int32Array(rememberedMax)
  #count = 0
  #last = 0n

  note(zxid: bigint, { checksum, bytes }: RecordMark): void {
    if (zxid <= this.#last) return
    this.#last = zxid
    const at = this.#count++ & (rememberedMax - 1)
    this.#zxids[at] = zxid
    this.#checksums[at] = checksum
    this.#bytes[at] = bytes
  }

  /** Whether a record that does not follow `last` may be skipped. */
  isRepeat(last: bigint, zxid: bigint, type: number, { checksum, bytes }: RecordMark): boolean {
    if (zxid > last) return false
    if (zxid === last && type === opCode.error) return true
    // The zxids rise, so this is a binary search.
    let low = Math.max(0, this.#count - rememberedMax)
    let high = this.#count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#zxids[middle & (rememberedMax - 1)] as bigint) < zxid) low = middle + 1
      else high = middle
    }
    const at = low & (rememberedMax - 1)
    return low === high && this.#zxids[at] === zxid && this.#checksums[at] === checksum && this.#bytes[at] === bytes
  }
}
