/**
 * Transactions whose outcome is always known while their session lives, without an extra round trip. Each transaction also writes a
 * mark: an ephemeral that no other client uses. Its version counts the executed transactions, so after a lost reply the version
 * shows whether the transaction was executed. One transaction is under way at a time; later calls share the next one.
 */
import { type Client, KeeperError, op, type Timer, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'
import { Backoff } from './backoff.ts'
import { makeContainer } from './container.ts'
import { isLost, isOver, isRefusal, refusalOf } from './errors.ts'
import { type LeftBehind, mayNotBeDeleted } from './leaving.ts'
import { createOwnAt, type OwnEphemeral, withdraw } from './own-ephemeral.ts'
import { below } from './paths.ts'
import { Races } from './races.ts'
import { uniqueName } from './unique-name.ts'

type Ops = readonly TransactionOp<unknown>[]

interface Mark {
  readonly own: OwnEphemeral
  readonly version: number
}

interface Job {
  readonly ops: Ops
  readonly bytes: number
  /** Valid only in this session. */
  readonly epoch: number | undefined
  readonly signal: AbortSignal | undefined
  readonly onAbort: () => void
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export interface MarkedOptions {
  /** Bytes of data in the operations, so that a transaction does not become too large. Default 0. */
  readonly bytes?: number
  /** Execute it in this session (`client.epoch`) or not at all. Default: in any session. */
  readonly epoch?: number
  /** Gives up. A caller that gives up after the transaction was sent does not learn its outcome. */
  readonly signal?: AbortSignal | undefined
}

const opsMax = 512
const bytesMax = 256 * 1024
/** The mark is deleted after this time without a write, milliseconds. */
const idleMs = 1_000
const versionMax = 1_000_000_000
const unbound = { timeout: Number.POSITIVE_INFINITY }

export class MarkedTransactions {
  readonly #zk: Client
  readonly #parent: ZnodePath
  readonly #makeParent: () => Promise<void>
  readonly #jobs: Job[] = []
  #isBusy = false
  /** Marks that were refused since the last executed transaction. */
  readonly #races: Races
  /** Waits after transactions that this client could not send. */
  readonly #backoff: Backoff
  #mark: Mark | undefined
  #idle: Timer | undefined

  /** Marks are created below `parent`; `makeParent` creates it where it is missing: by default as a container. */
  constructor(zk: Client, parent: ZnodePath, makeParent = (): Promise<void> => makeContainer(zk, parent)) {
    this.#zk = zk
    this.#parent = parent
    this.#makeParent = makeParent
    this.#races = new Races(zk)
    this.#backoff = new Backoff(zk, { baseMs: 10 })
  }

  /** False when what is known of the znodes beside the mark may be outdated: another client may have created the parent again. */
  get hasMark(): boolean {
    return this.#mark !== undefined && this.#mark.own.epoch === this.#zk.epoch
  }

  /**
   * Executes `ops`, all or none.
   * @throws KeeperError TRANSACTION_FAILED as `client.transaction`; SESSION_EXPIRED with outcome `unknown` where the session ended
   * before the reply, and with `not-sent` where `epoch` has ended.
   */
  run(ops: Ops, { bytes = 0, epoch, signal }: MarkedOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const onAbort = (): void => {
        const at = this.#jobs.indexOf(job)
        if (at >= 0) this.#jobs.splice(at, 1)
        this.#settle(job, () => reject(signal?.reason as Error))
      }
      const job: Job = { ops, bytes, epoch, signal, onAbort, resolve, reject }
      hearAbort(signal, onAbort)
      this.#jobs.push(job)
      void this.#work()
    })
  }

  /**
   * Deletes an ephemeral that this client created in session `epoch` under a name that others use too: in that session or not at
   * all. Resolves once the znode is gone or certain to go with its session, or to the reason why it may not be deleted. Never
   * rejects.
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
        // A server would repeat a refusal, so the znode goes with its session. After any other error the next try may succeed.
        if (KeeperError.is(refusal) && isRefusal(refusal)) return mayNotBeDeleted('release', path, refusal)
        await backoff.pause()
      }
    }
    return undefined
  }

  #settle(job: Job, how: () => void): void {
    unhearAbort(job.signal, job.onAbort)
    how()
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#idle?.cancel()
    this.#idle = undefined
    // All other operations of this turn join.
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

  /** Every job of the batch settles, or returns to the front of the queue. */
  async #execute(batch: readonly Job[]): Promise<void> {
    // The version must not come near its wrap-around.
    if (this.#mark !== undefined && this.#mark.version >= versionMax) this.#forget()
    const mark = this.#mark
    if (mark === undefined || !this.hasMark) {
      try {
        this.#mark = { own: await this.#makeMark(), version: 0 }
      } catch (error) {
        for (const job of batch) this.#fail(job, error)
        return
      }
      // The session may not be the one for which the jobs were chosen.
      return this.#putBack(batch)
    }
    const { own } = mark
    const next: Mark = { own, version: mark.version + 1 }
    const ops = [op.set(own.path, '', { version: mark.version }), ...batch.flatMap((job) => job.ops)]
    try {
      await this.#zk.transactionOf(ops, unbound)
      this.#succeed(batch, next)
    } catch (error) {
      if (KeeperError.is(error, 'TRANSACTION_FAILED')) return await this.#refused(error, batch)
      if (!KeeperError.is(error) || isOver(this.#zk)) {
        for (const job of batch) this.#fail(job, error)
      } else if (error.outcome === 'unknown') {
        const verdict = await this.#look(next)
        if (verdict === 'executed') this.#succeed(batch, next)
        else if (verdict === 'notExecuted') this.#putBack(batch)
        else {
          this.#mark = undefined
          const code = this.#zk.epoch === own.epoch ? error.code : 'SESSION_EXPIRED'
          const doubt = new KeeperError(code, { operation: 'transaction', outcome: 'unknown', cause: error })
          for (const job of batch) this.#fail(job, doubt)
        }
      } else if (isLost(error)) {
        this.#putBack(batch)
        // This client has too many waiting requests and refused it: there is room again when some are answered.
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

  #makeMark(): Promise<OwnEphemeral> {
    const nextPath = (): ZnodePath => below(this.#parent, `_c_${uniqueName(this.#zk.random)}-mark`)
    const races = new Races(this.#zk)
    const create = async (path: ZnodePath) => {
      for (;;) {
        try {
          return await this.#zk.create(path, '', { mode: 'ephemeral', ...unbound })
        } catch (error) {
          if (!KeeperError.is(error, 'NO_NODE')) throw error
          await this.#makeParent()
          // The parent exists now, unless the server deletes it again at once.
          await races.lost(error)
        }
      }
    }
    return createOwnAt(this.#zk, nextPath, create, { baseMs: 10 })
  }

  async #refused(error: KeeperError<'TRANSACTION_FAILED'>, batch: readonly Job[]): Promise<void> {
    const { failedOp } = error
    const index = (failedOp?.index ?? 0) - 1
    if (index < 0) {
      // The session is another one, or another client has deleted the mark: the next mark may stay.
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

  /** Reads behind a `sync`, so it sees a transaction that was still under way when the connection was lost. */
  async #look({ own, version }: Mark): Promise<'executed' | 'notExecuted' | 'unknown'> {
    try {
      await this.#zk.sync('/', unbound)
      const found = await this.#zk.find(own.path, unbound)
      if (this.#zk.epoch !== own.epoch || found === undefined) return 'unknown'
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
    if (mark !== undefined && mark.own.epoch === this.#zk.epoch) void withdraw(this.#zk, mark.own)
  }
}
