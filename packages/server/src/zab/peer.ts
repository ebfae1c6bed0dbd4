/**
 * One member of an ensemble: looking → following, observing or leading → looking. Owns history, epochs and the number of the term.
 * A term begins only when the disk has no work under way, and its links and dials belong to it, so nothing of an old term gets into
 * a new one (ZOOKEEPER-4541, 4712).
 *
 * Pure: no clock, link, disk or promise. `step` takes what happened and calls what must be done.
 */
import { type Notification, zxidEpoch } from '@lightkeeper/protocol'
import type { Membership } from '../config/membership.ts'
import { Election } from './election.ts'
import { History } from './history.ts'
import { type DiskInput, defaultTimes, type PeerInput, type Recovered, type ZabTimes } from './inputs.ts'
import { Leader } from './leader.ts'
import { Learner } from './learner.ts'
import type { CloseReason, PeerOutput } from './outputs.ts'

export interface PeerOptions {
  readonly sid: number
  readonly membership: Membership
  readonly times?: ZabTimes
  /** Whether a leader serves observers that are not in the configuration, as Apache's does. Default: no. */
  readonly acceptsUnlisted?: boolean
}

/** settling: the disk still works for the last term. failed: it failed; this server takes no part until it is restarted. */
type State = 'settling' | 'looking' | 'learning' | 'leading' | 'failed'

export class Peer {
  readonly #options: PeerOptions
  readonly #times: ZabTimes
  readonly #election: Election
  readonly history: History
  readonly #isFresh: boolean
  #state: State = 'settling'
  #learner: Learner | undefined
  #leader: Leader | undefined
  #term = 0
  #isServing = false
  /** The leader that was not left for good: it is asked again, for everything. */
  #again: number | undefined
  /** Newest notification of each server while the disk settles. */
  readonly #early = new Map<number, Notification>()
  #wakeAt = Number.POSITIVE_INFINITY

  constructor(options: PeerOptions, recovered: Recovered) {
    this.#options = options
    this.#times = options.times ?? defaultTimes
    this.#election = new Election(options.sid, options.membership, this.#times)
    this.history = new History(recovered)
    this.#isFresh = recovered.state === 'fresh'
  }

  get state(): State {
    return this.#state
  }

  get leader(): Leader | undefined {
    return this.#leader
  }

  get learner(): Learner | undefined {
    return this.#learner
  }

  start(now: number, out: PeerOutput): void {
    this.#lookWhenQuiet(now, out)
    this.#askToWake(out)
  }

