/** What a held lock and a term of office have in common: a tenure, and ways to guard work by it. */
import type { TransactionOp, ZnodePath } from '@lightkeeper/client'
import { type LeaveOptions, type LeftBehind, leaveOptions } from './leaving.ts'
import type { Tenure } from './tenure.ts'

export abstract class Grant implements AsyncDisposable {
  readonly #tenure: Tenure

  constructor(tenure: Tenure) {
    this.#tenure = tenure
  }

  /** The znode that represents it. */
  get path(): ZnodePath {
    return this.#tenure.path
  }

  /**
   * Aborts when it ends, with an `EndedError` that has a code: before a server may end the session and let the next client in, when
   * the znode was deleted, and on release. A process that was stopped for longer finds it aborted, but may have executed a step
   * before: use `guard()` or the token for work that two clients must never do at the same time.
   */
  get signal(): AbortSignal {
    return this.#tenure.signal
  }

  /** Milliseconds for which it certainly lasts; 0 when `signal` is aborted. */
  remaining(): number {
    return this.#tenure.remaining()
  }

  /** An operation for a transaction. The server refuses the transaction once this has ended. */
  guard(): TransactionOp<undefined> {
    return this.#tenure.guard()
  }

  /** Ends it, as its disposal does; for programs without `await using`. Settles like the call that gives it up. */
  async close(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.end(leaveOptions(options, 'close'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  /** Larger than the token of each earlier owner. */
  protected get token(): bigint {
    return this.#tenure.fencingToken
  }

  /** Never rejects; `signal` aborts at once. */
  protected end(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.#tenure.release(options)
  }
}
