/** The signal and the time of one waiting call, as one signal that everything the call does can be given. */
import { type CallOptions, type Client, KeeperError, type Timer } from '@lightkeeper/client'
import { LinkedAbort } from './linked.ts'

export interface WaitOptions {
  /** Gives up: the call rejects with the signal's reason, and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up with TIMEOUT. Default: none, it waits for as long as it takes. */
  readonly timeout?: number | undefined
}

export class Limit implements Disposable {
  readonly #abort: LinkedAbort
  readonly #timer: Timer | undefined

  constructor(zk: Client, operation: string, path: string, { signal, timeout }: WaitOptions) {
    this.#abort = new LinkedAbort(signal)
    if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return
    this.#timer = zk.clock.after(timeout, () => {
      const cause = new Error(`not done within ${timeout} ms`)
      this.#abort.abort(new KeeperError('TIMEOUT', { operation, path, outcome: 'unknown', cause }))
    })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Options of every request the call makes: this limit is the only one. */
  get step(): CallOptions {
    return { signal: this.signal, timeout: Number.POSITIVE_INFINITY }
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
