/**
 * A leading server (`Leader.java`, `LearnerHandler.java`): a new epoch, a quorum that has its initial history, then proposals,
 * acknowledgements and commits, until it steps down.
 *
 * It is careful with learners: before NEWLEADER they get only committed transactions; between NEWLEADER and UPTODATE they get only
 * PING. Proposals of that time follow UPTODATE. So learners of all versions are spared their own bugs (ZOOKEEPER-4394, 4685).
 */
import {
  formatHex,
  intBytes,
  MalformedFrameError,
  makeZxid,
  parseIntBytes,
  parseLearnerInfo,
  type QuorumPacket,
  quorumProtocolVersion,
  zxidCounter,
  zxidEpoch,
} from '@lightkeeper/protocol'
import type { Membership } from '../config/membership.ts'
import { Broadcast } from './broadcast.ts'
import type { History } from './history.ts'
import type { ZabTimes } from './inputs.ts'
import type { CloseReason, PeerOutput } from './outputs.ts'
import { Progress } from './progress.ts'
import { type Quorum, quorumOf } from './quorum.ts'
import { planSync, type SyncPlan } from './sync-plan.ts'
import { incomplete } from './vote.ts'

/**
 * discovering: epochs are collected. promising: acceptedEpoch is being saved. electing: ACKEPOCHs are collected. beginning:
 * currentEpoch is being saved. synchronizing: ACKs of NEWLEADER are collected. applying: the initial history is committed and being
 * applied.
 */
export type LeaderState =
  | 'discovering'
  | 'promising'
  | 'electing'
  | 'beginning'
  | 'synchronizing'
  | 'applying'
  | 'broadcasting'

/** The last counter of an epoch; the next one would be that of Java's overflow check (ZOOKEEPER-1277). */
const counterMax = 0xffff_fffe
/** The last epoch; the zxids of the next one would be negative. */
const epochMax = 0x7fff_ffff

export class Leader {
  readonly #sid: number
  readonly #history: History
  readonly #times: ZabTimes
  readonly #membership: Membership
  readonly #acceptsUnlisted: boolean
  readonly #quorum: Quorum
  readonly #learners = new Map<number, Progress>()
  readonly broadcast: Broadcast
  state: LeaderState = 'discovering'
  epoch: number
  over: CloseReason | undefined
  /** (currentEpoch, last zxid) before this term. No counted learner may have more. */
  readonly #summary: { readonly currentEpoch: number; readonly zxid: bigint }
  /** The voters that sent their epoch, that acknowledged ours, that acknowledged NEWLEADER. */
  readonly #connected: number[] = []
  readonly #electing: number[] = []
  readonly #synchronized: number[] = []
  /** Voters that have more than this server. */
  readonly #ahead = new Set<number>()
  /** The last zxid of a PING to a learner with a rival. The answer has it too. No transaction has it, and no round of syncs. */
  #mark = 1n << 62n
  #phaseUntil: number
  #halfTickAt = Number.POSITIVE_INFINITY
  #isWholeTick = false

