/**
 * The way of transactions to the log, the same in every role: it appends, and flushes once a turn for everything that came in it.
 * It decides nothing about order or commits.
 */
import type { TxnHeader } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import type { ServerStats } from '../stats.ts'
import { logTxn, type TxnLog } from '../storage/txn-log.ts'
import type { Txn } from '../tree/txn.ts'
import type { Caller } from './caller.ts'
import type { Ticket } from './reply-queue.ts'

/** After this many transactions of one turn it flushes before the turn ends. */
const earlyFlushTxns = 128

/** One transaction in the common order. */
export interface Entry {
  readonly header: TxnHeader
  readonly txn: Txn
  /** The digest of the tree after this is applied; undefined where digests are off. */
  readonly digest: bigint | undefined
  /** The request of one of this server's clients that it answers; undefined where no client here asked for it. */
  readonly ticket: Ticket<Caller> | undefined
  /** About how many operations and watch events applying it takes. The applier fills it in. */
  work: number
}

export interface HistoryHooks {
  /** More is durable than before. */
  durable(): void
  /** Called once: the log failed, and the fate of its last batch is unknown. Nothing becomes durable any more. */
  failed(error: Error): void
  /** Half a transaction may be in the log, or a hook threw: nothing may continue. */
  broken(error: Error): void
}

export class History {
  readonly #log: TxnLog
  readonly #clock: Clock
  readonly #stats: ServerStats
  /** Whether a flush syncs a disk. */
  readonly #syncs: boolean
  readonly #hooks: HistoryHooks
  #flush: 'idle' | 'scheduled' | 'running' = 'idle'
  /** Transactions that the log got since its last successful flush. */
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

  /** Why nothing becomes durable any more; undefined while the log works. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** A flush under way is not reported any more. */
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

  /** The same for a transaction that comes encoded, from a leader. Its bytes are copied. */
  appendEncoded(zxid: bigint, payload: Uint8Array): void {
    this.#log.append(zxid, payload)
    this.#unflushed++
    this.#schedule()
  }

  #schedule(): void {
    if (this.#flush === 'idle') {
      this.#flush = 'scheduled'
      this.#clock.turnEnd(this.#atTurnEnd)
    } else if (this.#flush === 'scheduled' && this.#unflushed >= earlyFlushTxns) {
      // A long turn: the disk writes the first part while the rest is prepared.
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

  /** One flush for everything of this turn, and for what came during the previous flush. */
  #start(): void {
    if (this.#flush !== 'scheduled') return
    this.#flush = 'running'
    const count = this.#unflushed
    const begunAt = this.#clock.now()
    this.#log.flush((error) => {
      if (this.#isStopped) return
      this.#stats.flushed(count, this.#clock.now() - begunAt, this.#syncs)
      if (error !== undefined) {
        // Never tried again: the system may report bytes as written that it could not write.
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
