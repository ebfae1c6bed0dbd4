/** One leadership, from its beginning to its end. */
import type { Client, TransactionOp, ZnodePath } from '@lightkeeper/client'
import { jsonFormOf } from '../common/json-form.ts'
import { type LeaveOptions, type LeftBehind, leaveOptions } from '../common/leaving.ts'
import type { Tenure } from '../common/tenure.ts'

export class Term implements AsyncDisposable {
  /** Who leads. */
  readonly id: string
  readonly #tenure: Tenure
  readonly #challenged: (signal: AbortSignal) => AbortSignal
  #challenge: AbortSignal | undefined

  /** Use `election(…).terms()`. */
  constructor(id: string, tenure: Tenure, challenged: (signal: AbortSignal) => AbortSignal) {
    this.id = id
    this.#tenure = tenure
    this.#challenged = challenged
  }

  /** The znode that stands for it. */
  get path(): ZnodePath {
    return this.#tenure.path
  }

  /** Grows with every leadership on this path: a resource that refuses a smaller one is safe from leaders of the past. */
  get epoch(): bigint {
    return this.#tenure.fencingToken
  }

  /**
   * Aborts, with an `EndedError` that has a code, when it is over: before a server may end the session and let the next one lead, when the znode was deleted, and
   * when it is resigned. A process that was stopped for longer finds it aborted, but may have run a step before: what must not
   * be done by two is guarded by `guard` or the epoch.
   */
  get signal(): AbortSignal {
    return this.#tenure.signal
  }

  /** Aborts when a candidate of a higher priority waits; resign when it suits. The line is watched only where this is asked for. */
  get challenged(): AbortSignal {
    this.#challenge ??= this.#challenged(this.signal)
    return this.#challenge
  }

  /** Milliseconds for which it certainly lasts, whatever happens from now on; 0 when it is over. */
  remaining(): number {
    return this.#tenure.remaining()
  }

  /** An operation for a transaction, which the server refuses in the next term, and as soon as this one is resigned. */
  guard(): TransactionOp<undefined> {
    return this.#tenure.guard()
  }

  /**
   * Ends it; `signal` aborts at once. Resolves to undefined when others may lead, or after `timeout` (default 5000 ms) to a
   * KeeperError that says what may be left until the session ends. Never rejects, also where the term was over before.
   */
  async resign(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.#tenure.release(leaveOptions(options, 'resign'))
  }

  /** For logs; the epoch as decimal text. */
  toJSON(): Record<string, unknown> {
    const { id, path, epoch } = this
    return jsonFormOf({ id, path, epoch, isLeading: !this.signal.aborted, remaining: this.remaining() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign()
  }
}

/** Terms one after the other, each begun by `begin`, until `signal` aborts or the client is closed. */
export async function* termsOf(
  zk: Client,
  signal: AbortSignal | undefined,
  begin: () => Promise<Term | undefined>,
): AsyncGenerator<Term, void, void> {
  while (signal?.aborted !== true) {
    const term = await begin()
    if (term === undefined) return
    const onAbort = (): void => void term.resign()
    // `begin` gives no term where the signal has aborted.
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      yield term
    } finally {
      signal?.removeEventListener('abort', onAbort)
      // Not given up where the session is gone for good: then it has ended by itself.
      await term.resign()
    }
    if (zk.state.kind === 'closed') return
  }
}
