/**
 * Handshake and synchronization, the same for follower and observer (`Learner.java`). Only this file answers LEADERINFO and
 * NEWLEADER.
 *
 * Each answer waits for the disk: acceptedEpoch before ACKEPOCH; the whole history and then currentEpoch before ACK of NEWLEADER
 * (ZOOKEEPER-2678, 3023, 3911, 4643, 4646, 4785). Nothing is applied before UPTODATE: until then a COMMIT comes from a leader that
 * may still fail.
 */
import {
  formatHex,
  intBytes,
  learnerInfoBytes,
  makeZxid,
  parseIntBytes,
  type QuorumPacket,
  type QuorumPacketName,
  zxidEpoch,
} from '@lightkeeper/protocol'
import { Follower } from './follower.ts'
import type { History } from './history.ts'
import type { ZabTimes } from './inputs.ts'
import { Observer } from './observer.ts'
import type { CloseReason, PeerOutput } from './outputs.ts'
import { incomplete } from './vote.ts'

/**
 * connecting: the dial is under way. discovery: it waits for LEADERINFO. promising: acceptedEpoch is being saved. base: it waits
 * for DIFF, TRUNC or SNAP. receiving: the image is under way. catchingUp: history comes, then NEWLEADER. acknowledging: the history
 * is being made durable, then currentEpoch. waiting: it waits for UPTODATE. applying: what UPTODATE committed is being applied.
 * serving: the term has begun.
 */
export type LearnerState =
  | 'connecting'
  | 'discovery'
  | 'promising'
  | 'base'
  | 'receiving'
  | 'catchingUp'
  | 'acknowledging'
  | 'waiting'
  | 'applying'
  | 'serving'

type Verdict = 'take' | 'drop' | 'illegal'

const noPayload = new Uint8Array(0)

/** What a leader may send, and when. */
const illegal = { discovery: 'illegal', base: 'illegal', sync: 'illegal', acked: 'illegal', live: 'illegal' } as const
const history = { ...illegal, sync: 'take', acked: 'take', live: 'take' } as const
const legal: Readonly<Record<QuorumPacketName, Readonly<Record<keyof typeof illegal, Verdict>>>> = {
  LEADERINFO: { ...illegal, discovery: 'take' },
  DIFF: { ...illegal, base: 'take' },
  TRUNC: { ...illegal, base: 'take' },
  SNAP: { ...illegal, base: 'take' },
  PROPOSAL: history,
  COMMIT: history,
  INFORM: history,
  NEWLEADER: { ...illegal, sync: 'take' },
  UPTODATE: { ...illegal, acked: 'take' },
  // Apache's learners do not answer one before they serve; they must send nothing between ACKEPOCH and ACK of NEWLEADER.
  PING: { discovery: 'illegal', base: 'drop', sync: 'drop', acked: 'take', live: 'take' },
  SYNC: { ...illegal, live: 'take' },
  REVALIDATE: { ...illegal, live: 'take' },
  // The ensemble is being reconfigured; the configuration of this server says that this never happens.
  COMMITANDACTIVATE: illegal,
  INFORMANDACTIVATE: illegal,
  REQUEST: illegal,
  ACK: illegal,
  FOLLOWERINFO: illegal,
  OBSERVERINFO: illegal,
  ACKEPOCH: illegal,
}

const columns: Readonly<Record<LearnerState, keyof typeof illegal | undefined>> = {
  connecting: undefined,
  discovery: 'discovery',
  promising: undefined,
  base: 'base',
  receiving: undefined,
  catchingUp: 'sync',
  acknowledging: 'sync',
  waiting: 'acked',
  applying: 'live',
  serving: 'live',
}

/** The differences between follower and observer. */
export interface LearnerRole {
  /** A committed history up to `zxid` was the base of the synchronization. */
  begin(zxid: bigint): void
  /** Each of these returns what is wrong with the packet, or undefined. */
  proposal(zxid: bigint, payload: Uint8Array, out: PeerOutput): string | undefined
  commit(zxid: bigint, out: PeerOutput): string | undefined
  inform(zxid: bigint, payload: Uint8Array, out: PeerOutput): string | undefined
  /** ACK of NEWLEADER was sent. */
  acknowledged(link: number, out: PeerOutput): void
  /** UPTODATE has come. Returns what is committed now. */
  upToDate(out: PeerOutput): bigint
  /** More may be durable. */
  durable(link: number, out: PeerOutput): void
}

export class Learner {
  readonly leader: number
  /** Whether this server asks for everything. */
  readonly needsEverything: boolean
  readonly #sid: number
  /** A leader whose configuration is older refuses this member, as Apache's does. */
  readonly #configVersion: bigint
  readonly #history: History
  readonly #times: ZabTimes
  readonly #isObserver: boolean
  readonly #role: LearnerRole
  state: LearnerState = 'connecting'
  link: number | undefined
  /** Epoch of the leader, from LEADERINFO on. */
  epoch = 0
  /** Why this term has ended. */
  over: CloseReason | undefined
  #heardAt: number
  /** The zxid of the image, where one came. */
  #imageZxid = -1n
  /** NEWLEADER was the last packet of the history; it does not wait for later ones. */
  #isSavingCurrent = false
  #committed = 0n

