/** A lock, or a lease of a semaphore, that this client holds. */
import { EndedError } from '../common/ended.ts'
import { Grant } from '../common/grant.ts'
import { jsonFormOf } from '../common/json-form.ts'
import { type LeaveOptions, type LeftBehind, leaveOptions } from '../common/leaving.ts'
import type { Tenure } from '../common/tenure.ts'

/** The data that Curator's `Revoker` writes into the znode of an owner, to ask for its release. */
export const revocation = '__REVOKE__'

/** Made by `acquire` and `tryAcquire`. Its disposal releases it. */
export class Held extends Grant {
  readonly #revoked = new AbortController()

  /** Use `lock(…).acquire()` and similar calls. */
  constructor(tenure: Tenure) {
    super(tenure)
    tenure.onData((data) => {
      if (new TextDecoder().decode(data) === revocation)
        this.#revoked.abort(new EndedError('REVOKED', this.path, `another client asks for ${this.path}`))
    })
  }

  /** Aborts when another client asks for it (`revoke`, or Curator's `Revoker`). It stays held until it is released. */
  get revoked(): AbortSignal {
    return this.#revoked.signal
  }

  /** Grows with every owner: a resource that refuses tokens smaller than the largest one seen is safe from earlier owners. */
  get fencingToken(): bigint {
    return this.token
  }

  /**
   * Releases it; `signal` aborts at once. Resolves to undefined when its znode is gone, or after `timeout` (default 5000 ms) to a
   * KeeperError that says what may remain until the session ends. Never rejects, even if it was lost before.
   */
  async release(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.end(leaveOptions(options, 'release'))
  }

  /** For logs; the token as decimal text. */
  toJSON(): Record<string, unknown> {
    const { path, fencingToken } = this
    return jsonFormOf({ path, fencingToken, isHeld: !this.signal.aborted, remaining: this.remaining() })
  }
}
