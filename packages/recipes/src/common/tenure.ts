/** What the first in line has, for as long as its znode certainly lives: a lock, a lease of a semaphore, a term of office. */
import { type Client, KeeperError, op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import type { Contender } from './contender.ts'
import { deleteSurely } from './delete-surely.ts'
import { EndedError } from './ended.ts'
import { type LeaveOptions, type LeftBehind, leaving } from './leaving.ts'
import { LinkedAbort } from './linked.ts'
import { sleep } from './sleep.ts'

/** Until the own znode is watched, milliseconds: most are gone by then, and a watch costs a request and an event. */
const watchAfterMs = 20
/** Waits after reads of the own znode that failed, milliseconds: one that may not be read now may be later. */
const readAgain = { baseMs: 500, maxMs: 60_000 }

/** What is different where another may have a znode of the same name. */
export interface TenureOptions {
  /** Default: a check that the znode is there. */
  readonly guard?: TransactionOp<undefined>
  /** Removes the znode, and never rejects. Default: as one under a name of its own. */
  readonly remove?: () => Promise<LeftBehind | undefined>
}

export class Tenure implements AsyncDisposable {
  readonly path: ZnodePath
  /** Larger than that of everybody who had this before: a resource that refuses smaller ones than it has seen is safe. */
  readonly fencingToken: bigint
  readonly #zk: Client
  readonly #contender: Contender
  readonly #options: TenureOptions
  readonly #abort: LinkedAbort
  readonly #lease: ReturnType<Client['lease']>
  readonly #hold: Disposable
  readonly #onData = new Set<(data: Uint8Array) => void>()
  #data: Uint8Array | undefined
  #gone: Promise<LeftBehind | undefined> | undefined

  /**
   * In the same turn in which `contender` was found to be first. The signal is aborted at once where the session is not certain
   * to live.
   */
  constructor(zk: Client, contender: Contender, options: TenureOptions = {}) {
    this.path = contender.path
    this.fencingToken = contender.czxid
    this.#zk = zk
    this.#contender = contender
    this.#options = options
    this.#lease = zk.lease()
    this.#hold = zk.hold()
    this.#abort = new LinkedAbort()
    const { signal } = this.#lease
    const onLost = (): void => {
      const message = `no server has confirmed the session of ${this.path} in time, or it has ended`
      this.#abort.abort(new EndedError('SESSION_LOST', this.path, message, signal.reason))
    }
    if (signal.aborted) onLost()
    else signal.addEventListener('abort', onLost, { once: true })
    if (this.signal.aborted) this.#ended()
    else this.signal.addEventListener('abort', () => this.#ended(), { once: true })
    void this.#follow()
  }

  /**
   * Aborts when this ends: before a server may end the session and let another in, when the znode is gone, and on release.
   * After that whoever was stopped meanwhile may have company: what matters is guarded by `guard` or the token.
   */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Milliseconds this certainly lasts, whatever happens from now on; renewed by every answer of a server. */
  remaining(): number {
    return this.signal.aborted ? 0 : this.#lease.remaining()
  }

  /** An operation that fails a transaction unless this still lasts, judged by the server. */
  guard(): TransactionOp<undefined> {
    return this.#options.guard ?? op.check(this.path)
  }

  /** Tells of the data of the znode when it is known, and whenever somebody has written it. */
  onData(listener: (data: Uint8Array) => void): void {
    this.#onData.add(listener)
    if (this.#data !== undefined) listener(this.#data)
  }

  /**
   * Resolves to undefined when the znode is gone, or to what is left behind. Never rejects; ends the tenure once, however often it
   * is called.
   */
  release(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    this.#abort.abort(new EndedError('RELEASED', this.path, `${this.path} was released`))
    return leaving(this.#zk, 'release', this.path, this.#gone ?? Promise.resolve(undefined), options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  #ended(): void {
    this.#lease[Symbol.dispose]()
    this.#hold[Symbol.dispose]()
    // Also where the lease has run out: the session may live on, and the znode would keep others out as long.
    const { remove = () => deleteSurely(this.#zk, this.path, this.#contender.epoch) } = this.#options
    this.#gone = remove()
  }

  /** Hears of the end of the znode by other hands, and of what is written to it. */
  async #follow(): Promise<void> {
    const backoff = new Backoff(this.#zk, readAgain)
    await sleep(this.#zk.clock, watchAfterMs, this.signal)
    while (!this.signal.aborted) {
      try {
        const { data, changed } = await this.#zk.get(this.path, { watch: true, signal: this.signal })
        backoff.reset()
        this.#data = data
        for (const listener of this.#onData) listener(data)
        if ((await changed)?.type !== 'dataChanged') this.#lost()
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE')) this.#lost()
        await backoff.pause(this.signal)
      }
    }
  }

  #lost(): void {
    this.#abort.abort(new EndedError('DELETED', this.path, `${this.path} was deleted, or went with its session`))
  }
}
