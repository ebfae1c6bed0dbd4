/**
 * The term of a member that leads: a desk that serves clients, a primary that makes the transactions of the whole ensemble, and an
 * applier. A write goes desk or learner → primary → log and proposals; it is applied when a quorum has it. The clocks of all sessions run
 * here.
 */
import { makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import type { EnsembleView, LeadershipView, LearnerView } from '../ensemble-view.ts'
import { Applier } from '../pipeline/applier.ts'
import { Desk } from '../pipeline/desk.ts'
import { isSessionMoved } from '../pipeline/forwarding.ts'
import type { Entry } from '../pipeline/history.ts'
import { Leading } from '../pipeline/leading.ts'
import { LearnerRequests } from '../pipeline/learner-requests.ts'
import type { Answers } from '../pipeline/orderer.ts'
import { Primary } from '../pipeline/primary.ts'
import { RecordBlocks } from '../pipeline/record-blocks.ts'
import { workOf } from '../pipeline/work.ts'
import type { ReplicaHooks, ReplicaHouse } from '../replica.ts'
import type { SessionExpiry } from '../session/expiry.ts'
import { Session } from '../session/session.ts'
import { SizeRange } from '../stats.ts'
import { type LoggedTxn, writeTxn } from '../storage/txn-codec.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { Watches } from '../watch/watches.ts'
import type { MemberReplica } from './member-replica.ts'

export interface LeaderStart {
  /** The replica receives its changes from now on. */
  readonly tree: DataTree
  /** Zxid of the last transaction in the tree. */
  readonly lastZxid: bigint
  readonly epoch: number
  readonly history: { readonly durableZxid: bigint }
  readonly ensemble: EnsembleView
}

export interface LeaderHooks extends ReplicaHooks {
  /** The next transaction of the term, as bytes that do not change. */
  propose(zxid: bigint, payload: Uint8Array): void
  /** Asks for a sync of a learner, or of a client of this server; see `synced`. */
  sync(link: number | undefined): void
  /** For a learner, in its place among proposals and commits. */
  answer(link: number, packet: QuorumPacket): void
  learners(): { readonly learners: readonly LearnerView[]; readonly pendingSyncs: number }
}

export class LeaderReplica implements MemberReplica {
  readonly role = 'leader'
  readonly ensemble: EnsembleView
  readonly tree: DataTree
  readonly watches: Watches
  readonly desk: Desk
  readonly sessions: SessionExpiry
  readonly applier: Applier
  readonly logFailure = undefined
  readonly #house: ReplicaHouse
  readonly #primary: Primary
  readonly #leading: Leading
  readonly #requests: LearnerRequests
  readonly #hooks: LeaderHooks
  readonly #blocks = new RecordBlocks()
  readonly #proposalSizes = new SizeRange()
  /** When the term began, monotonic milliseconds. */
  readonly #since: number
  /** Zxid of the last transaction of the term that the log has taken. */
  #loggedZxid: bigint
  #isStopped = false

  constructor(house: ReplicaHouse, start: LeaderStart, hooks: LeaderHooks) {
    const { config, runtime, stats } = house
    const { tree, lastZxid, epoch } = start
    const watches = new Watches(config, stats.watchersReached)
    tree.receiver = watches
    const { clock } = runtime
    const broken = (error: Error): void => this.#fail(error)
    // Each of these calls the ones below it only after all of them exist.
    const applier = new Applier(tree, lastZxid, start.history, house.turn, {
      workOf: ({ header, txn }) => workOf(header, txn, tree, watches),
      execute: ({ header, txn }) => tree.apply(header, txn),
      isBehind: () => hooks.isBehind(),
      before: (ticket) => desk.answerBefore(ticket),
      applied(entry, result, wall) {
        const { txn, ticket } = entry
        stats.led.commits++
        leading.applied(entry)
        if (ticket !== undefined && isSessionMoved(txn)) desk.lost([ticket])
        else desk.applied(entry, result, wall)
      },
      settled(zxid) {
        primary.settled(zxid)
        hooks.applied(zxid)
      },
      broken,
    })
    const primary = new Primary(
      { ...house, tree, lastZxid: makeZxid(epoch, 0) },
      {
        ordered: (entry) => {
          leading.ordered(entry)
          this.#propose(entry)
        },
        unappliedWork: () => applier.work,
        broken,
      },
    )
    const answers: Answers = {
      opened: (ticket) => desk.opened(ticket),
      refused: (ticket, err) => desk.refused(ticket, err),
      lost: (tickets) => desk.lost(tickets),
    }
    const leading = new Leading(primary, applier, answers, clock, () => hooks.sync(undefined))
    const desk = new Desk({ ...house, tree, watches }, applier, leading, broken)
    this.ensemble = start.ensemble
    this.tree = tree
    this.watches = watches
    this.desk = desk
    this.sessions = primary.sessions
    this.applier = applier
    this.#house = house
    this.#primary = primary
    this.#leading = leading
    this.#loggedZxid = lastZxid
    this.#requests = new LearnerRequests(primary, clock, {
      appliedZxid: () => applier.lastZxid,
      sync: (link) => hooks.sync(link),
      answer: (link, packet) => hooks.answer(link, packet),
    })
    this.#hooks = hooks
    this.#since = clock.now()
  }

  /** Zxid of the last transaction applied to the tree. */
  get lastZxid(): bigint {
    return this.applier.lastZxid
  }

  get leadership(): LeadershipView {
    return { ...this.#hooks.learners(), since: this.#since, proposalSizes: this.#proposalSizes }
  }

  /** Starts the clocks, and ends sessions that have ephemerals and do not exist: all members have the same tree, and must keep it so. */
  start(): void {
    this.#primary.start()
    for (const [id, paths] of [...this.tree.ephemerals()]) {
      if (paths.size === 0 || this.tree.sessions.has(id)) continue
      this.#house.runtime.log('warn', 'removing the ephemerals of a session that does not exist', { session: id })
      this.#primary.closeSession(new Session(id, 0), 0, undefined)
    }
  }

  /** The log has taken a transaction of this term. */
  logged(zxid: bigint): void {
    this.#loggedZxid = zxid
  }

  /** Its own transactions are in the applier since they were made. */
  learn(): void {}

  /** It has no leader that could answer. */
  answered(): string | undefined {
    return 'an answer of a leader, and this server leads'
  }

  commit(zxid: bigint): void {
    this.applier.commit(zxid)
    this.applier.run()
  }

  /** The oldest sync of a client of this server may be answered. */
  synced(): void {
    this.#leading.confirmed()
  }

  /** REQUEST, REVALIDATE or PING of a learner. `owner` stands for its link. Returns what is wrong with it, or undefined. */
  fromLearner(owner: object, link: number, packet: QuorumPacket): string | undefined {
    return this.#requests.take(owner, link, packet)
  }

  /** A transaction that the log does not have will never be committed. */
  stop(): LoggedTxn[] {
    this.#isStopped = true
    this.#primary.stop()
    this.applier.stop()
    return this.applier
      .drop()
      .filter(({ header }) => header.zxid <= this.#loggedZxid)
      .map(({ header, txn, digest }) => ({ header, txn, digest }))
  }

  /** The same bytes go to the log, to learners, and to those that come later. */
  #propose({ header, txn, digest }: Entry): void {
    writeTxn(this.#blocks.begin(), header, txn, digest)
    const payload = this.#blocks.end()
    this.#house.stats.led.proposals++
    this.#proposalSizes.add(payload.length)
    this.#hooks.propose(header.zxid, payload)
  }

  #fail(error: Error): void {
    if (this.#isStopped) return
    this.#house.runtime.log('error', error.message, { cause: String(error.cause ?? error.stack) })
    this.stop()
    this.#hooks.failed(error)
  }
}
