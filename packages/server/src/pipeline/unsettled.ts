/** The bytes of the requests of one learner whose transactions are not applied: what they cost this server. */
import { Deque } from '@lightkeeper/runtime'

export class Unsettled {
  /** Zxids and sizes in the order of the requests. */
  readonly #zxids = new Deque<bigint>()
  readonly #sizes = new Deque<number>()
  #bytes = 0

  /** A request of `bytes` became the transaction `zxid`; those up to `applied` cost nothing any more. Returns the sum of the others. */
  add(bytes: number, zxid: bigint, applied: bigint): number {
    for (let next = this.#zxids.peek(); next !== undefined && next <= applied; next = this.#zxids.peek()) {
      this.#zxids.shift()
      this.#bytes -= this.#sizes.shift() as number
    }
    this.#zxids.push(zxid)
    this.#sizes.push(bytes)
    this.#bytes += bytes
    return this.#bytes
  }
}