  constructor(
    now: number,
    sid: number,
    membership: Membership,
    history: History,
    times: ZabTimes,
    acceptsUnlisted: boolean,
  ) {
    this.#sid = sid
    this.#membership = membership
    this.#history = history
    this.#times = times
    this.#acceptsUnlisted = acceptsUnlisted
    this.#quorum = quorumOf(membership)
    this.broadcast = new Broadcast(sid, this.#quorum, history, this.#learners)
    this.#summary = { currentEpoch: history.currentEpoch, zxid: history.held.last }
    this.epoch = history.acceptedEpoch + 1
    this.#phaseUntil = this.#initLimitFrom(now)
  }

  get isServing(): boolean {
    return this.state === 'broadcasting'
  }

  /** By their links. */
  get learners(): ReadonlyMap<number, Progress> {
    return this.#learners
  }

  get wakeAt(): number {
    let at = Math.min(this.#phaseUntil, this.#halfTickAt)
    // During broadcast the half tick comes before every limit, and limits are checked then.
    if (this.#halfTickAt === Number.POSITIVE_INFINITY)
      for (const learner of this.#learners.values()) at = Math.min(at, learner.silentAt(this.#times))
    return at
  }

  begin(now: number, out: PeerOutput): void {
    out.listen(true)
    this.#connected.push(this.#sid)
    this.#chooseEpoch(now, out)
  }

  accepted(now: number, link: number): void {
    this.#learners.set(link, new Progress(link, now))
  }

  /** The quorum is not counted again before the next whole tick: a learner whose connection broke may have returned by then. */
  closed(now: number, link: number, out: PeerOutput): void {
    const learner = this.#learners.get(link)
    this.#learners.delete(link)
    if (learner === undefined) return
    // A learner that left may be about to follow another leader: this one must not begin with its promise.
    const at = learner.sid === undefined ? -1 : this.#synchronized.indexOf(learner.sid)
    if (at >= 0) this.#synchronized.splice(at, 1)
    const { rival } = learner
    learner.rival = undefined
    if (rival !== undefined && this.#learners.has(rival.learner.link) && this.over === undefined)
      this.#admit(now, rival.learner, rival.sid, rival.info, out)
  }

  timePassed(now: number, out: PeerOutput): void {
    if (now >= this.#phaseUntil) {
      this.#stepDown(`no quorum within ${this.#times.initLimit} ticks while ${this.state}`)
      return
    }
    for (const learner of this.#learners.values()) {
      const text = learner.lateness(now, this.#times)
      if (text !== undefined) this.#close(now, learner, { kind: 'silent', text }, out)
      else if (this.#givesWay(now, learner))
        this.#close(now, learner, { kind: 'replaced', text: `server ${learner.sid} connected again` }, out)
    }
    if (now < this.#halfTickAt) return
    this.#halfTickAt = now + this.#times.tickMs / 2
    this.#isWholeTick = !this.#isWholeTick
    if (this.#isWholeTick && this.isServing) this.checkQuorum(now)
    if (this.over !== undefined) return
    for (const learner of this.#learners.values())
      if (learner.hasAcknowledged || learner.state === 'synchronizing') this.#ping(now, learner, out)
    this.broadcast.halfTick(out)
  }

  packet(now: number, link: number, packet: QuorumPacket, out: PeerOutput): void {
    const learner = this.#learners.get(link)
    if (learner === undefined) return
    learner.heardAt = now
    const problem = learner.allows(packet.type)
      ? this.#take(now, learner, packet, out)
      : `${packet.type} while ${learner.state}`
    if (problem !== undefined) this.#close(now, learner, { kind: 'illegal', text: problem }, out)
  }

  /** The disk has reported, or something was applied: continues what waited for it. */
  advance(now: number, out: PeerOutput): void {
    if (this.state === 'promising' && this.#history.acceptedEpoch === this.epoch) this.#elect(now, out)
    if (this.state === 'beginning' && this.#history.currentEpoch === this.epoch) this.#synchronize(now, out)
    if (this.state === 'applying' && this.#history.applied >= this.#history.held.last) this.#broadcast(now, out)
    if (this.isServing) this.broadcast.acknowledgeOwn(out)
  }

  propose(now: number, zxid: bigint, payload: Uint8Array, out: PeerOutput): void {
    // A transaction of a term that has ended, or of one that does not serve yet.
    if (zxidEpoch(zxid) !== this.epoch || !this.isServing) return
    if (zxidCounter(zxid) > counterMax) {
      this.#stepDown('the counter of this epoch is used up, a new epoch is needed')
      return
    }
    this.broadcast.propose(now, zxid, payload, out)
  }

  /** Answered by SYNC, or by `synced` for a client of this server. */
  sync(link: number | undefined, out: PeerOutput): void {
    const isUp = link === undefined || this.#learners.get(link)?.state === 'up'
    if (this.isServing && isUp) this.broadcast.sync(link, out)
  }

  /** The answer to REVALIDATE, for example, in its place among proposals and commits. */
  answer(link: number, packet: QuorumPacket, out: PeerOutput): void {
    if (this.#learners.get(link)?.state === 'up') out.send(link, packet)
  }

  /** The whole image is under way. What it may include too early comes again after it, and then NEWLEADER (ZOOKEEPER-3104). */
  imageSent(now: number, link: number, out: PeerOutput): void {
    const learner = this.#learners.get(link)
    if (learner?.state === 'imaging') this.#sendRest(now, learner, learner.sentTo, out)
  }

  #take(now: number, learner: Progress, packet: QuorumPacket, out: PeerOutput): string | undefined {
    switch (packet.type) {
      case 'FOLLOWERINFO':
      case 'OBSERVERINFO':
        return this.#inform(now, learner, packet, out)
      case 'ACKEPOCH':
        return this.#epochAcknowledged(now, learner, packet, out)
      case 'ACK':
        return this.#acknowledged(now, learner, packet.zxid, out)
      case 'PING':
        this.#lives(now, learner, packet.zxid, out)
        if (this.isServing) this.broadcast.pinged(learner, packet.zxid, out)
        out.fromLearner(learner.link, learner.sid as number, packet)
        return undefined
      default:
        out.fromLearner(learner.link, learner.sid as number, packet)
        return undefined
    }
  }

  // Discovery

  #inform(now: number, learner: Progress, packet: QuorumPacket, out: PeerOutput): string | undefined {
    const info = readable(() => parseLearnerInfo(packet.data))
    if (info === undefined) return 'a learner that does not say who it is'
    if (info.protocolVersion < quorumProtocolVersion) return `protocol version ${info.protocolVersion}`
    if (info.configVersion > this.#membership.version) return `a configuration of the future, ${info.configVersion}`
    // All servers save the epoch of their leader for ever: the file of one of them must not use up all epochs.
    const accepted = zxidEpoch(packet.zxid)
    if (accepted >= epochMax) return `server ${info.sid} accepted epoch ${accepted}, and there is none behind it`
    const isVoter = this.#quorum.voters.includes(info.sid)
    if (!isVoter && !this.#membership.observers.includes(info.sid) && !this.#acceptsUnlisted) {
      this.#close(now, learner, { kind: 'unlisted', text: `server ${info.sid} is not in the configuration` }, out)
      return undefined
    }
    if (info.sid === this.#sid) return `another server says it is ${this.#sid}`
    for (const other of this.#learners.values()) {
      if (other.sid !== info.sid) continue
      this.#challenge(now, other, learner, info.sid, packet, out)
      return undefined
    }
    this.#admit(now, learner, info.sid, packet, out)
    return undefined
  }

  /**
   * A learner that was restarted comes again before this server knows that its old connection is over. But anybody may say that he is a
   * certain learner, and that must not end the connection of the one that lives. So that one is asked. The newest rival counts.
   */
  #challenge(now: number, learner: Progress, rival: Progress, sid: number, info: QuorumPacket, out: PeerOutput): void {
    const { rival: before } = learner
    const mark = before?.mark ?? ++this.#mark
    learner.rival = { learner: rival, sid, info, mark, askedAt: before?.askedAt }
    rival.enter('rival', now)
    if (before !== undefined) this.#close(now, before.learner, { kind: 'rival', text: `server ${sid} came again` }, out)
    if (learner.rival.askedAt === undefined && learner.state === 'up') this.#ping(now, learner, out)
  }

  /** One that does not answer is dead, or may as well be. One that is not up need not answer a PING, and has other limits. */
  #givesWay(now: number, { rival }: Progress): boolean {
    if (rival?.askedAt === undefined || !this.#learners.has(rival.learner.link)) return false
    return now - rival.askedAt >= this.#times.tickMs
  }

  #lives(now: number, learner: Progress, zxid: bigint, out: PeerOutput): void {
    const { rival } = learner
    if (rival === undefined || zxid !== rival.mark) return
    learner.rival = undefined
    const text = `server ${rival.sid} is there already, and answers`
    this.#close(now, rival.learner, { kind: 'rival', text }, out)
  }

  #ping(now: number, { link, state, rival }: Progress, out: PeerOutput): void {
    let zxid = this.broadcast.lastProposed
    if (rival !== undefined && state === 'up') {
      rival.askedAt ??= now
      zxid = rival.mark
    }
    out.send(link, { type: 'PING', zxid, data: null, authinfo: null })
  }

  #admit(now: number, learner: Progress, sid: number, { type, zxid }: QuorumPacket, out: PeerOutput): void {
    learner.sid = sid
    learner.isObserver = type === 'OBSERVERINFO'
    learner.isVoter = this.#quorum.voters.includes(sid) && !learner.isObserver
    learner.enter('informed', now)
    if (this.state !== 'discovering') {
      // It promised a higher epoch to a leader that failed, and could never join this epoch.
      if (this.mustMakeRoom(learner, zxidEpoch(zxid)))
        this.#stepDown(`server ${sid} accepted epoch ${zxidEpoch(zxid)}, a newer one is needed`)
      else if (this.state !== 'promising') this.#offer(now, learner, out)
      return
    }
    this.epoch = Math.max(this.epoch, zxidEpoch(zxid) + 1)
    if (learner.isVoter) addTo(this.#connected, sid)
    this.#chooseEpoch(now, out)
  }

  mustMakeRoom({ isVoter }: Progress, acceptedEpoch: number): boolean {
    return isVoter && acceptedEpoch > this.epoch
  }

  #chooseEpoch(now: number, out: PeerOutput): void {
    if (!this.#quorum.has(this.#connected)) return
    this.state = 'promising'
    this.#phaseUntil = this.#initLimitFrom(now)
    this.#history.saveEpochs(this.epoch, this.#history.currentEpoch, out)
  }

  #elect(now: number, out: PeerOutput): void {
    this.state = 'electing'
    this.#phaseUntil = this.#initLimitFrom(now)
    this.#electing.push(this.#sid)
    for (const learner of this.#learners.values()) if (learner.state === 'informed') this.#offer(now, learner, out)
    this.#beginIfElected(now, out)
  }

  #offer(now: number, learner: Progress, out: PeerOutput): void {
    learner.enter('offered', now)
    const data = intBytes(quorumProtocolVersion)
    out.send(learner.link, { type: 'LEADERINFO', zxid: makeZxid(this.epoch, 0), data, authinfo: null })
  }

  #epochAcknowledged(
    now: number,
    learner: Progress,
    { zxid, data }: QuorumPacket,
    out: PeerOutput,
  ): string | undefined {
    const currentEpoch = readable(() => parseIntBytes(data))
    if (currentEpoch === undefined) return 'ACKEPOCH without an epoch'
    learner.zxid = zxid
    if (this.state === 'electing' && currentEpoch !== -1 && zxid !== incomplete) {
      if (this.isAhead(currentEpoch, zxid)) return this.#giveWay(now, learner, currentEpoch, out)
      if (learner.isVoter) addTo(this.#electing, learner.sid as number)
    }
    learner.enter('ready', now)
    if (this.state === 'electing') this.#beginIfElected(now, out)
    else if (this.state !== 'beginning') this.#plan(now, learner, out)
    return undefined
  }

  isAhead(currentEpoch: number, zxid: bigint): boolean {
    const own = this.#summary
    return currentEpoch > own.currentEpoch || (currentEpoch === own.currentEpoch && zxid > own.zxid)
  }

  /**
   * A voter that has more must not be led from here. When no quorum is left without such voters, another election is due at once.
   */
  #giveWay(now: number, learner: Progress, currentEpoch: number, out: PeerOutput): undefined {
    const text = `server ${learner.sid} has more: epoch ${currentEpoch}, ${formatHex(learner.zxid)}`
    if (learner.isVoter) this.#ahead.add(learner.sid as number)
    this.#close(now, learner, { kind: 'ahead', text }, out)
    if (!this.#quorum.has(this.#quorum.voters.filter((sid) => !this.#ahead.has(sid)))) this.#stepDown(text)
  }

  #beginIfElected(now: number, out: PeerOutput): void {
    if (!this.#quorum.has(this.#electing)) return
    this.state = 'beginning'
    this.#phaseUntil = this.#initLimitFrom(now)
    this.#history.saveEpochs(this.epoch, this.epoch, out)
  }

  // Synchronization

  #synchronize(now: number, out: PeerOutput): void {
    this.state = 'synchronizing'
    this.#phaseUntil = this.#initLimitFrom(now)
    this.#halfTickAt = now + this.#times.tickMs / 2
    this.broadcast.begin(this.epoch)
    this.#synchronized.push(this.#sid)
    for (const learner of [...this.#learners.values()]) if (learner.state === 'ready') this.#plan(now, learner, out)
    this.#commitInitialHistory(now, out)
  }

  #planFor(learner: Progress): SyncPlan {
    const knows = (epoch: number): boolean => epoch <= this.#summary.currentEpoch || epoch === this.epoch
    return planSync(learner.zxid, this.#history.held, this.broadcast.lastCommitted, knows)
  }

  #plan(now: number, learner: Progress, out: PeerOutput): void {
    if (learner.isVoter) this.broadcast.retract(learner.sid as number)
    const plan = this.#planFor(learner)
    if (plan.kind === 'snap') {
      const { applied } = this.#history
      learner.enter('imaging', now)
      learner.sentTo = applied
      out.send(learner.link, { type: 'SNAP', zxid: applied, data: null, authinfo: null })
      out.sendImage(learner.link, applied)
      return
    }
    const [type, zxid] =
      plan.kind === 'diff' ? (['DIFF', this.broadcast.lastCommitted] as const) : (['TRUNC', plan.after] as const)
    out.send(learner.link, { type, zxid, data: null, authinfo: null })
    this.#sendRest(now, learner, plan.after, out)
  }

  /** Sends what is committed after the base of this learner, and NEWLEADER. */
  #sendRest(now: number, learner: Progress, after: bigint, out: PeerOutput): void {
    const { lastCommitted } = this.broadcast
    if (after < lastCommitted) out.sendHistory(learner.link, after, lastCommitted, 'pairs')
    learner.sentTo = lastCommitted
    learner.enter('synchronizing', now)
    out.send(learner.link, {
      type: 'NEWLEADER',
      zxid: makeZxid(this.epoch, 0),
      data: this.#membership.text,
      authinfo: null,
    })
  }

  /** With a quorum for it the initial history is committed: that of this leader, whatever other leaders have tried. */
  #commitInitialHistory(now: number, out: PeerOutput): void {
    if (!this.#quorum.has(this.#synchronized)) return
    this.state = 'applying'
    this.#phaseUntil = Number.POSITIVE_INFINITY
    this.#history.commit(this.broadcast.lastCommitted, out)
    this.advance(now, out)
  }

  #broadcast(now: number, out: PeerOutput): void {
    this.state = 'broadcasting'
    out.serve('leading', this.epoch)
    for (const learner of this.#learners.values())
      if (learner.state === 'acknowledged') this.broadcast.bringUp(now, learner, out)
  }

  #acknowledged(now: number, learner: Progress, zxid: bigint, out: PeerOutput): string | undefined {
    if (learner.state === 'synchronizing' && zxid === makeZxid(this.epoch, 0)) {
      learner.enter('acknowledged', now)
      if (this.isServing) this.broadcast.bringUp(now, learner, out)
      else if (learner.isVoter) {
        addTo(this.#synchronized, learner.sid as number)
        if (this.state === 'synchronizing') this.#commitInitialHistory(now, out)
      }
      return undefined
    }
    if (zxidCounter(zxid) === 0) return undefined
    return this.broadcast.acknowledged(now, learner, zxid, out)
  }

  /** A leader that hears no quorum may have been replaced. */
  checkQuorum(now: number): void {
    const heard = [this.#sid]
    const { syncLimit, tickMs } = this.#times
    for (const { isVoter, hasAcknowledged, heardAt, sid } of this.#learners.values())
      if (isVoter && hasAcknowledged && now - heardAt <= syncLimit * tickMs) addTo(heard, sid as number)
    if (!this.#quorum.has(heard)) this.#stepDown(`of the voters only ${heard.join(', ')} are heard`)
  }

  // Limits

  #initLimitFrom(now: number): number {
    return now + this.#times.initLimit * this.#times.tickMs
  }

  #close(now: number, learner: Progress, why: CloseReason, out: PeerOutput): void {
    out.close(learner.link, why)
    this.closed(now, learner.link, out)
  }

  #stepDown(text: string): void {
    this.over ??= { kind: 'term over', text }
  }
}

function addTo(sids: number[], sid: number): void {
  if (!sids.includes(sid)) sids.push(sid)
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedFrameError) return undefined
    throw error
  }
}
