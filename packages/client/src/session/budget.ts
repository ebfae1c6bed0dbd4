/** The time one call may take, shared by all the requests it makes, and the pace at which it tries again. */
import { KeeperError } from '@lightkeeper/protocol'
import type { Clock, Random } from '@lightkeeper/runtime'
import { isThenable } from '../codec.ts'
import type { CallOptions } from '../options.ts'

export interface BudgetHost {
  readonly clock: Clock
  readonly random: Random
  /**
   * For how long a call without a time of its own goes on trying in vain, milliseconds: `requestTimeout` of the client. A host that never
   * tries again has none.
   */
  readonly vainMsMax?: number
}

/** Bound of the wait before the second try in vain, milliseconds, of which half is random; it doubles. The first is made at once. */
const againMsMin = 10
const againMsMax = 1_000

export class Budget {
  readonly #host: BudgetHost
  readonly #operation: string
  readonly #path: string | undefined
  readonly #signal: AbortSignal | undefined
  readonly #timeoutMs: number | undefined
  readonly #deadline: number | undefined
  #triesInVain = 0
  #inVainSince = 0
  #lastRefusal: unknown

  constructor(host: BudgetHost, operation: string, path: string | undefined, { signal, timeout }: CallOptions) {
    this.#host = host
    this.#operation = operation
    this.#path = path
    this.#signal = signal
    this.#timeoutMs = timeout
    this.#deadline = timeout === undefined ? undefined : host.clock.now() + timeout
  }

  /** Options of the next request. @throws the signal's reason; KeeperError TIMEOUT when nothing is left. */
  step(): CallOptions {
    this.#signal?.throwIfAborted()
    if (this.#deadline === undefined) return { signal: this.#signal }
    const left = this.#deadline - this.#host.clock.now()
    if (left > 0) return { signal: this.#signal, timeout: left }
    throw this.#timedOut(`not done within ${this.#timeoutMs} ms`)
  }

  /**
   * Lets a call try again what failed with `error`, after a pause that grows. The caller has a reason why another try can win.
   * @throws KeeperError TIMEOUT when the time of the call is over; without one, when all tries were in vain for `requestTimeout`.
   */
  async again(error: unknown): Promise<void> {
    const { clock, random, vainMsMax = Number.POSITIVE_INFINITY } = this.#host
    this.#lastRefusal = error
    if (this.#triesInVain === 0) this.#inVainSince = clock.now()
    else if (this.#deadline === undefined && clock.now() - this.#inVainSince >= vainMsMax) {
      throw this.#timedOut(`not done after ${this.#triesInVain + 1} tries within ${vainMsMax} ms`)
    }
    const boundMs = Math.min(againMsMax, againMsMin * 2 ** Math.min(this.#triesInVain, 10))
    const isFirst = this.#triesInVain++ === 0
    if (isFirst) this.step()
    else await this.pause(boundMs / 2 + random.below(boundMs / 2))
  }

  /** Waits, but no longer than is left. */
  async pause(ms: number): Promise<void> {
    const { signal, timeout = ms } = this.step()
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        timer.cancel()
        reject(signal?.reason as Error)
      }
      const timer = this.#host.clock.after(Math.min(ms, timeout), () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** What `work` gives, but no longer than is left. It belongs to the caller, so what it throws goes there as it is. */
  async within<T>(work: T | PromiseLike<T>): Promise<T> {
    return isThenable(work) ? this.until(Promise.resolve(work)) : work
  }

  /** What `promise` gives, for a part of a call that has no limit of its own. @throws as `step`, as soon as that is so. */
  async until<T>(promise: Promise<T>): Promise<T> {
    // Begun already: where no time is left, its end has no other handler.
    promise.catch(() => {})
    const { signal, timeout } = this.step()
    const hasLimit = timeout !== undefined && timeout !== Number.POSITIVE_INFINITY
    if (signal === undefined && !hasLimit) return promise
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => reject(signal?.reason as Error)
      const timer = hasLimit
        ? this.#host.clock.after(timeout, () => reject(this.#timedOut(`not done within ${this.#timeoutMs} ms`)))
        : undefined
      signal?.addEventListener('abort', abort, { once: true })
      const settle = (): void => {
        timer?.cancel()
        signal?.removeEventListener('abort', abort)
      }
      promise.then(
        (value) => {
          settle()
          resolve(value)
        },
        (error: unknown) => {
          settle()
          reject(error as Error)
        },
      )
    })
  }

  #timedOut(why: string): KeeperError {
    const last = this.#lastRefusal
    const message = last instanceof Error ? `${why}; the last try failed with ${last.message}` : why
    const cause = last ?? new Error(why)
    return new KeeperError('TIMEOUT', {
      operation: this.#operation,
      path: this.#path,
      outcome: 'unknown',
      message,
      cause,
    })
  }
}
