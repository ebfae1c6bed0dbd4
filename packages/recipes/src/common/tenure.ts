/** What the first in line has while its znode certainly lives: a lock, a lease of a semaphore, a term of office. */
import { type Client, KeeperError, op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { hearAbort } from '@lightkeeper/client/arguments'
import { Backoff } from './backoff.ts'
import { EndedError } from './ended.ts'
import { type LeaveOptions, type LeftBehind, leaving } from './leaving.ts'
import { LinkedAbort } from './linked.ts'
import { type OwnEphemeral, withdraw } from './own-ephemeral.ts'
import { sleep } from './sleep.ts'

/** Time until we watch our own znode, milliseconds. Most tenures have ended by then, and a watch costs a request and an event. */
const watchAfterMs = 20
/** Waits after failed reads of our own znode, milliseconds: the ACL or the connection may change. */
const readAgain = { baseMs: 500, maxMs: 60_000 }

/** Differences where other clients create znodes with the same name. */
export interface TenureOptions {
  /** Default: a check that the znode exists. */
  readonly guard?: TransactionOp<undefined>
  /** Deletes the znode; must not reject. Default: deletes it as a znode with a name that no other client uses. */
  readonly remove?: () => Promise<LeftBehind | undefined>
}

export class Tenure implements AsyncDisposable {
  readonly path: ZnodePath
  /** Larger than the token of each earlier owner: a resource that refuses tokens smaller than the largest one seen is safe. */
  readonly fencingToken: bigint
  readonly #zk: Client
  readonly #own: OwnEphemeral
  readonly #options: TenureOptions
  readonly #abort: LinkedAbort
  readonly #lease: ReturnType<Client['lease']>
  readonly #hold: Disposable
  readonly #onData = new Set<(data: Uint8Array) => void>()
  #data: Uint8Array | undefined
  #gone: Promise<LeftBehind | undefined> | undefined

  /**
   * Call this in the turn in which `own` was found to be first. `signal` is aborted at once where it is not certain that the
   * session lives.
   */
  constructor(zk: Client, own: OwnEphemeral, options: TenureOptions = {}) {
    this.path = own.path
    this.fencingToken = own.czxid
    this.#zk = zk
    this.#own = own
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
    else hearAbort(signal, onLost)
    if (this.signal.aborted) this.#ended()
    else hearAbort(this.signal, () => this.#ended())
    void this.#follow()
  }

  /**
   * Aborts when this ends: before a server may end the session and let another client in, when the znode is gone, and on release. A
   * process that was stopped meanwhile may continue beside the next owner: use `guard()` or the token for work that matters.
   */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Milliseconds for which this certainly lasts. Every answer of a server renews it. */
  remaining(): number {
    return this.signal.aborted ? 0 : this.#lease.remaining()
  }

  /** An operation for a transaction. The server refuses the transaction unless this still lasts. */
  guard(): TransactionOp<undefined> {
    return this.#options.guard ?? op.check(this.path)
  }

  /** Calls `listener` with the data of the znode when it is known, and whenever another client has written it. */
  onData(listener: (data: Uint8Array) => void): void {
    this.#onData.add(listener)
    if (this.#data !== undefined) listener(this.#data)
  }

  /**
   * Resolves to undefined when the znode is gone, or to what is left. Never rejects. A second call returns the result of the first.
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
    // Also where the lease has ended: the session may live, and the znode would block others.
    const { remove = () => withdraw(this.#zk, this.#own) } = this.#options
    this.#gone = remove()
  }

  /** Notices when another client deletes the znode or writes to it. */
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
