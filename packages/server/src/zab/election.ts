/**
 * Leader election (FastLeaderElection). Notifications and time in; notifications and a verdict out. It proposes a server to lead.
 * Epochs and a quorum of NEWLEADER decide whether that server does lead, so safety does not depend on this file.
 */
import type { Notification, ServerState } from '@lightkeeper/protocol'
import type { Membership } from '../config/membership.ts'
import type { ZabTimes } from './inputs.ts'
import type { PeerOutput } from './outputs.ts'
import { type Quorum, quorumOf } from './quorum.ts'
import { emptyVote, incomplete, isBetter, isSameLeader, isSameVote, type Vote } from './vote.ts'

/** The state of this server when it begins to look. */
export interface Candidate {
  readonly zxid: bigint
  readonly peerEpoch: number
  /** `abstains`: its history is not whole. `fresh`: it has no history, and may have lost one. */
  readonly state: 'whole' | 'abstains' | 'fresh'
}

const dropped = undefined

export class Election {
  readonly #sid: number
  readonly #membership: Membership
  readonly #quorum: Quorum
  readonly #times: ZabTimes
  /** The number of the election. It is lost at a restart; servers with a lower number take the higher one. */
  round = 0
  #state: ServerState = 'looking'
  /** The proposal while looking, and the agreement afterwards. */
  #vote: Vote = emptyVote
  /** Round of `#vote`. It differs from `round` only in answers to servers without a vote. */
  #voteRound = 0
  #candidate: Candidate = { zxid: 0n, peerEpoch: 0, state: 'whole' }
  /** Votes of this round, from servers that look for a leader or found one in it. */
  readonly #votes = new Map<number, Notification>()
  /** Votes of servers that have a leader, of any round. */
  readonly #outside = new Map<number, Notification>()
  /** Whether each voter has a history, as far as it has answered. Only for a fresh server. */
  readonly #histories = new Map<number, boolean>()
  #interval = 0
  #resendAt = Number.POSITIVE_INFINITY
  #settledAt = Number.POSITIVE_INFINITY
  #freshUntil = Number.POSITIVE_INFINITY

  constructor(sid: number, membership: Membership, times: ZabTimes) {
    this.#sid = sid
    this.#membership = membership
    this.#quorum = quorumOf(membership)
    this.#times = times
  }

