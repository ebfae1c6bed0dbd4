/** One term of a leader, from its beginning to its end. */
import type { Client } from '@lightkeeper/client'
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'
import { Grant } from '../common/grant.ts'
import { jsonFormOf } from '../common/json-form.ts'
import { type LeaveOptions, type LeftBehind, leaveOptions } from '../common/leaving.ts'
import type { Tenure } from '../common/tenure.ts'

/** Made by `election(…).terms()`. Its disposal resigns. */
export class Term extends Grant {
  /** The id of the leader, as given to `election`. */
  readonly id: string
  readonly #challenged: (signal: AbortSignal) => AbortSignal
  #challenge: AbortSignal | undefined

  /** Use `election(…).terms()`. */
  constructor(id: string, tenure: Tenure, challenged: (signal: AbortSignal) => AbortSignal) {
    super(tenure)
    this.id = id
    this.#challenged = challenged
  }

  /**
   * Grows with every term at this path: a resource that refuses epochs smaller than the largest one seen is safe from earlier
   * leaders.
   */
  get epoch(): bigint {
    return this.token
  }

  /**
   * Aborts when a candidate with a higher priority waits; resign when it suits. The line is watched only if this property is used.
   */
  get challenged(): AbortSignal {
    this.#challenge ??= this.#challenged(this.signal)
    return this.#challenge
  }

  /**
   * Ends the term; `signal` aborts at once. Resolves to undefined when others may lead, or after `timeout` (default 5000 ms) to a
   * KeeperError that says what may remain until the session ends. Never rejects, even if the term had ended before.
   */
  async resign(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.end(leaveOptions(options, 'resign'))
  }

  /** For logs; the epoch as decimal text. */
  toJSON(): Record<string, unknown> {
    const { id, path, epoch } = this
    return jsonFormOf({ id, path, epoch, isLeading: !this.signal.aborted, remaining: this.remaining() })
  }
}

/** One term after the other, each begun by `begin`, until `signal` aborts or the client is closed. */
export async function* termsOf(
  zk: Client,
  signal: AbortSignal | undefined,
  begin: () => Promise<Term | undefined>,
): AsyncGenerator<Term, void, void> {
  while (signal?.aborted !== true) {
    const term = await begin()
    if (term === undefined) return
    const onAbort = (): void => void term.resign()
    hearAbort(signal, onAbort)
    try {
      // It may abort after `begin` has looked at it, and before we hear of it.
      if (signal?.aborted) return
      yield term
    } finally {
      unhearAbort(signal, onAbort)
      await term.resign()
    }
    if (zk.state.kind === 'closed') return
  }
}
