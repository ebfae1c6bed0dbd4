/**
 * One term of a server: a desk that serves clients, an orderer, and an applier, over a tree that it is given. Tree and log outlast
 * the term; pending changes, watches, waiting requests and owners of sessions do not. Single-threaded, and it never waits: slow
 * parts (the log) call back, and are ignored once the term is over.
 *
 * A write goes desk → orderer → history → applier → desk. Here is what all terms have, and the term of a server that stands alone;
 * member/learner-replica.ts has that of a member that follows a leader.
 */
import type { Runtime } from '@lightkeeper/runtime'
import type { Auditor } from './audit/auditor.ts'
import type { Access } from './auth/access.ts'
import type { Authentication } from './auth/authentication.ts'
import type { ServerConfig } from './config/config.ts'
import type { EnsembleView, LeadershipView } from './ensemble-view.ts'
import { Applier } from './pipeline/applier.ts'
import { Desk } from './pipeline/desk.ts'
import { History } from './pipeline/history.ts'
import { Nobody } from './pipeline/nobody.ts'
import type { Answers } from './pipeline/orderer.ts'
import { Primary } from './pipeline/primary.ts'
import { Standalone } from './pipeline/standalone.ts'
import { workOf } from './pipeline/work.ts'
import type { SessionExpiry } from './session/expiry.ts'
import type { SessionIds } from './session/session-ids.ts'
import type { SessionKeys } from './session/session-keys.ts'
import type { ServerStats } from './stats.ts'
import type { TxnLog } from './storage/txn-log.ts'
import type { DataTree } from './tree/data-tree.ts'
import type { Turn } from './turn.ts'
import { Watches } from './watch/watches.ts'

/** What every term of a server shares. */
export interface ReplicaHouse {
  readonly config: ServerConfig
  readonly runtime: Runtime
  readonly turn: Turn
  readonly access: Access
  readonly authentication: Authentication
  readonly stats: ServerStats
  readonly keys: SessionKeys
  readonly ids: Pick<SessionIds, 'next'>
  /** Undefined where nothing is audited. */
  readonly audit: Auditor | undefined
}

/** The state at the beginning of a term. */
export interface ReplicaStart {
  /** The replica receives its changes from now on. */
  readonly tree: DataTree
  /** Zxid of the last transaction in the tree. */
  readonly lastZxid: bigint
  /** No flush of an earlier term is under way. */
  readonly log: TxnLog
}

export interface ReplicaHooks {
  /** Everything up to `zxid` was applied and answered. */
  applied(zxid: bigint): void
  /** Watch events wait to be sent, so nothing more is applied meanwhile. */
  isBehind(): boolean
  /** Called once: the replica cannot continue, because an invariant is broken. */
  failed(error: Error): void
}

/** A term, as listeners and operators see it. */
export interface Replica {
  /** The part that this server has, under Apache's name. */
  readonly role: 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only'
  /** Undefined where the server stands alone. */
  readonly ensemble: EnsembleView | undefined
  /** Undefined unless the server leads an ensemble. */
  readonly leadership: LeadershipView | undefined
  readonly tree: DataTree
  readonly watches: Watches
  readonly desk: Desk
  /** The clocks of sessions, empty where they run elsewhere. The tree says which sessions exist. */
  readonly sessions: Pick<SessionExpiry, 'expiries'>
  readonly applier: Applier
  /** Zxid of the last transaction applied to the tree. */
  readonly lastZxid: bigint
  /** Why nothing is written any more; undefined while the log works. Reads are still served. */
  readonly logFailure: Error | undefined
}

export class StandaloneReplica implements Replica {
  readonly role = 'standalone'
  readonly ensemble = undefined
  readonly leadership = undefined
  readonly tree: DataTree
  readonly watches: Watches
  readonly desk: Desk
  /** The clocks of sessions. The tree says which sessions exist. */
  readonly sessions: SessionExpiry
  readonly applier: Applier
  readonly #runtime: Runtime
  readonly #history: History
  readonly #primary: Primary
  readonly #hooks: ReplicaHooks
  #isStopped = false

  constructor(house: ReplicaHouse, start: ReplicaStart, hooks: ReplicaHooks) {
    const { config, runtime, stats } = house
    const { tree, log, lastZxid } = start
    const watches = new Watches(config, stats.watchersReached)
    tree.receiver = watches
    const { clock } = runtime
    const broken = (error: Error): void => this.#fail(error)
    // Each of these calls the ones below it only after all of them exist.
    const history = new History(log, clock, stats, config.dataDir !== undefined && config.forceSync, {
      durable: () => standalone.durable(),
      failed: (error) => {
        standalone.giveUp()
        desk.turnTo(new Nobody(primary.sessions, answers, clock))
        this.#sayLogFailed(error)
      },
      broken,
    })
    const applier = new Applier(tree, lastZxid, history, house.turn, {
      workOf: ({ header, txn }) => workOf(header, txn, tree, watches),
      execute: ({ header, txn }) => tree.apply(header, txn),
      isBehind: () => hooks.isBehind(),
      before: (ticket) => desk.answerBefore(ticket),
      applied(entry, result, wall) {
        standalone.applied(entry)
        desk.applied(entry, result, wall)
      },
      settled(zxid) {
        primary.settled(zxid)
        hooks.applied(zxid)
      },
      broken,
    })
    const primary = new Primary(
      { ...house, tree, lastZxid },
      { ordered: (entry) => standalone.ordered(entry), unappliedWork: () => applier.work, broken },
    )
    const answers: Answers = {
      opened: (ticket) => desk.opened(ticket),
      refused: (ticket, err) => desk.refused(ticket, err),
      lost: (tickets) => desk.lost(tickets),
    }
    const standalone = new Standalone(primary, history, applier, answers, clock)
    const desk = new Desk({ ...house, tree, watches }, applier, standalone, broken)

    this.tree = tree
    this.watches = watches
    this.desk = desk
    this.sessions = primary.sessions
    this.applier = applier
    this.#runtime = runtime
    this.#history = history
    this.#primary = primary
    this.#hooks = hooks
  }

  /** Starts the clocks: expiry of sessions, and reaping of containers and TTL znodes. */
  start(): void {
    this.#primary.start()
  }

  /** Ends the term: nothing is applied or answered any more. The tree does not change. */
  stop(): void {
    this.#isStopped = true
    this.#primary.stop()
    this.#history.stop()
    this.applier.stop()
  }

  /** Ends a session as if its timeout had passed; false where there is none, or it is ending already. */
  expireSession(id: bigint): boolean {
    return this.#primary.expireSession(id)
  }

  get lastZxid(): bigint {
    return this.applier.lastZxid
  }

  get logFailure(): Error | undefined {
    return this.#history.failure
  }

  #sayLogFailed(error: Error): void {
    this.#runtime.log(
      'error',
      'THE TRANSACTION LOG FAILED: no write is acknowledged any more, reads are served; see to the disk and restart',
      { cause: error.message, lastZxid: this.lastZxid },
    )
  }

  #fail(error: Error): void {
    if (this.#isStopped) return
    this.#runtime.log('error', error.message, { cause: String(error.cause ?? error.stack) })
    this.stop()
    this.#hooks.failed(error)
  }
}