  get #hasVote(): boolean {
    return this.#quorum.voters.includes(this.#sid)
  }

  /** Whether its own votes count, so that it gets the proposals of others. */
  get takesPart(): boolean {
    return this.#hasVote && this.#candidate.state === 'whole'
  }

  get isLooking(): boolean {
    return this.#state === 'looking'
  }

  /** How long a fresh server waits for the others before it votes, milliseconds. */
  get #patienceMs(): number {
    return this.#times.initLimit * this.#times.tickMs
  }

  get wakeAt(): number {
    return this.isLooking ? Math.min(this.#resendAt, this.#settledAt, this.#freshUntil) : Number.POSITIVE_INFINITY
  }

  /** Begins a new round. */
  look(now: number, candidate: Candidate, out: PeerOutput): number | undefined {
    this.#state = 'looking'
    this.#candidate = candidate
    this.round++
    this.#votes.clear()
    this.#outside.clear()
    this.#histories.clear()
    this.#interval = this.#times.notificationMs
    this.#freshUntil = this.#hasVote && candidate.state === 'fresh' ? now + this.#patienceMs : Number.POSITIVE_INFINITY
    this.#propose(now, this.#ownVote(), out)
    if (this.#quorum.voters.length === 1) this.#takePart(now, out)
    return this.#agreed(now)
  }

  /** A verdict is the sid of the server that will lead. */
  hear(now: number, from: number, heard: Notification, out: PeerOutput): number | undefined {
    const isVoter = this.#quorum.voters.includes(from)
    if (!isVoter) {
      out.notify(from, this.#notification(this.round))
      return dropped
    }
    if (!this.isLooking) {
      if (heard.state === 'looking') out.notify(from, this.#notification(this.#voteRound))
      return dropped
    }
    if (heard.state === 'looking' && heard.round < this.round) out.notify(from, this.#notification(this.round))
    this.#noteHistory(now, from, heard, out)
    if (heard.state === 'looking') this.#outside.delete(from)
    if (!this.#quorum.voters.includes(heard.leader)) return dropped
    switch (heard.state) {
      case 'looking':
        return this.#hearLooking(now, from, heard, out)
      case 'following':
      case 'leading':
        return this.#hearSettled(from, heard)
      case 'observing':
        return dropped
    }
  }

  timePassed(now: number, out: PeerOutput): number | undefined {
    if (!this.isLooking) return undefined
    if (now >= this.#freshUntil) {
      if (this.#hasHeardHistory()) this.#freshUntil = now + this.#patienceMs
      else this.#takePart(now, out)
    }
    if (now >= this.#settledAt) return this.#verdict(this.#vote.leader, this.round, this.#vote)
    if (now >= this.#resendAt) {
      this.#interval = Math.min(this.#interval * 2, this.#times.notificationMaxMs)
      this.#broadcast(now, out)
    }
    return this.#agreed(now)
  }

  /** The initial history of `epoch` is complete here: from now on the votes of all followers of its leader agree. */
  synchronized(epoch: number): void {
    this.#vote = { ...this.#vote, peerEpoch: epoch }
  }

  #ownVote(): Vote {
    if (!this.#hasVote) return emptyVote
    const { zxid, peerEpoch, state } = this.#candidate
    return { leader: this.#sid, zxid: state === 'whole' ? zxid : incomplete, peerEpoch }
  }

  #propose(now: number, vote: Vote, out: PeerOutput): void {
    this.#vote = vote
    this.#voteRound = this.round
    this.#settledAt = Number.POSITIVE_INFINITY
    this.#broadcast(now, out)
    if (this.takesPart) this.#votes.set(this.#sid, this.#notification(this.round))
  }

  #broadcast(now: number, out: PeerOutput): void {
    this.#resendAt = now + this.#interval
    const notification = this.#notification(this.round)
    for (const sid of this.#quorum.voters) if (sid !== this.#sid) out.notify(sid, notification)
  }

  #notification(round: number): Notification {
    return { state: this.#state, ...this.#vote, round, version: 2, config: this.#membership.text }
  }

  #hearLooking(now: number, from: number, heard: Notification, out: PeerOutput): number | undefined {
    if (!this.takesPart || heard.zxid === incomplete || heard.round < this.round) return dropped
    if (heard.round > this.round) {
      this.round = heard.round
      this.#votes.clear()
      const own = this.#ownVote()
      this.#propose(now, this.#isBetter(heard, own) ? voteOf(heard) : own, out)
    } else if (this.#isBetter(heard, this.#vote)) {
      this.#propose(now, voteOf(heard), out)
    }
    this.#votes.set(from, heard)
    return this.#agreed(now)
  }

  /**
   * A quorum has the vote that we propose: the election ends at once if all servers have it, otherwise after a time without a
   * better vote.
   */
  #agreed(now: number): number | undefined {
    if (!this.takesPart) return undefined
    const own = this.#notification(this.round)
    const same: number[] = []
    for (const [sid, vote] of this.#votes) if (vote.state === 'looking' && isSameVote(vote, own)) same.push(sid)
    if (!this.#quorum.has(same)) return undefined
    if (same.length === this.#quorum.voters.length) return this.#verdict(this.#vote.leader, this.round, this.#vote)
    if (this.#settledAt === Number.POSITIVE_INFINITY) this.#settledAt = now + this.#times.settleMs
    return undefined
  }

  #hearSettled(from: number, heard: Notification): number | undefined {
    if (heard.round === this.round && this.takesPart) {
      this.#votes.set(from, heard)
      if (this.#isFollowed(heard, this.#votes)) return this.#verdict(heard.leader, heard.round, voteOf(heard))
    }
    this.#outside.set(from, heard)
    return this.#isFollowed(heard, this.#outside) ? this.#verdict(heard.leader, heard.round, voteOf(heard)) : undefined
  }

  /**
   * A quorum says that it follows this leader, and the leader says that it leads. A server that looks, as this one does, completes the
   * quorum where it has the same vote in the same round: without that it would wait for a leader that waits for it, as another part of
   * the servers may wait for another one.
   */
  #isFollowed(heard: Notification, votes: ReadonlyMap<number, Notification>): boolean {
    const same: number[] = []
    for (const [sid, vote] of votes)
      if (vote.state === 'looking' ? isSameVote(vote, heard) : this.agree(vote, heard)) same.push(sid)
    if (!this.#quorum.has(same)) return false
    // My followers may know of a term that is over. In this round it can only be a term that I am about to begin.
    if (heard.leader === this.#sid) return heard.round === this.round && this.takesPart
    return votes.get(heard.leader)?.state === 'leading'
  }

  /** Whether two servers that have a leader have the same one. */
  agree(one: Notification, other: Notification): boolean {
    return isSameLeader(one, other)
  }

  #verdict(leader: number, round: number, vote: Vote): number {
    this.round = round
    this.#vote = vote
    this.#voteRound = round
    this.#state = leader === this.#sid ? 'leading' : this.#hasVote ? 'following' : 'observing'
    return leader
  }

  #isBetter(vote: Vote, than: Vote): boolean {
    return isBetter(vote, than, this.#quorum.weightOf)
  }

  /** A fresh server waits for others that have a history; it takes part when all have answered and none has one. */
  #noteHistory(now: number, from: number, { zxid, peerEpoch }: Notification, out: PeerOutput): void {
    if (this.#candidate.state !== 'fresh') return
    this.#histories.set(from, zxid > 0n || peerEpoch > 0)
    const isAll = this.#quorum.voters.every((sid) => sid === this.#sid || this.#histories.has(sid))
    if (isAll && !this.#hasHeardHistory()) this.#takePart(now, out)
  }

  #hasHeardHistory(): boolean {
    return [...this.#histories.values()].includes(true)
  }

  #takePart(now: number, out: PeerOutput): void {
    if (this.#candidate.state !== 'fresh' || !this.#hasVote) return
    this.#candidate = { ...this.#candidate, state: 'whole' }
    this.#freshUntil = Number.POSITIVE_INFINITY
    this.#propose(now, this.#ownVote(), out)
  }
}

function voteOf({ leader, zxid, peerEpoch }: Vote): Vote {
  return { leader, zxid, peerEpoch }
}
