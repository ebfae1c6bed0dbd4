/** The signal and the timeout of one waiting call, as one signal for all its requests. */
import { type CallOptions, type Client, KeeperError, type Timer } from '@lightkeeper/client'
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'
import { LinkedAbort } from './linked.ts'

/** How long a call may wait. */
export interface WaitOptions {
  /** Gives up: the call rejects with the reason of the signal and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up with TIMEOUT. Default: no limit. */
  readonly timeout?: number | undefined
}

export interface Patience {
  /** Without a `timeout`, the call ends when one of its requests takes longer than the client's `requestTimeout`. */
  readonly isEachBound?: boolean
  /** `outcome` of the error TIMEOUT. Default `unknown`. */
  readonly outcome?: 'unknown' | 'rejected'
}

export class Limit implements Disposable {
  readonly #abort: LinkedAbort
  readonly #timer: Timer | undefined
  /** Options for each request of the call. No other limit applies, except as `Patience` says. */
  readonly step: CallOptions
  /** The reason in the error TIMEOUT while a server is reached; undefined where none is known. */
  reason: () => string | undefined = () => undefined

  /** The error TIMEOUT shows `operation` and `path`. */
  constructor(zk: Client, operation: string, path: string, { signal, timeout }: WaitOptions, how: Patience = {}) {
    this.#abort = new LinkedAbort(signal)
    const isBound = signal !== undefined || timeout !== undefined
    const isEachBound = timeout === undefined && how.isEachBound === true
    this.step = {
      ...(isBound ? { signal: this.signal } : {}),
      ...(isEachBound ? {} : { timeout: Number.POSITIVE_INFINITY }),
    }
    if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return
    this.#timer = zk.clock.after(timeout, () => {
      const { kind } = zk.state
      const away = kind === 'connected' ? undefined : `no server is reached, the client is ${kind}`
      const why = away ?? this.reason()
      const message = `not done within ${timeout} ms${why === undefined ? '' : `: ${why}`}`
      this.#abort.abort(new KeeperError('TIMEOUT', { operation, path, outcome: how.outcome ?? 'unknown', message }))
    })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Resolves to the value of `promise`. @throws the reason of the signal as soon as it aborts. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    let onAbort = (): void => {}
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error)
      hearAbort(signal, onAbort)
    })
    try {
      return await Promise.race([promise, aborted])
    } finally {
      unhearAbort(signal, onAbort)
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#abort[Symbol.dispose]()
  }
}

/** Runs `work` within the limit in `options`. `work` must leave nothing behind when it gives up. */
export async function within<R>(
  zk: Client,
  operation: string,
  path: string,
  options: WaitOptions,
  work: (limit: Limit) => Promise<R>,
): Promise<R> {
  const limit = new Limit(zk, operation, path, options, { isEachBound: true, outcome: 'rejected' })
  try {
    return await work(limit)
  } finally {
    limit[Symbol.dispose]()
  }
}
