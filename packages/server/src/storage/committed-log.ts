/**
 * The last committed transactions as bytes, so that a leader can update a member that is a little behind without reading its disk.
 * It never has a gap: a member that got a DIFF from a cache with a gap would miss a transaction for good (ZOOKEEPER-4925).
 */
import { assert, Deque } from '@lightkeeper/runtime'
import { continues } from './continuity.ts'
import type { LoggedPayload } from './txn-log.ts'

export interface CommittedLogLimits {
  /** Number of transactions to keep. Default 500, as in Apache. */
  readonly txns?: number
  /** Bytes of payload to keep. Default 32 MiB. */
  readonly bytes?: number
}

export class CommittedLog {
  readonly #limits: Required<CommittedLogLimits>
  readonly #txns = new Deque<LoggedPayload>()
  #bytes = 0
  #last: bigint

  /** `lastZxid` is the last committed transaction so far; it is not in the cache. */
  constructor(lastZxid: bigint, limits: CommittedLogLimits = {}) {
    this.#last = lastZxid
    this.#limits = { txns: 500, bytes: 32 * 1024 * 1024, ...limits }
  }

  /** The oldest transaction in the cache; undefined while it is empty. */
  get first(): bigint | undefined {
    return this.#txns.peek()?.zxid
  }

  /** The last committed transaction, in the cache or not. */
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

  /** The transaction was committed. `payload` is not copied, and must not change. */
  add(zxid: bigint, payload: Uint8Array): void {
    assert(continues(this.#last, zxid), 'a transaction is committed right behind the one before it')
    this.#last = zxid
    this.#txns.push({ zxid, payload })
    this.#bytes += payload.length
    while (this.#txns.length > this.#limits.txns || this.#bytes > this.#limits.bytes) {
      this.#bytes -= this.#txns.shift()?.payload.length ?? 0
    }
  }

  /**
   * The transactions after `zxid`, in order; undefined where the cache does not reach back to it. `zxid` itself must be in the
   * cache, or be the last one: whether an older number ever was a transaction is not known here.
   */
  behind(zxid: bigint): readonly LoggedPayload[] | undefined {
    if (zxid === this.#last) return []
    const index = this.#indexOf(zxid)
    if (index === undefined) return undefined
    return Array.from(
      { length: this.#txns.length - index - 1 },
      (_, i) => this.#txns.at(index + 1 + i) as LoggedPayload,
    )
  }

  /** Empties the cache: the history has been replaced, and ends with `lastZxid`. */
  restart(lastZxid: bigint): void {
    this.#txns.clear()
    this.#bytes = 0
    this.#last = lastZxid
  }

  /** The zxids rise, so this is a binary search. */
  #indexOf(zxid: bigint): number | undefined {
    let low = 0
    let high = this.#txns.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = (this.#txns.at(middle) as LoggedPayload).zxid
      if (found === zxid) return middle
      if (found < zxid) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }
}
