/** What is committed: a transaction that a quorum has, if all earlier ones are committed. */
import { Deque } from '@lightkeeper/runtime'
import type { Quorum } from './quorum.ts'

export interface Proposal {
  readonly zxid: bigint
  readonly payload: Uint8Array
  /** The servers with a vote that have it on their disks, each once. */
  readonly acks: number[]
}

export class CommitRule {
  readonly #quorum: Quorum
  readonly #outstanding = new Deque<Proposal>()

  constructor(quorum: Quorum) {
    this.#quorum = quorum
  }

  get outstanding(): Iterable<Proposal> {
    return this.#outstanding
  }

  get isEmpty(): boolean {
    return this.#outstanding.length === 0
  }

  /** zxids rise by one. */
  propose(zxid: bigint, payload: Uint8Array): void {
    this.#outstanding.push({ zxid, payload, acks: [] })
  }

  /**
   * Counts one acknowledgement. It says nothing about earlier transactions. An acknowledgement of a transaction that is not
   * outstanding is ignored.
   */
  acknowledge(sid: number, zxid: bigint): void {
    const first = this.#outstanding.peek()
    if (first === undefined) return
    const proposal = this.#outstanding.at(Number(zxid - first.zxid))
    if (proposal !== undefined && !proposal.acks.includes(sid)) proposal.acks.push(sid)
  }

  /**
   * Withdraws what a server acknowledged, because it will be asked to cut its log. Apache's leader continues to count it, and may
   * commit a transaction that a quorum had and lost again.
   */
  retract(sid: number): void {
    for (const { acks } of this.#outstanding) {
      const at = acks.indexOf(sid)
      if (at >= 0) acks.splice(at, 1)
    }
  }

  /** Removes and returns the oldest transaction if it is committed now. */
  takeCommitted(): Proposal | undefined {
    const first = this.#outstanding.peek()
    return first !== undefined && this.isCommitted(first.acks) ? this.#outstanding.shift() : undefined
  }

  isCommitted(acks: readonly number[]): boolean {
    return this.#quorum.has(acks)
  }
}
