/** A learner with a vote: PROPOSAL → append; durable → ACK, in order; COMMIT → the oldest outstanding proposal is committed. */
import { formatHex, zxidEpoch } from '@lightkeeper/protocol'
import { Deque } from '@lightkeeper/runtime'
import type { History } from './history.ts'
import type { PeerOutput } from './outputs.ts'

export class Follower {
  readonly #history: History
  /** Proposals that are not committed, oldest first, from the synchronization into the term (ZOOKEEPER-4394). */
  readonly #outstanding = new Deque<bigint>()
  /** Proposals that wait for the disk and then for their ACK. */
  #unacknowledged = new Deque<bigint>()
  #phase: 'synchronizing' | 'acknowledged' | 'live' = 'synchronizing'
  /** What is committed if the leader becomes one; from UPTODATE on it is really committed. */
  #committed = 0n

  constructor(history: History) {
    this.#history = history
  }

  begin(zxid: bigint): void {
    this.#committed = zxid
  }

  proposal(zxid: bigint, payload: Uint8Array, out: PeerOutput): string | undefined {
    const { log } = this.#history
    if (!log.isNext(zxid)) return `PROPOSAL ${formatHex(zxid)} does not follow ${formatHex(log.last)}`
    this.#history.append(zxid, payload, out)
    this.#outstanding.push(zxid)
    if (this.#phase !== 'synchronizing') this.#unacknowledged.push(zxid)
    return undefined
  }

  commit(zxid: bigint, out: PeerOutput): string | undefined {
    const oldest = this.#outstanding.shift()
    if (oldest !== zxid)
      return `COMMIT ${formatHex(zxid)}, but ${oldest === undefined ? 'nothing' : formatHex(oldest)} is the oldest proposal`
    this.#committed = zxid
    if (this.#phase === 'live') this.#history.commit(zxid, out)
    return undefined
  }

  inform(zxid: bigint): string {
    return `INFORM ${formatHex(zxid)} for a follower in epoch ${zxidEpoch(zxid)}`
  }

  acknowledged(link: number, out: PeerOutput): void {
    this.#phase = 'acknowledged'
    for (const zxid of this.#outstanding) this.#unacknowledged.push(zxid)
    this.durable(link, out)
  }

  upToDate(out: PeerOutput): bigint {
    this.#phase = 'live'
    this.#history.commit(this.#committed, out)
    return this.#committed < this.#history.durable ? this.#committed : this.#history.durable
  }

  durable(link: number, out: PeerOutput): void {
    if (this.#phase === 'synchronizing') return
    for (;;) {
      const zxid = this.#unacknowledged.peek()
      if (zxid === undefined || !this.mayAcknowledge(zxid)) return
      this.#unacknowledged.shift()
      out.send(link, { type: 'ACK', zxid, data: null, authinfo: null })
    }
  }

  mayAcknowledge(zxid: bigint): boolean {
    return zxid <= this.#history.durable
  }
}
