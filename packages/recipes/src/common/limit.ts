/** The signal and the time of one waiting call, as one signal that everything the call does can be given. */
import { type CallOptions, type Client, KeeperError, type Timer } from '@lightkeeper/client'
import { LinkedAbort } from './linked.ts'

export interface WaitOptions {
  /** Gives up: the call rejects with the signal's reason, and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up with TIMEOUT. Default: none, it waits for as long as it takes. */
  readonly timeout?: number | undefined
}

export interface Patience {
  /** Without a time of its own, the call ends when one of its requests takes longer than the client's `requestTimeout`. */
  readonly isEachBound?: boolean
  /** What the error TIMEOUT says became of the call. Default `unknown`. */
  readonly outcome?: 'unknown' | 'rejected'
}

export class Limit implements Disposable {
  readonly #abort: LinkedAbort
  readonly #timer: Timer | undefined
  /** Options of each request the call makes: this limit is the only one, except as `Patience` says. */
  readonly step: CallOptions
  /** What the error TIMEOUT says stood in the way; undefined where that is not known. */
  tell: () => string | undefined = () => undefined

  /** `operation` and `path` are what the error TIMEOUT tells. */
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
      const why = away ?? this.tell()
      const message = `not done within ${timeout} ms${why === undefined ? '' : `: ${why}`}`
      this.#abort.abort(new KeeperError('TIMEOUT', { operation, path, outcome: how.outcome ?? 'unknown', message }))
    })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What `promise` gives. @throws the signal's reason as soon as it aborts. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    let onAbort = (): void => {}
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      return await Promise.race([promise, aborted])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#abort[Symbol.dispose]()
  }
}

/** Does `work`, which leaves nothing behind when it is given up, within the limit that `options` give. */
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
