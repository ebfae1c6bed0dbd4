/**
 * Syncs that a leader has not answered, in the order in which they came. One is answered when everything that was proposed before it is
 * committed, and a quorum has shown after it came that it still follows this leader: a deposed leader must not answer. A quorum shows that
 * by its answers to a round of PINGs, or by the commit of a later proposal.
 *
 * A learner finds its requests by the order of the answers, so SYNC goes before the COMMIT of anything that was proposed later.
 */
import { Deque } from '@lightkeeper/runtime'
import type { PeerOutput } from './outputs.ts'
import type { Progress } from './progress.ts'
import type { Quorum } from './quorum.ts'

interface Waiting {
  /** The last proposal before it. */
  readonly zxid: bigint
  /** The first round of PINGs that begins after it came. */
  readonly round: number
  /** Undefined for a client of the leader itself. */
  readonly link: number | undefined
}

export class Syncs {
  readonly #sid: number
  readonly #quorum: Quorum
  readonly #learners: ReadonlyMap<number, Progress>
  readonly #waiting = new Deque<Waiting>()
  /** The round that the newest sync waits for, the newest one that began, and the newest one that a quorum has answered. */
  #wanted = 0
  #begun = 0
  #confirmed = 0
  #committed = 0n

  constructor(sid: number, quorum: Quorum, learners: ReadonlyMap<number, Progress>) {
    this.#sid = sid
    this.#quorum = quorum
    this.#learners = learners
  }

  /** Those that are not answered. */
  get pending(): number {
    return this.#waiting.length
  }

  /** `proposed` and `committed` are the last zxids of their kind. */
  ask(link: number | undefined, proposed: bigint, committed: bigint, out: PeerOutput): void {
    this.#committed = committed
    this.#wanted = this.#begun + 1
    this.#waiting.push({ zxid: proposed, round: this.#wanted, link })
    this.#beginRound(out)
  }

  /** A learner has answered a PING with this zxid. */
  pinged(learner: Progress, zxid: bigint, out: PeerOutput): void {
    if (zxid >= 0n) return
    learner.answeredRound = Number(-zxid)
    this.#count(learner.answeredRound, out)
  }

  /** A round may be lost with the learners that it was sent to: another one confirms what waits for it too. */
  halfTick(out: PeerOutput): void {
    if (this.#begun > this.#confirmed) this.#sendRound(out)
  }

  /** `zxid` is committed, and its COMMITs are not sent yet. */
  beforeCommit(zxid: bigint, out: PeerOutput): void {
    for (let oldest = this.#waiting.peek(); oldest !== undefined && oldest.zxid < zxid; oldest = this.#waiting.peek())
      this.#answerOldest(out)
  }

  afterCommit(zxid: bigint, out: PeerOutput): void {
    this.#committed = zxid
    this.#answerReady(out)
  }

  #beginRound(out: PeerOutput): void {
    if (this.#wanted > this.#begun && this.#begun === this.#confirmed) this.#sendRound(out)
  }

  #sendRound(out: PeerOutput): void {
    const round = ++this.#begun
    // The number comes back as the zxid of the answers; no server gives another meaning to the zxid of a PING.
    for (const { state, isVoter, link } of this.#learners.values())
      if (state === 'up' && isVoter) out.send(link, { type: 'PING', zxid: BigInt(-round), data: null, authinfo: null })
    this.#count(round, out)
  }

  #count(round: number, out: PeerOutput): void {
    const voters = new Set([this.#sid])
    for (const { isVoter, sid, answeredRound } of this.#learners.values())
      if (isVoter && answeredRound >= round) voters.add(sid as number)
    if (round <= this.#confirmed || !this.#quorum.has([...voters])) return
    this.#confirmed = round
    this.#answerReady(out)
    this.#beginRound(out)
  }

  #answerReady(out: PeerOutput): void {
    for (;;) {
      const oldest = this.#waiting.peek()
      if (oldest === undefined || oldest.zxid > this.#committed || oldest.round > this.#confirmed) return
      this.#answerOldest(out)
    }
  }

  #answerOldest(out: PeerOutput): void {
    const link = this.#waiting.shift()?.link
    if (link === undefined) out.synced()
    else if (this.#learners.get(link)?.state === 'up')
      out.send(link, { type: 'SYNC', zxid: 0n, data: null, authinfo: null })
  }
}
