/**
 * The broadcast of a leading server: proposals go to the log and to the voters that are up, their acknowledgements are counted, and what a
 * quorum has is committed, in its order. Which learner is up, and how long the term lasts, is decided in leader.ts.
 */
import { formatHex, makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import { assert } from '@lightkeeper/runtime'
import { CommitRule } from './commit-rule.ts'
import type { History } from './history.ts'
import type { PeerOutput } from './outputs.ts'
import type { Progress } from './progress.ts'
import type { Quorum } from './quorum.ts'
import { Syncs } from './syncs.ts'

export class Broadcast {
  readonly #sid: number
  readonly #history: History
  readonly #learners: ReadonlyMap<number, Progress>
  readonly #rule: CommitRule
  readonly #syncs: Syncs
  /** Last zxid that was proposed in this term; counter 0 before the first. */
  lastProposed = 0n
  /** What a learner must get: the initial history, later everything committed. */
  lastCommitted = 0n
  #selfAcknowledged = 0n

  constructor(sid: number, quorum: Quorum, history: History, learners: ReadonlyMap<number, Progress>) {
    this.#sid = sid
    this.#history = history
    this.#learners = learners
    this.#rule = new CommitRule(quorum)
    this.#syncs = new Syncs(sid, quorum, learners)
  }

  /** The epoch is chosen: what this server has is the history that the epoch begins with. */
  begin(epoch: number): void {
    this.lastProposed = makeZxid(epoch, 0)
    this.#selfAcknowledged = this.lastProposed
    this.lastCommitted = this.#history.held.last
  }

  /** Syncs that are not answered yet. */
  get pendingSyncs(): number {
    return this.#syncs.pending
  }

  propose(now: number, zxid: bigint, payload: Uint8Array, out: PeerOutput): void {
    assert(zxid === this.lastProposed + 1n, 'a proposal has the zxid that follows the last one')
    this.lastProposed = zxid
    this.#rule.propose(zxid, payload)
    // Before the own log gets it: the others need longer, and their disks work meanwhile.
    const packet: QuorumPacket = { type: 'PROPOSAL', zxid, data: payload, authinfo: null }
    for (const learner of this.#learners.values()) {
      if (learner.state !== 'up' || learner.isObserver) continue
      out.send(learner.link, packet)
      learner.proposed(zxid, now)
    }
    this.#history.append(zxid, payload, out)
  }

  /** Answered by SYNC, or by `synced` for a client of this server. */
  sync(link: number | undefined, out: PeerOutput): void {
    const { lastProposed, lastCommitted } = this
    this.#syncs.ask(link, this.#rule.isEmpty ? lastCommitted : lastProposed, lastCommitted, out)
  }

  pinged(learner: Progress, zxid: bigint, out: PeerOutput): void {
    this.#syncs.pinged(learner, zxid, out)
  }

  halfTick(out: PeerOutput): void {
    this.#syncs.halfTick(out)
  }

  /** A voter is synchronized anew: it may be about to cut from its log what it acknowledged on an earlier link. */
  retract(sid: number): void {
    this.#rule.retract(sid)
  }

  /** UPTODATE, then everything that was committed and proposed since this learner was synchronized. */
  bringUp(now: number, learner: Progress, out: PeerOutput): void {
    out.send(learner.link, { type: 'UPTODATE', zxid: -1n, data: null, authinfo: null })
    learner.enter('up', now)
    const from = learner.sentTo
    if (from < this.lastCommitted) {
      out.sendHistory(learner.link, from, this.lastCommitted, learner.isObserver ? 'informs' : 'pairs')
      learner.proposed(this.lastCommitted, now)
    }
    if (learner.isObserver) return
    for (const { zxid, payload } of this.#rule.outstanding) {
      out.send(learner.link, { type: 'PROPOSAL', zxid, data: payload, authinfo: null })
      learner.proposed(zxid, now)
    }
  }

  /** Returns what is wrong with the ACK, or undefined. */
  acknowledged(now: number, learner: Progress, zxid: bigint, out: PeerOutput): string | undefined {
    if (zxid > learner.sentTo) return `ACK of ${formatHex(zxid)}, which it was not sent`
    learner.acknowledged(zxid, now)
    if (learner.isVoter && learner.hasAcknowledged) {
      this.#rule.acknowledge(learner.sid as number, zxid)
      this.#commit(out)
    }
    return undefined
  }

  /** The leader's own acknowledgement is the report of its disk. */
  acknowledgeOwn(out: PeerOutput): void {
    const { lastProposed } = this
    const durable = this.ownDurable()
    const upTo = durable < lastProposed ? durable : lastProposed
    if (upTo <= this.#selfAcknowledged) return
    for (let zxid = this.#selfAcknowledged + 1n; zxid <= upTo; zxid++) this.#rule.acknowledge(this.#sid, zxid)
    this.#selfAcknowledged = upTo
    this.#commit(out)
  }

  ownDurable(): bigint {
    return this.#history.durable
  }

  #commit(out: PeerOutput): void {
    const before = this.lastCommitted
    for (let proposal = this.#rule.takeCommitted(); proposal !== undefined; proposal = this.#rule.takeCommitted()) {
      const { zxid, payload } = proposal
      this.#syncs.beforeCommit(zxid, out)
      this.lastCommitted = zxid
      // One packet for all who get the same: what sends it encodes it once.
      const commit: QuorumPacket = { type: 'COMMIT', zxid, data: null, authinfo: null }
      let inform: QuorumPacket | undefined
      for (const learner of this.#learners.values()) {
        if (learner.state !== 'up') continue
        if (learner.isObserver) {
          inform ??= { type: 'INFORM', zxid, data: payload, authinfo: null }
          out.send(learner.link, inform)
          learner.sentTo = zxid
        } else out.send(learner.link, commit)
      }
    }
    if (this.lastCommitted > before) this.#history.commit(this.lastCommitted, out)
    this.#syncs.afterCommit(this.lastCommitted, out)
  }
}
