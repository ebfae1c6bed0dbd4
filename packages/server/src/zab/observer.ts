/** A learner without a vote: it gets committed transactions, appends and applies them, and never acknowledges one. */
import { formatHex } from '@lightkeeper/protocol'
import { Deque } from '@lightkeeper/runtime'
import type { History } from './history.ts'
import type { PeerOutput } from './outputs.ts'

export class Observer {
  readonly #history: History
  /** PROPOSALs without a COMMIT yet. Old leaders send some to observers, and never commit them there. */
  readonly #proposed = new Deque<{ readonly zxid: bigint; readonly payload: Uint8Array }>()
  #isLive = false
  #committed = 0n

  constructor(history: History) {
    this.#history = history
  }

  begin(zxid: bigint): void {
    this.#committed = zxid
  }

  proposal(zxid: bigint, payload: Uint8Array): string | undefined {
    if (!this.#isLive) this.#proposed.push({ zxid, payload })
    return undefined
  }

  /** Ignores a COMMIT without a waiting proposal: observers also get committed transactions by INFORM. */
  commit(zxid: bigint, out: PeerOutput): string | undefined {
    const oldest = this.#proposed.peek()
    if (oldest?.zxid !== zxid) return undefined
    this.#proposed.shift()
    return this.inform(zxid, oldest.payload, out)
  }

  inform(zxid: bigint, payload: Uint8Array, out: PeerOutput): string | undefined {
    const { log } = this.#history
    if (!log.isNext(zxid)) return `INFORM ${formatHex(zxid)} does not follow ${formatHex(log.last)}`
    for (let head = this.#proposed.peek(); head !== undefined && head.zxid <= zxid; head = this.#proposed.peek())
      this.#proposed.shift()
    this.#history.append(zxid, payload, out)
    this.#committed = zxid
    if (this.#isLive) this.#history.commit(zxid, out)
    return undefined
  }

  acknowledged(): void {}

  upToDate(out: PeerOutput): bigint {
    this.#isLive = true
    this.#history.commit(this.#committed, out)
    return this.#committed < this.#history.durable ? this.#committed : this.#history.durable
  }

  durable(): void {}
}
