/** What is committed: a transaction that a quorum has, if all earlier ones are committed. */
import { Deque } from '@lightkeeper/runtime'
import type { Quorum } from './quorum.ts'

export interface Proposal {
  readonly zxid: bigint
  readonly payload: Uint8Array
}

/** Servers with a vote, each once. All proposals share these: there are few different ones, and every write goes through some of them. */
class Holders {
  readonly sids: readonly number[]
  /** Undefined while nobody has asked. */
  isQuorum: boolean | undefined
  readonly #with = new Map<number, Holders>()

  constructor(sids: readonly number[]) {
    this.sids = sids
  }

  /** These and one more. */
  and(sid: number): Holders {
    let more = this.#with.get(sid)
    if (more === undefined) {
      more = this.sids.includes(sid) ? this : new Holders([...this.sids, sid])
      this.#with.set(sid, more)
    }
    return more
  }
}

interface Outstanding extends Proposal {
  /** Those who have it on their disks. */
  holders: Holders
}

export class CommitRule {
  readonly #quorum: Quorum
  readonly #outstanding = new Deque<Outstanding>()
  readonly #nobody = new Holders([])

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
    this.#outstanding.push({ zxid, payload, holders: this.#nobody })
  }

  /**
   * Counts one acknowledgement. It says nothing about earlier transactions. An acknowledgement of a transaction that is not
   * outstanding is ignored.
   */
  acknowledge(sid: number, zxid: bigint): void {
    const first = this.#outstanding.peek()
    if (first === undefined) return
    const proposal = this.#outstanding.at(Number(zxid - first.zxid))
    if (proposal !== undefined) proposal.holders = proposal.holders.and(sid)
  }

  /**
   * Withdraws what a server acknowledged, because it will be asked to cut its log. Apache's leader continues to count it, and may
   * commit a transaction that a quorum had and lost again.
   */
  retract(sid: number): void {
    for (const proposal of this.#outstanding) {
      const { sids } = proposal.holders
      if (sids.includes(sid)) proposal.holders = new Holders(sids.filter((other) => other !== sid))
    }
  }

  /** Removes and returns the oldest transaction if it is committed now. */
  takeCommitted(): Proposal | undefined {
    const first = this.#outstanding.peek()
    if (first === undefined) return undefined
    const { holders } = first
    holders.isQuorum ??= this.isCommitted(holders.sids)
    return holders.isQuorum ? this.#outstanding.shift() : undefined
  }

  isCommitted(acks: readonly number[]): boolean {
    return this.#quorum.has(acks)
  }
}