  /** `configVersion` is that of the members, 0 where nobody has given them one. */
  constructor(
    now: number,
    sid: number,
    leader: number,
    isObserver: boolean,
    history: History,
    times: ZabTimes,
    configVersion = 0n,
  ) {
    this.#sid = sid
    this.#configVersion = configVersion
    this.leader = leader
    this.needsEverything = history.needsEverything
    this.#isObserver = isObserver
    this.#history = history
    this.#times = times
    this.#role = isObserver ? new Observer(history) : new Follower(history)
    this.#heardAt = now
  }

  get wakeAt(): number {
    return this.#heardAt + this.#silenceMax
  }

  get #silenceMax(): number {
    const column = columns[this.state]
    const ticks = column === 'acked' || column === 'live' ? this.#times.syncLimit : this.#times.initLimit
    return ticks * this.#times.tickMs
  }

  timePassed(now: number): void {
    if (now >= this.wakeAt) this.#leave('silent', `no word from server ${this.leader} for ${this.#silenceMax} ms`)
  }

  opened(now: number, link: number, out: PeerOutput): void {
    this.link = link
    this.#heardAt = now
    this.state = 'discovery'
    out.send(link, {
      type: this.#isObserver ? 'OBSERVERINFO' : 'FOLLOWERINFO',
      zxid: makeZxid(this.#history.acceptedEpoch, 0),
      data: learnerInfoBytes(this.#sid, this.#configVersion),
      authinfo: null,
    })
  }

  closed(): void {
    this.#leave('term over', `server ${this.leader} closed the connection, or does not lead`)
  }

  packet(now: number, packet: QuorumPacket, out: PeerOutput): void {
    this.#heardAt = now
    const column = columns[this.state]
    const verdict = column === undefined ? 'illegal' : legal[packet.type][column]
    if (verdict === 'drop') return
    if (verdict === 'illegal') {
      this.#leave('illegal', `${packet.type} while ${this.state}`)
      return
    }
    const problem = this.#take(now, packet, out)
    if (problem !== undefined) this.#leave('illegal', problem)
  }

  /** The disk has reported, or something was applied: continues what waited for it. */
  advance(now: number, out: PeerOutput): void {
    if (this.link === undefined || this.over !== undefined) return
    if (this.state === 'promising' && this.#history.acceptedEpoch === this.epoch) this.#acknowledgeEpoch(now, out, true)
    if (this.state === 'acknowledging') this.#acknowledgeLeader(now, out)
    if (this.state === 'applying' && this.#history.applied >= this.#committed) {
      this.state = 'serving'
      out.serve(this.#isObserver ? 'observing' : 'following', this.epoch)
    }
    this.#role.durable(this.link, out)
  }

  /** The disk could not cut the log. */
  notTruncated(): void {
    this.#needsImage('the log cannot be cut')
  }

  /** A large image takes longer than the silence that is allowed. */
  imageGrew(now: number): void {
    if (this.state === 'receiving') this.#heardAt = now
  }

  imageReceived(now: number): void {
    if (this.state !== 'receiving') return
    this.#heardAt = now
    this.#role.begin(this.#history.log.base)
    this.state = 'catchingUp'
  }

  #take(now: number, packet: QuorumPacket, out: PeerOutput): string | undefined {
    const { zxid, data } = packet
    const payload = data ?? noPayload
    if (this.#isInImage(packet)) return undefined
    switch (packet.type) {
      case 'LEADERINFO':
        return this.#promise(now, packet, out)
      case 'DIFF':
        return this.#diff()
      case 'TRUNC':
        return this.#truncate(zxid, out)
      case 'SNAP':
        this.state = 'receiving'
        this.#imageZxid = zxid
        out.receiveImage(this.link as number, zxid)
        return undefined
      case 'PROPOSAL':
        return this.#role.proposal(zxid, payload, out)
      case 'COMMIT':
        return this.#role.commit(zxid, out)
      case 'INFORM':
        return this.#role.inform(zxid, payload, out)
      case 'NEWLEADER':
        return this.#newLeader(now, zxid, out)
      case 'UPTODATE':
        return this.#upToDate(now, out)
      case 'PING':
        out.answerPing(this.link as number, zxid)
        return undefined
      default:
        out.fromLeader(packet)
        return undefined
    }
  }

  /**
   * A leader of Apache begins to pass on transactions before it reads the zxid of its image. What it has applied in between comes behind
   * the image, which has it (LearnerHandler.java: run).
   */
  #isInImage({ type, zxid }: QuorumPacket): boolean {
    const isHistory = type === 'PROPOSAL' || type === 'COMMIT' || type === 'INFORM'
    return isHistory && this.state === 'catchingUp' && zxid <= this.#imageZxid
  }

  #promise(now: number, { zxid, data }: QuorumPacket, out: PeerOutput): string | undefined {
    this.epoch = zxidEpoch(zxid)
    if (data === null || data.length < 4) return 'LEADERINFO without a protocol version'
    if (parseIntBytes(data) !== 0x1_0000) return `protocol version ${parseIntBytes(data)}`
    const { acceptedEpoch, currentEpoch, needsEverything } = this.#history
    if (this.epoch < acceptedEpoch) {
      this.#leave('behind', `epoch ${this.epoch} of server ${this.leader} is over, ${acceptedEpoch} was accepted`)
      return undefined
    }
    // A server that lost something promises nothing, since its ACKEPOCH does not count. Nothing is saved either: an empty directory with
    // an epoch is that of a new ensemble, whose server has a vote after a restart.
    if (this.epoch === acceptedEpoch || needsEverything) this.#acknowledgeEpoch(now, out, false)
    else {
      this.state = 'promising'
      this.#history.saveEpochs(this.epoch, currentEpoch, out)
    }
    return undefined
  }

  /** A promise counts once: a second leader of the same epoch must not count this server again. */
  #acknowledgeEpoch(now: number, out: PeerOutput, isFirst: boolean): void {
    const { needsEverything, held } = this.#history
    this.#heardAt = now
    this.state = 'base'
    out.send(this.link as number, {
      type: 'ACKEPOCH',
      zxid: needsEverything ? incomplete : held.last,
      data: intBytes(this.epochToAcknowledge(isFirst)),
      authinfo: null,
    })
  }

  epochToAcknowledge(isFirst: boolean): number {
    return isFirst && !this.#history.needsEverything ? this.#history.currentEpoch : -1
  }

  #diff(): string | undefined {
    if (this.#history.needsEverything) return 'DIFF for a server that needs everything'
    this.#role.begin(this.#history.held.last)
    this.state = 'catchingUp'
    return undefined
  }

  #truncate(zxid: bigint, out: PeerOutput): string | undefined {
    const { committed, seen, held, needsEverything } = this.#history
    if (needsEverything) return 'TRUNC for a server that needs everything'
    if (zxid < seen) return `TRUNC to ${formatHex(zxid)}, but ${formatHex(seen)} is committed`
    if (zxid < committed || !held.has(zxid)) {
      this.#needsImage(`the log cannot go back to ${formatHex(zxid)}`)
      return undefined
    }
    this.#history.truncate(zxid, out)
    this.#role.begin(zxid)
    this.state = 'catchingUp'
    return undefined
  }

  /** The history is whole, but cannot be cut as the leader asks: it needs a whole copy. */
  #needsImage(why: string): void {
    this.#history.isUncuttable = true
    this.#leave('behind', `${why}; everything is asked for`)
  }

  #newLeader(now: number, zxid: bigint, out: PeerOutput): string | undefined {
    if (this.state !== 'catchingUp') return 'NEWLEADER twice'
    if (zxid !== makeZxid(this.epoch, 0)) return `NEWLEADER ${formatHex(zxid)} in epoch ${this.epoch}`
    const { seen, log } = this.#history
    if (log.last < seen) return `the history ends before ${formatHex(seen)}, which is committed`
    this.state = 'acknowledging'
    if (this.#history.hasImage) this.#history.install(out)
    this.#acknowledgeLeader(now, out)
    return undefined
  }

  /** In this order: history, epoch, answer. */
  #acknowledgeLeader(now: number, out: PeerOutput): void {
    if (!this.#isSavingCurrent) {
      if (!this.isHistoryDurable()) return
      this.#isSavingCurrent = true
      this.#history.saveEpochs(Math.max(this.#history.acceptedEpoch, this.epoch), this.epoch, out)
    }
    if (this.#history.currentEpoch !== this.epoch) return
    this.#heardAt = now
    this.state = 'waiting'
    this.#history.isIncomplete = false
    this.#history.isUncuttable = false
    const link = this.link as number
    out.send(link, { type: 'ACK', zxid: makeZxid(this.epoch, 0), data: null, authinfo: null })
    this.#role.acknowledged(link, out)
  }

  isHistoryDurable(): boolean {
    return this.#history.isDurable
  }

  #upToDate(now: number, out: PeerOutput): string | undefined {
    this.#heardAt = now
    this.#committed = this.#role.upToDate(out)
    this.state = 'applying'
    out.send(this.link as number, { type: 'ACK', zxid: makeZxid(this.epoch, 0), data: null, authinfo: null })
    this.advance(now, out)
    return undefined
  }

  #leave(kind: CloseReason['kind'], text: string): void {
    this.over ??= { kind, text }
  }
}
