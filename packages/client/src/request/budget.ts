/** The time one call may take, shared by all the requests it makes. */
import { KeeperError } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import { isThenable } from '../codec.ts'
import type { CallOptions } from '../options.ts'

export class Budget {
  readonly #clock: Clock
  readonly #operation: string
  readonly #path: string | undefined
  readonly #signal: AbortSignal | undefined
  readonly #timeoutMs: number | undefined
  readonly #deadline: number | undefined

  constructor(clock: Clock, operation: string, path: string | undefined, { signal, timeout }: CallOptions) {
    this.#clock = clock
    this.#operation = operation
    this.#path = path
    this.#signal = signal
    this.#timeoutMs = timeout
    this.#deadline = timeout === undefined ? undefined : clock.now() + timeout
  }

  /** Options of the next request. @throws the signal's reason; KeeperError TIMEOUT when nothing is left. */
  step(): CallOptions {
    this.#signal?.throwIfAborted()
    if (this.#deadline === undefined) return { signal: this.#signal }
    const left = this.#deadline - this.#clock.now()
    if (left > 0) return { signal: this.#signal, timeout: left }
    throw this.#timedOut()
  }

  /** What `work` gives, but no longer than is left. It belongs to the caller, so what it throws goes there as it is. */
  async within<T>(work: T | PromiseLike<T>): Promise<T> {
    const deadline = this.#deadline
    if (!isThenable(work)) return work
    if (this.#signal === undefined && (deadline === undefined || deadline === Number.POSITIVE_INFINITY)) return work
    const { signal, timeout } = this.step()
    let stop = (): void => {}
    const over = new Promise<never>((_, reject) => {
      const abort = (): void => reject(signal?.reason as Error)
      const timer = timeout === undefined ? undefined : this.#clock.after(timeout, () => reject(this.#timedOut()))
      signal?.addEventListener('abort', abort, { once: true })
      stop = () => {
        timer?.cancel()
        signal?.removeEventListener('abort', abort)
      }
    })
    try {
      return await Promise.race([work, over])
    } finally {
      stop()
    }
  }

  #timedOut(): KeeperError {
    const cause = new Error(`not done within ${this.#timeoutMs} ms`)
    return new KeeperError('TIMEOUT', { operation: this.#operation, path: this.#path, outcome: 'unknown', cause })
  }

  /** Waits, but no longer than is left. */
  async pause(ms: number): Promise<void> {
    const { signal, timeout = ms } = this.step()
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        timer.cancel()
        reject(signal?.reason as Error)
      }
      const timer = this.#clock.after(Math.min(ms, timeout), () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}
