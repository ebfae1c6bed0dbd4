/**
 * The way of transactions to the log, the same in every role: append, and one flush a turn for everything that came in it. Decides
 * nothing about order or commits.
 */
import type { TxnHeader } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { ServerStats } from '../stats.ts'
import { logTxn, type TxnLog } from '../storage/txn-log.ts'
import type { Txn } from '../tree/txn.ts'
import type { Caller } from './caller.ts'
import type { Ticket } from './reply-queue.ts'

/** Transactions of one turn that are worth a flush before its end. */
const earlyFlushTxns = 128

/** One transaction in the order of all. */
export interface Entry {
  readonly header: TxnHeader
  readonly txn: Txn
  /** The tree's digest once this is applied; undefined where digests are off. */
  readonly digest: bigint | undefined
  /** The request of this server's client that it answers; undefined for what nobody here asked for. */
  readonly ticket: Ticket<Caller> | undefined
  /** Operations and watch events that applying it takes, about. The applier fills it in. */
  work: number
}

export interface HistoryHooks {
  /** More is durable than before. */
  durable(): void
  /** Called once: the log failed, and what it holds of the last batch is not known. Nothing becomes durable any more. */
  failed(error: Error): void
  /** Half a transaction may be in the log, or a hook threw: nothing may go on. */
  broken(error: Error): void
}

export class History {
  readonly #log: TxnLog
  readonly #clock: Clock
  readonly #stats: ServerStats
  /** Whether a flush is a sync of a disk. */
  readonly #syncs: boolean
  readonly #hooks: HistoryHooks
  #flush: 'idle' | 'scheduled' | 'running' = 'idle'
  /** Transactions given to the log since its last flush that succeeded. */
  #unflushed = 0
  #failure: Error | undefined
  #isStopped = false

  constructor(log: TxnLog, clock: Clock, stats: ServerStats, syncs: boolean, hooks: HistoryHooks) {
    this.#log = log
    this.#clock = clock
    this.#stats = stats
    this.#syncs = syncs
    this.#hooks = hooks
  }

  /** Everything up to this zxid is in the log for good. */
  get durableZxid(): bigint {
    return this.#log.durableZxid
  }

  /** Why nothing becomes durable any more, undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Nothing is heard of a flush that is under way. */
  stop(): void {
    this.#isStopped = true
  }

  /** Entries come in the order of their zxids. Their flush may have happened when this returns. */
  append(entry: Entry): void {
    try {
      logTxn(this.#log, entry.header, entry.txn, entry.digest)
    } catch (error) {
      this.#hooks.broken(error as Error)
      throw error
    }
    this.#unflushed++
    this.#schedule()
  }

  #schedule(): void {
    if (this.#flush === 'idle') {
      this.#flush = 'scheduled'
      this.#clock.turnEnd(this.#atTurnEnd)
    } else if (this.#flush === 'scheduled' && this.#unflushed >= earlyFlushTxns) {
      // A long turn: the disk works on its first part while the rest is prepared.
      this.#start()
    }
  }

  readonly #atTurnEnd = (): void => {
    try {
      this.#start()
    } catch (error) {
      this.#hooks.broken(error as Error)
    }
  }

  /** One flush for everything of this turn, and for what arrived while the flush before was running. */
  #start(): void {
    if (this.#flush !== 'scheduled') return
    this.#flush = 'running'
    const count = this.#unflushed
    const begunAt = this.#clock.now()
    this.#log.flush((error) => {
      if (this.#isStopped) return
      if (this.#syncs) this.#stats.syncs.add(this.#clock.now() - begunAt)
      if (error !== undefined) {
        // Never tried again: a system may call bytes clean that it could not write.
        this.#failure = error
        this.#hooks.failed(error)
        return
      }
      this.#flush = 'idle'
      this.#unflushed -= count
      this.#hooks.durable()
      if (this.#unflushed > 0 && !this.#isStopped) this.#schedule()
    })
  }
}
