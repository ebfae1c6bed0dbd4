/**
 * Which transactions a log has, only by zxid. Counters of one epoch have no gaps, so a log of a million records is a few ranges,
 * one for each epoch.
 */

import { formatHex, zxidCounter, zxidEpoch } from '@lightkeeper/protocol'
import { assert } from '@lightkeeper/runtime'

interface Range {
  readonly from: bigint
  to: bigint
}

export class HeldZxids {
  /** The log has everything after this zxid. The transaction itself is in a snapshot or image; 0 for none. */
  base: bigint
  #ranges: Range[] = []

  /**
   * A hole inside an epoch, which bugs of Apache's servers have left in logs (ZOOKEEPER-4925), moves the base behind the hole: what
   * comes before it cannot be passed on as a continuous history.
   */
  constructor(base: bigint, ranges: readonly { readonly from: bigint; readonly to: bigint }[] = []) {
    let start = base
    for (const { from, to } of ranges) {
      const last = this.#ranges.at(-1)?.to ?? start
      if (!follows(from, last)) {
        this.#ranges.length = 0
        start = from
        if (from < to) this.#ranges.push({ from: from + 1n, to })
      } else this.#ranges.push({ from, to })
    }
    this.base = start
  }

  /** The same without everything after `zxid`, which it has. */
  upTo(zxid: bigint): HeldZxids {
    const cut = new HeldZxids(this.base, this.#ranges)
    cut.truncate(zxid)
    return cut
  }

  get last(): bigint {
    return this.#ranges.at(-1)?.to ?? this.base
  }

  /** Whether `zxid` may be the next record. */
  isNext(zxid: bigint): boolean {
    return follows(zxid, this.last)
  }

  append(zxid: bigint): void {
    const range = this.#ranges.at(-1)
    if (range !== undefined && range.to + 1n === zxid) {
      range.to = zxid
      return
    }
    // The text is made only where it is needed.
    if (!this.isNext(zxid)) assert(false, `${formatHex(zxid)} does not follow ${formatHex(this.last)}`)
    this.#ranges.push({ from: zxid, to: zxid })
  }

  has(zxid: bigint): boolean {
    return zxid === this.base || this.#ranges.some(({ from, to }) => from <= zxid && zxid <= to)
  }

  /** The newest transaction that is not above `zxid`; undefined where that is before the log. */
  atOrBelow(zxid: bigint): bigint | undefined {
    const range = this.#ranges.findLast(({ from }) => from <= zxid)
    if (range !== undefined) return range.to < zxid ? range.to : zxid
    return this.base <= zxid ? this.base : undefined
  }

  /** The oldest transaction above `zxid`; undefined where there is none. */
  next(zxid: bigint): bigint | undefined {
    const range = this.#ranges.find(({ to }) => to > zxid)
    if (range === undefined) return undefined
    return range.from > zxid ? range.from : zxid + 1n
  }

  /** Forgets what is before `zxid`, which becomes the base. */
  purge(zxid: bigint): void {
    if (!this.has(zxid) || zxid === this.base) return
    this.base = zxid
    this.#ranges = this.#ranges
      .filter(({ to }) => to > zxid)
      .map(({ from, to }) => ({ from: from > zxid ? from : zxid + 1n, to }))
  }

  truncate(zxid: bigint): void {
    assert(this.has(zxid), `${formatHex(zxid)} is not in the log`)
    while ((this.#ranges.at(-1)?.from ?? 0n) > zxid) this.#ranges.pop()
    const range = this.#ranges.at(-1)
    if (range !== undefined && range.to > zxid) range.to = zxid
  }
}

/** The next of the same epoch, or the first of a later one. */
function follows(zxid: bigint, last: bigint): boolean {
  if (zxid === last + 1n) return true
  return zxidEpoch(zxid) > zxidEpoch(last) && zxidCounter(zxid) === 1
}
