/** The time one call of a recipe may take, as a signal for all the requests it makes. */
import { type CallOptions, type Client, KeeperError, type Timer } from '@lightkeeper/client'
import { LinkedAbort } from './linked.ts'

export class Limit implements Disposable {
  readonly #abort: LinkedAbort | undefined
  readonly #timer: Timer | undefined
  readonly #step: CallOptions

  /** `operation` and `path` are what the error TIMEOUT tells. */
  constructor(zk: Client, operation: string, path: string, { signal, timeout }: CallOptions) {
    this.#step = {}
    if (signal === undefined && timeout === undefined) return
    const abort = new LinkedAbort(signal)
    this.#abort = abort
    this.#step = { signal: abort.signal }
    if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return
    // Longer than all of it: the client's own limit of a request must not end what may take longer.
    this.#step = { signal: abort.signal, timeout: timeout + 1_000 }
    this.#timer = zk.clock.after(timeout, () => {
      const message = `not done within ${timeout} ms`
      abort.abort(new KeeperError('TIMEOUT', { operation, path, outcome: 'rejected', message }))
    })
  }

  /** Aborts with the caller's reason, or with KeeperError TIMEOUT. */
  get signal(): AbortSignal | undefined {
    return this.#abort?.signal
  }

  /** For each request of the call. */
  get step(): CallOptions {
    return this.#step
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#abort?.[Symbol.dispose]()
  }
}

/** Does `work` within the limit that `options` give. */
export async function within<R>(
  zk: Client,
  operation: string,
  path: string,
  options: CallOptions,
  work: (limit: Limit) => Promise<R>,
): Promise<R> {
  const limit = new Limit(zk, operation, path, options)
  try {
    return await work(limit)
  } finally {
    limit[Symbol.dispose]()
  }
}
