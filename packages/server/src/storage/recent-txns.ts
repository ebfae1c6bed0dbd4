/**
 * The last transactions of the log as bytes, so that a leader can update a member that is a little behind without reading its disk.
 * It never has a gap: a member that got a DIFF from a cache with a gap would miss a transaction for good (ZOOKEEPER-4925).
 */
import { assert, Deque } from '@lightkeeper/runtime'
import { continues } from './continuity.ts'
import type { LoggedPayload } from './txn-log.ts'

export interface RecentTxnsLimits {
  /** Number of transactions to keep. Default 500, as in Apache. */
  readonly txns?: number
  /** Bytes of payload to keep. Default 32 MiB. */
  readonly bytes?: number
}

export class RecentTxns {
  readonly #limits: Required<RecentTxnsLimits>
  readonly #txns = new Deque<LoggedPayload>()
  /** The size of each. What leaves is not looked at: it is so old that it is in no cache of the processor. */
  readonly #sizes = new Deque<number>()
  #bytes = 0
  #before: { readonly zxid: bigint }
  #last: bigint

  /** `lastZxid` is the last transaction of the log so far; it is not in the cache. */
  constructor(lastZxid: bigint, limits: RecentTxnsLimits = {}) {
    this.#before = { zxid: lastZxid }
    this.#last = lastZxid
    this.#limits = { txns: 500, bytes: 32 * 1024 * 1024, ...limits }
  }

  /** The oldest transaction in the cache; undefined while it is empty. */
  get first(): bigint | undefined {
    return this.#txns.peek()?.zxid
  }

  /** The transaction before the oldest one in the cache. It is durable, if it is not 0. */
  get before(): bigint {
    return this.#before.zxid
  }

  /** The last transaction of the log, in the cache or not. */
  get last(): bigint {
    return this.#last
  }

  get length(): number {
    return this.#txns.length
  }

  /** Bytes of payload in the cache. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The transaction was appended. `payload` is not copied, and must not change. What the log has for good, up to `durableZxid`, may
   * leave the cache; the rest could not be read from the disk.
   */
  add(zxid: bigint, payload: Uint8Array, durableZxid: bigint): void {
    assert(continues(this.#last, zxid), 'a transaction is appended right behind the one before it')
    this.#last = zxid
    this.#txns.push({ zxid, payload })
    this.#sizes.push(payload.length)
    this.#bytes += payload.length
    // Many more where the durable one is of an earlier epoch: then nothing leaves for a moment.
    const notDurable = Number(zxid - durableZxid)
    while (this.#isFull && this.#txns.length > notDurable) {
      const oldest = this.#txns.shift()
      if (oldest === undefined) return
      this.#before = oldest
      this.#bytes -= this.#sizes.shift() as number
    }
  }

  get #isFull(): boolean {
    return this.#txns.length > this.#limits.txns || this.#bytes > this.#limits.bytes
  }

  /** The transactions after `zxid` up to `last`, both of which were appended; undefined where the cache does not have all of them. */
  between(zxid: bigint, last: bigint): readonly LoggedPayload[] | undefined {
    if (last <= zxid) return []
    const { before } = this
    const from = zxid === before ? 0 : this.#indexOf(zxid) + 1
    const to = this.#indexOf(last)
    if ((from === 0 && zxid !== before) || to < 0) return undefined
    return Array.from({ length: to - from + 1 }, (_, i) => this.#txns.at(from + i) as LoggedPayload)
  }

  /** Empties the cache: the log ends with `lastZxid` now, because it was cut or replaced. */
  restart(lastZxid: bigint): void {
    this.#txns.clear()
    this.#sizes.clear()
    this.#bytes = 0
    this.#before = { zxid: lastZxid }
    this.#last = lastZxid
  }

  /** The zxids rise, so this is a binary search; -1 where the transaction is not in the cache. */
  #indexOf(zxid: bigint): number {
    let low = 0
    let high = this.#txns.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = (this.#txns.at(middle) as LoggedPayload).zxid
      if (found === zxid) return middle
      if (found < zxid) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}
