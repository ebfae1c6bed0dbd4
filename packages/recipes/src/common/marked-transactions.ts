/**
 * Transactions of which it is always known whether they were executed, for as long as their session lives, at the price of none:
 * each also writes a mark, an ephemeral under a name nobody else uses, whose version counts the transactions executed. After a
 * lost reply the mark tells. They go out one at a time; what is asked for meanwhile shares the next one.
 */
import { type Client, KeeperError, op, type Timer, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { makeContainer } from './container.ts'
import { deleteSurely } from './delete-surely.ts'
import { type LeftBehind, mayNotBeDeleted } from './leaving.ts'
import { Races } from './races.ts'
import { isRefusal, refusalOf } from './errors.ts'
import { isLost, isOver } from './repeat.ts'
import { uniqueName } from './unique-name.ts'

type Ops = readonly TransactionOp<unknown>[]

interface Mark {
  readonly path: ZnodePath
  readonly epoch: number
  readonly version: number
}

interface Job {
  readonly ops: Ops
  readonly bytes: number
  /** Valid in this session alone. */
  readonly epoch: number | undefined
  readonly signal: AbortSignal | undefined
  readonly onAbort: () => void
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export interface LedgerOptions {
  /** Bytes of data the operations carry, so that a transaction does not grow too large. Default 0. */
  readonly bytes?: number
  /** Execute it in this session (`client.epoch`) or not at all. Default: in any. */
  readonly epoch?: number
  /** Once it is sent, whoever gives up does not learn what became of it. */
  readonly signal?: AbortSignal | undefined
}

const opsMax = 512
const bytesMax = 256 * 1024
/** The mark goes when nothing was written for so long. */
const idleMs = 1_000
const versionMax = 1_000_000_000

export class Ledger {
  readonly #zk: Client
  readonly #parent: ZnodePath
  readonly #makeParent: () => Promise<void>
  readonly #jobs: Job[] = []
  #isBusy = false
  /** Marks that were refused, and transactions that this client could not send, since one was executed. */
  readonly #races: Races
  readonly #backoff: Backoff
  #mark: Mark | undefined
  #idle: Timer | undefined

  /** Marks are made below `parent`, which `makeParent` makes where it is missing: by default as a container. */
  constructor(zk: Client, parent: ZnodePath, makeParent = (): Promise<void> => makeContainer(zk, parent)) {
    this.#zk = zk
    this.#parent = parent
    this.#makeParent = makeParent
    this.#races = new Races(zk)
    this.#backoff = new Backoff(zk, { baseMs: 10 })
  }

  /** False when whatever was known of what is beside the mark may be outdated: the parent may have been another since. */
  get hasMark(): boolean {
    return this.#mark !== undefined && this.#mark.epoch === this.#zk.epoch
  }

  /**
   * Executes `ops`, all or none.
   * @throws KeeperError TRANSACTION_FAILED as `client.transaction`; SESSION_EXPIRED with outcome `unknown` where the session ended
   *   before the reply, and with `not-sent` where `epoch` is over.
   */
  run(ops: Ops, { bytes = 0, epoch, signal }: LedgerOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const onAbort = (): void => {
        const at = this.#jobs.indexOf(job)
        if (at >= 0) this.#jobs.splice(at, 1)
        this.#settle(job, () => reject(signal?.reason as Error))
      }
      const job: Job = { ops, bytes, epoch, signal, onAbort, resolve, reject }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#jobs.push(job)
      void this.#work()
    })
  }

  /**
   * Deletes an ephemeral that this client made in session `epoch`, under a name that others use as well: in that session or not
   * at all. Resolves once it is gone, or bound to go with its session; to why it may not be deleted. Never rejects.
   */
  async release(path: ZnodePath, epoch: number): Promise<LeftBehind | undefined> {
    const backoff = new Backoff(this.#zk, { baseMs: 10 })
    while (this.#zk.epoch === epoch && !isOver(this.#zk)) {
      try {
        await this.run([op.delete(path)], { epoch })
        return undefined
      } catch (error) {
        const refusal = refusalOf(error, 'release')
        if (KeeperError.is(refusal, 'NO_NODE')) return undefined
        // Refused, it would be again: it goes with its session. Anything else came between.
        if (KeeperError.is(refusal) && isRefusal(refusal)) return mayNotBeDeleted('release', path, refusal)
        await backoff.pause()
      }
    }
    return undefined
  }

  #settle(job: Job, how: () => void): void {
    job.signal?.removeEventListener('abort', job.onAbort)
    how()
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#idle?.cancel()
    this.#idle = undefined
    // Whatever else this turn asks for goes along.
    await Promise.resolve()
    while (this.#jobs.length > 0) {
      const batch = this.#take()
      if (batch.length > 0) await this.#execute(batch)
    }
    this.#isBusy = false
    this.#idle = this.#zk.clock.after(idleMs, () => this.#forget())
  }

  #take(): Job[] {
    const batch: Job[] = []
    let ops = 0
    let bytes = 0
    for (let next = this.#jobs[0]; next !== undefined; next = this.#jobs[0]) {
      if (next.epoch !== undefined && next.epoch !== this.#zk.epoch) {
        this.#jobs.shift()
        this.#fail(next, new KeeperError('SESSION_EXPIRED', { operation: 'transaction', outcome: 'not-sent' }))
        continue
      }
      ops += next.ops.length
      bytes += next.bytes
      if (batch.length > 0 && (ops > opsMax || bytes > bytesMax)) break
      batch.push(this.#jobs.shift() as Job)
    }
    return batch
  }

  /** Every job of the batch settles, or is put back in front. */
  async #execute(batch: readonly Job[]): Promise<void> {
    // A version must not come near to its wrap.
    if (this.#mark !== undefined && this.#mark.version >= versionMax) this.#forget()
    let mark = this.#mark
    if (mark === undefined || mark.epoch !== this.#zk.epoch) {
      try {
        mark = await this.#makeMark()
      } catch (error) {
        for (const job of batch) this.#fail(job, error)
        return
      }
      this.#mark = mark
      // The session may be another than the jobs were chosen for.
      return this.#putBack(batch)
    }
    const { path, epoch } = mark
    const version = mark.version + 1
    const ops = [op.set(path, '', { version: mark.version }), ...batch.flatMap((job) => job.ops)]
    try {
      await this.#zk.transactionOf(ops, { timeout: Number.POSITIVE_INFINITY })
      this.#succeed(batch, { path, epoch, version })
    } catch (error) {
      if (KeeperError.is(error, 'TRANSACTION_FAILED')) return await this.#refused(error, batch)
      if (!KeeperError.is(error) || isOver(this.#zk)) {
        for (const job of batch) this.#fail(job, error)
      } else if (error.outcome === 'unknown') {
        const verdict = await this.#look(path, epoch, version)
        if (verdict === 'executed') this.#succeed(batch, { path, epoch, version })
        else if (verdict === 'notExecuted') this.#putBack(batch)
        else {
          this.#mark = undefined
          const code = this.#zk.epoch === epoch ? error.code : 'SESSION_EXPIRED'
          const what = new KeeperError(code, { operation: 'transaction', outcome: 'unknown', cause: error })
          for (const job of batch) this.#fail(job, what)
        }
      } else if (isLost(error)) {
        this.#putBack(batch)
        // Refused by this client itself, which has too many waiting: there is room again when some are answered.
        await this.#backoff.pause()
      } else for (const job of batch) this.#fail(job, error)
    }
  }

  #succeed(batch: readonly Job[], mark: Mark): void {
    this.#mark = mark
    this.#races.won()
    this.#backoff.reset()
    for (const job of batch) this.#settle(job, job.resolve)
  }

  #putBack(batch: readonly Job[]): void {
    this.#jobs.unshift(...batch.filter((job) => job.signal?.aborted !== true))
  }

  /** Resolves with one that certainly belongs to the session of its epoch. */
  async #makeMark(): Promise<Mark> {
    const backoff = new Backoff(this.#zk, { baseMs: 10 })
    const races = new Races(this.#zk)
    for (;;) {
      const path = `${this.#parent === '/' ? '' : this.#parent}/_c_${uniqueName(this.#zk.random)}-mark` as const
      const { epoch } = this.#zk
      try {
        const { stat } = await this.#zk.create(path, '', { mode: 'ephemeral', timeout: Number.POSITIVE_INFINITY })
        if (stat.ephemeralOwner === this.#zk.sessionId && this.#zk.epoch === epoch) return { path, epoch, version: 0 }
        void deleteSurely(this.#zk, path, this.#zk.epoch)
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE')) {
          await this.#makeParent()
          // There now, unless it is reaped again at once.
          await races.lost(error)
          continue
        }
        if (!KeeperError.is(error) || isOver(this.#zk) || !isLost(error)) throw error
        void deleteSurely(this.#zk, path, epoch)
        await backoff.pause()
      }
    }
  }

  async #refused(error: KeeperError<'TRANSACTION_FAILED'>, batch: readonly Job[]): Promise<void> {
    const { failedOp } = error
    const index = (failedOp?.index ?? 0) - 1
    if (index < 0) {
      // The session is another, or somebody took the mark away: the next mark may stay.
      this.#mark = undefined
      try {
        await this.#races.lost(error)
        this.#putBack(batch)
      } catch {
        for (const job of batch) this.#fail(job, error)
      }
      return
    }
    let before = 0
    const rest: Job[] = []
    for (const job of batch) {
      const at = index - before
      before += job.ops.length
      if (at < 0 || at >= job.ops.length) {
        rest.push(job)
        continue
      }
      const own = failedOp === undefined ? undefined : { ...failedOp, index: at }
      const { path, message } = error
      this.#fail(job, new KeeperError('TRANSACTION_FAILED', { path, message, failedOp: own, cause: error }))
    }
    this.#putBack(rest)
  }

  /** Behind a `sync`, so that a transaction still on its way when the connection was lost is not overlooked. */
  async #look(path: ZnodePath, epoch: number, version: number): Promise<'executed' | 'notExecuted' | 'unknown'> {
    try {
      const options = { timeout: Number.POSITIVE_INFINITY }
      await this.#zk.sync('/', options)
      const found = await this.#zk.find(path, options)
      if (this.#zk.epoch !== epoch) return 'unknown'
      if (found === undefined) return 'unknown'
      return found.stat.version === version ? 'executed' : 'notExecuted'
    } catch {
      return 'unknown'
    }
  }

  #fail(job: Job, reason: unknown): void {
    this.#settle(job, () => job.reject(reason))
  }

  #forget(): void {
    const mark = this.#mark
    this.#mark = undefined
    if (mark !== undefined && mark.epoch === this.#zk.epoch) void deleteSurely(this.#zk, mark.path, mark.epoch)
  }
}
