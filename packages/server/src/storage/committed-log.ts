/**
 * The last committed transactions as bytes, so that a leader brings up a member that is a little behind without reading its disk. It
 * has no gap, ever: a member that got a DIFF from a cache with a gap would miss a transaction for good (ZOOKEEPER-4925).
 */
import { assert, Deque } from '@lightkeeper/runtime'
import { continues } from './continuity.ts'
import type { LoggedPayload } from './txn-log.ts'

export interface CommittedLogLimits {
  /** Transactions kept. Default 500, as in Apache. */
  readonly txns?: number
  /** Bytes of payload kept. Default 32 MiB. */
  readonly bytes?: number
}

export class CommittedLog {
  readonly #limits: Required<CommittedLogLimits>
  readonly #txns = new Deque<LoggedPayload>()
  #bytes = 0
  #last: bigint

  /** `lastZxid` is the last committed transaction so far, which the cache does not have. */
  constructor(lastZxid: bigint, limits: CommittedLogLimits = {}) {
    this.#last = lastZxid
    this.#limits = { txns: 500, bytes: 32 * 1024 * 1024, ...limits }
  }

  /** The oldest transaction that is kept; undefined while none is. */
  get first(): bigint | undefined {
    return this.#txns.peek()?.zxid
  }

  /** The last committed transaction, kept or not. */
  get last(): bigint {
    return this.#last
  }

  get length(): number {
    return this.#txns.length
  }

  /** Bytes of payload that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** The transaction was committed. `payload` is kept as it is, and must not change. */
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
   * The transactions behind `zxid`, in order; undefined where the cache does not reach back to it. `zxid` itself must be kept, or be the
   * last one: whether an older number ever was a transaction is not known here.
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

  /** Forgets everything: the history is another one, and ends with `lastZxid`. */
  restart(lastZxid: bigint): void {
    this.#txns.clear()
    this.#bytes = 0
    this.#last = lastZxid
  }

  /** The zxids rise: a search by halves. */
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