  step(now: number, input: PeerInput, out: PeerOutput): void {
    if (this.#state === 'failed') return
    this.#take(now, input, out)
    this.#noticeTerm(now, out)
    this.#askToWake(out)
  }

  #take(now: number, input: PeerInput, out: PeerOutput): void {
    switch (input.kind) {
      case 'timePassed':
        this.#wakeAt = Number.POSITIVE_INFINITY
        this.#leader?.timePassed(now, out)
        this.#learner?.timePassed(now)
        this.#decide(now, this.#election.timePassed(now, out), out)
        return
      case 'notification':
        if (this.#state === 'settling') this.#early.set(input.from, input.notification)
        else this.#decide(now, this.#election.hear(now, input.from, input.notification, out), out)
        return
      case 'linkOpened':
        if (this.#learner?.state === 'connecting' && input.attempt === this.#term)
          this.#learner.opened(now, input.link, out)
        else out.close(input.link, { kind: 'late', text: 'the term of this dial is over' })
        return
      case 'dialFailed':
        if (input.attempt === this.#term) this.#learner?.closed()
        return
      case 'linkAccepted':
        if (this.#leader !== undefined) this.#leader.accepted(now, input.link)
        else out.close(input.link, { kind: 'late', text: 'this server does not lead' })
        return
      case 'linkClosed':
        this.#leader?.closed(now, input.link, out)
        if (this.#learner?.link === input.link) this.#learner.closed()
        return
      case 'packet':
        this.#leader?.packet(now, input.link, input.packet, out)
        if (this.#learner?.link === input.link) this.#learner.packet(now, input.packet, out)
        return
      case 'imageSent':
        this.#leader?.imageSent(now, input.link, out)
        return
      case 'imageGrew':
        if (this.#learner?.link === input.link) this.#learner.imageGrew(now)
        return
      case 'applied':
        this.history.noteApplied(input.zxid)
        this.#advance(now, out)
        return
      case 'purged':
        this.history.held.purge(input.zxid)
        return
      case 'propose':
        this.#leader?.propose(now, input.zxid, input.payload, out)
        return
      case 'sync':
        this.#leader?.sync(input.link, out)
        return
      case 'answer':
        this.#leader?.answer(input.link, input.packet, out)
        return
      case 'forward':
        if (this.#learner?.state === 'serving') out.send(this.#learner.link as number, input.packet)
        return
      default:
        this.#takeFromDisk(now, input, out)
    }
  }

  #takeFromDisk(now: number, input: DiskInput, out: PeerOutput): void {
    const isOfImage = input.kind === 'imageReceived'
    if (isOfImage && (this.#learner?.link !== input.link || this.#learner.state !== 'receiving')) return
    this.history.report(input, out)
    if (isOfImage) this.#learner?.imageReceived(now)
    if (input.kind === 'notTruncated') this.#learner?.notTruncated()
    this.#advance(now, out)
  }

  #advance(now: number, out: PeerOutput): void {
    this.#leader?.advance(now, out)
    this.#learner?.advance(now, out)
    if (this.#state === 'settling') this.#lookWhenQuiet(now, out)
  }

  #noticeTerm(now: number, out: PeerOutput): void {
    if (this.history.isFailed) {
      this.#endTerm({ kind: 'term over', text: 'the disk failed' }, out)
      this.#state = 'failed'
      return
    }
    const over = this.#leader?.over ?? this.#learner?.over
    if (over !== undefined) {
      const isFirst = this.history.isUncuttable && this.#learner?.needsEverything === false
      this.#again = isFirst ? this.#learner?.leader : undefined
      this.#endTerm(over, out)
      this.#lookWhenQuiet(now, out)
      return
    }
    const serving = this.#leader?.isServing === true || this.#learner?.state === 'serving'
    if (!serving || this.#isServing) return
    this.#isServing = true
    this.#election.synchronized((this.#leader ?? this.#learner)?.epoch as number)
  }

  #endTerm(why: CloseReason, out: PeerOutput): void {
    if (this.#leader !== undefined) {
      out.listen(false)
      for (const link of this.#leader.learners.keys()) out.close(link, { ...why, kind: 'term over' })
    }
    if (this.#learner !== undefined) {
      if (this.#learner.link !== undefined) out.close(this.#learner.link, why)
      if (this.#learner.state === 'receiving' || this.history.hasImage) this.history.discardImage(out)
    }
    this.#leader = undefined
    this.#learner = undefined
    this.#isServing = false
    this.#state = 'settling'
    out.stopServing(why.text)
  }

  /** All reports of disk work for an old term have arrived, so this server votes with what it really has. */
  #lookWhenQuiet(now: number, out: PeerOutput): void {
    const { history } = this
    if (!history.isQuiet) return
    const epoch = zxidEpoch(history.held.last)
    if (epoch > history.currentEpoch) {
      // The process or the leader died between the history and its epoch. A log with a transaction of an epoch includes the initial
      // history of that epoch.
      if (epoch <= history.acceptedEpoch) {
        history.saveEpochs(history.acceptedEpoch, epoch, out)
        return
      }
      history.isIncomplete = true
    }
    this.#term++
    if (this.#again !== undefined) {
      // No election: the leader is there, and may need this server for its quorum.
      this.#learnFrom(now, this.#again, out)
      this.#hearEarly(now, out)
      return
    }
    history.isUncuttable = false
    this.#state = 'looking'
    const state = !history.isIncomplete ? 'whole' : this.#isFresh && history.held.last === 0n ? 'fresh' : 'abstains'
    const candidate = { zxid: history.held.last, peerEpoch: history.currentEpoch, state } as const
    this.#decide(now, this.#election.look(now, candidate, out), out)
    this.#hearEarly(now, out)
  }

  #hearEarly(now: number, out: PeerOutput): void {
    const early = [...this.#early]
    this.#early.clear()
    for (const [from, notification] of early) this.#decide(now, this.#election.hear(now, from, notification, out), out)
  }

  #decide(now: number, leader: number | undefined, out: PeerOutput): void {
    if (this.#state !== 'looking') return
    if (this.#election.takesPart) this.history.isIncomplete = false
    if (leader === undefined) return
    const { sid, membership, acceptsUnlisted = false } = this.#options
    if (leader === sid) {
      this.#state = 'leading'
      this.#leader = new Leader(now, sid, membership, this.history, this.#times, acceptsUnlisted)
      this.#leader.begin(now, out)
      return
    }
    this.#learnFrom(now, leader, out)
  }

  #learnFrom(now: number, leader: number, out: PeerOutput): void {
    const { sid, membership } = this.#options
    this.#again = undefined
    this.#state = 'learning'
    const isObserver = !membership.voters.some((voter) => voter.sid === sid)
    this.#learner = new Learner(now, sid, leader, isObserver, this.history, this.#times, membership.version)
    out.dial(leader, this.#term)
  }

  #askToWake(out: PeerOutput): void {
    const at = Math.min(
      this.#election.wakeAt,
      this.#leader?.wakeAt ?? Number.POSITIVE_INFINITY,
      this.#learner?.wakeAt ?? Number.POSITIVE_INFINITY,
    )
    if (at >= this.#wakeAt) return
    this.#wakeAt = at
    out.wakeAt(at)
  }
}
