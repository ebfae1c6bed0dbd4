/** A lock, or a lease of a semaphore, in somebody's hands. */
import type { TransactionOp, ZnodePath } from '@lightkeeper/client'
import { EndedError } from '../common/ended.ts'
import { jsonFormOf } from '../common/json-form.ts'
import { type LeaveOptions, type LeftBehind, leaveOptions } from '../common/leaving.ts'
import type { Tenure } from '../common/tenure.ts'

/** What Curator's `Revoker` writes into the znode of an owner that is asked to let go. */
export const revocation = '__REVOKE__'

export class Held implements AsyncDisposable {
  readonly #tenure: Tenure
  readonly #revoked = new AbortController()

  /** Use `lock(…).acquire()` and its like. */
  constructor(tenure: Tenure) {
    this.#tenure = tenure
    tenure.onData((data) => {
      if (new TextDecoder().decode(data) === revocation)
        this.#revoked.abort(new EndedError('REVOKED', this.path, `${this.path} is wanted by another`))
    })
  }

  /** The znode that stands for it. */
  get path(): ZnodePath {
    return this.#tenure.path
  }

  /**
   * Aborts, with an `EndedError` that has a code, when it is not held any more: before a server may end the session and let the next one in, when the znode was
   * deleted, and on release. A process that was stopped for longer finds it aborted, but may have run a step before: what must
   * not be done by two is guarded by `guard` or `fencingToken`.
   */
  get signal(): AbortSignal {
    return this.#tenure.signal
  }

  /** Aborts when somebody asks for it (`revoke`, or Curator's `Revoker`); it stays held until it is released. */
  get revoked(): AbortSignal {
    return this.#revoked.signal
  }

  /** Grows with every owner: a resource that refuses a smaller one than it has seen is safe from owners of the past. */
  get fencingToken(): bigint {
    return this.#tenure.fencingToken
  }

  /** Milliseconds for which it is certainly held, whatever happens from now on; 0 when `signal` is aborted. */
  remaining(): number {
    return this.#tenure.remaining()
  }

  /** An operation for a transaction, which the server refuses unless the lock is still held. */
  guard(): TransactionOp<undefined> {
    return this.#tenure.guard()
  }

  /**
   * Gives it back; `signal` aborts at once. Resolves to undefined when its znode is gone, or after `timeout` (default 5000 ms) to a
   * KeeperError that says what may be left until the session ends. Never rejects, also where it was lost before.
   */
  async release(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.#tenure.release(leaveOptions(options, 'release'))
  }

  /** For logs; the token as decimal text. */
  toJSON(): Record<string, unknown> {
    const { path, fencingToken } = this
    return jsonFormOf({ path, fencingToken, isHeld: !this.signal.aborted, remaining: this.remaining() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
