/**
 * The term of a member that follows a leader: a desk that serves clients, and an applier for the transactions that come from the leader.
 * Writes go desk → forwarding → leader, and come back as transactions: log → applier → desk. Nothing expires here: clocks of sessions and
 * of znodes run at the leader.
 */
import type { QuorumPacket } from '@lightkeeper/protocol'
import type { EnsembleView } from '../ensemble-view.ts'
import { Applier } from '../pipeline/applier.ts'
import { Desk } from '../pipeline/desk.ts'
import { type Answering, Forwarding, isSessionMoved } from '../pipeline/forwarding.ts'
import type { Entry } from '../pipeline/history.ts'
import type { Answers } from '../pipeline/orderer.ts'
import { workOf } from '../pipeline/work.ts'
import type { ReplicaHooks, ReplicaHouse } from '../replica.ts'
import type { Touches } from '../session/touches.ts'
import type { LoggedTxn } from '../storage/txn-codec.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { withoutFailedOperations } from '../tree/failed-multi.ts'
import { applyWithDigest } from '../tree/replay.ts'
import { Watches } from '../watch/watches.ts'
import type { MemberReplica } from './member-replica.ts'

/** A transaction from the leader, with the digest that its tree had after it. Its ticket is known when it is committed. */
export interface LearnedEntry extends Entry, Answering {
  readonly expected: bigint | undefined
  ticket: Answering['ticket']
}

export interface LearnerStart {
  readonly role: 'follower' | 'observer'
  /** The replica receives its changes from now on. */
  readonly tree: DataTree
  /** Zxid of the last transaction in the tree. */
  readonly lastZxid: bigint
  readonly history: { readonly durableZxid: bigint }
  /** Zxid of the last transaction that the leader has committed. It may not be durable here yet. */
  committedZxid(): bigint
  readonly touches: Touches
  readonly ensemble: EnsembleView
}

export interface LearnerHooks extends ReplicaHooks {
  send(packet: QuorumPacket): void
}

/** No clock of a session runs here. */
const noClocks = { expiries: () => [] }

export class LearnerReplica implements MemberReplica {
  readonly role: 'follower' | 'observer'
  readonly ensemble: EnsembleView
  readonly leadership = undefined
  readonly tree: DataTree
  readonly watches: Watches
  readonly desk: Desk
  readonly sessions = noClocks
  readonly applier: Applier
  readonly logFailure = undefined
  readonly #house: ReplicaHouse
  readonly #forwarding: Forwarding
  readonly #hooks: LearnerHooks
  /** The digest differed, which was said. */
  #hasMismatch = false
  #isStopped = false

  constructor(house: ReplicaHouse, start: LearnerStart, hooks: LearnerHooks) {
    const { config, stats } = house
    const { tree, lastZxid } = start
    const watches = new Watches(config, stats.watchersReached)
    tree.receiver = watches
    const broken = (error: Error): void => this.#fail(error)
    // Each of these calls the ones below it only after all of them exist.
    const applier = new Applier(tree, lastZxid, start.history, house.turn, {
      workOf: ({ header, txn }) => workOf(header, txn, tree, watches),
      execute: (entry) => this.#execute(entry as LearnedEntry),
      isBehind: () => hooks.isBehind(),
      before: (ticket) => desk.answerBefore(ticket),
      applied(entry, result, wall) {
        const { header, txn, ticket } = entry
        if (ticket !== undefined && isSessionMoved(txn)) desk.lost([ticket])
        else desk.applied(entry, result, wall)
        forwarding.applied(header.zxid)
      },
      settled: (zxid) => hooks.applied(zxid),
      broken,
    })
    const answers: Answers = {
      opened: (ticket) => desk.opened(ticket),
      refused: (ticket, err) => desk.refused(ticket, err),
      lost: (tickets) => desk.lost(tickets),
    }
    const forwarding = new Forwarding(answers, start.touches, {
      send: (packet) => hooks.send(packet),
      committedZxid: start.committedZxid,
      appliedZxid: () => applier.lastZxid,
    })
    const desk = new Desk({ ...house, tree, watches }, applier, forwarding, broken)
    this.role = start.role
    this.ensemble = start.ensemble
    this.tree = tree
    this.watches = watches
    this.desk = desk
    this.applier = applier
    this.#house = house
    this.#forwarding = forwarding
    this.#hooks = hooks
  }

  /** Zxid of the last transaction applied to the tree. */
  get lastZxid(): bigint {
    return this.applier.lastZxid
  }

  learn({ header, txn: sent, digest }: LoggedTxn): void {
    const txn = withoutFailedOperations(sent)
    // This server keeps a digest of its own.
    const entry: LearnedEntry = { header, txn, digest: undefined, expected: digest, ticket: undefined, work: 1 }
    this.#forwarding.proposed(entry)
    this.applier.add(entry)
  }

  commit(zxid: bigint): void {
    this.#forwarding.committed(zxid)
    this.applier.commit(zxid)
    this.applier.run()
  }

  answered(packet: QuorumPacket): string | undefined {
    return this.#forwarding.answered(packet)
  }

  stop(): LoggedTxn[] {
    this.#isStopped = true
    this.applier.stop()
    return this.applier.drop().map((entry) => ({
      header: entry.header,
      txn: entry.txn,
      digest: (entry as LearnedEntry).expected,
    }))
  }

  #execute({ header, txn, expected }: LearnedEntry): ReturnType<DataTree['apply']> {
    if (!this.#house.config.digestEnabled) return this.tree.apply(header, txn)
    const result = applyWithDigest(this.tree, header, txn)
    const { value } = this.tree.digest
    this.applier.noteDigest(header.zxid, value)
    if (expected !== undefined && expected !== value) this.#mismatch(header.zxid)
    return result
  }

  /** As in Apache, a difference is counted and said, and the server goes on. */
  #mismatch(zxid: bigint): void {
    this.#house.stats.digestMismatches++
    if (this.#hasMismatch) return
    this.#hasMismatch = true
    const message =
      'THE TREE DIFFERS FROM THAT OF THE LEADER: its digest is another one; find out which of the two is wrong, and start that one with an empty directory'
    this.#house.runtime.log('error', message, { zxid })
  }

  #fail(error: Error): void {
    if (this.#isStopped) return
    this.#house.runtime.log('error', error.message, { cause: String(error.cause ?? error.stack) })
    this.stop()
    this.#hooks.failed(error)
  }
}
