/** The time that one call may take, over all its requests, and how fast it tries again. */
import { KeeperError } from '@lightkeeper/protocol'
import type { Clock, Random } from '@lightkeeper/runtime'
import { hearAbort, unhearAbort } from '../arguments/abort.ts'
import { isThenable } from '../codec.ts'
import type { CallOptions } from '../options.ts'

export interface BudgetHost {
  readonly clock: Clock
  readonly random: Random
  /**
   * How long a call without a timeout keeps trying without success, milliseconds: `requestTimeout` of the client. A host that never
   * tries again has none.
   */
  readonly vainMsMax?: number
}

/**
 * Bound of the wait before the second unsuccessful try, milliseconds; half of it is random, and it doubles. The first try has no
 * wait.
 */
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

  /** Options of the next request. @throws the reason of the signal; KeeperError TIMEOUT when no time is left. */
  step(): CallOptions {
    this.#signal?.throwIfAborted()
    if (this.#deadline === undefined) return { signal: this.#signal }
    const left = this.#deadline - this.#host.clock.now()
    if (left > 0) return { signal: this.#signal, timeout: left }
    throw this.#timedOut(`not done within ${this.#timeoutMs} ms`)
  }

  /**
   * Lets a call try again after `error`, after a pause that grows. The caller must know a reason why another try can succeed.
   * @throws KeeperError TIMEOUT when the time of the call is over; for a call without a timeout, when all tries during
   * `requestTimeout` failed.
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

  /** Waits, but only as long as time is left. */
  async pause(ms: number): Promise<void> {
    const { signal, timeout = ms } = this.step()
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        timer.cancel()
        reject(signal?.reason as Error)
      }
      const timer = this.#host.clock.after(Math.min(ms, timeout), () => {
        unhearAbort(signal, abort)
        resolve()
      })
      hearAbort(signal, abort)
    })
  }

  /** The result of `work`, if it comes in time. An error that `work` throws goes to the caller unchanged. */
  async within<T>(work: T | PromiseLike<T>): Promise<T> {
    return isThenable(work) ? this.until(Promise.resolve(work)) : work
  }

  /** The result of `promise`, for a part of a call that has no limit of its own. @throws as `step`, as soon as no time is left. */
  async until<T>(promise: Promise<T>): Promise<T> {
    // The promise has begun. Where no time is left, nothing else handles its rejection.
    promise.catch(() => {})
    const { signal, timeout } = this.step()
    const hasLimit = timeout !== undefined && timeout !== Number.POSITIVE_INFINITY
    if (signal === undefined && !hasLimit) return promise
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => reject(signal?.reason as Error)
      const timer = hasLimit
        ? this.#host.clock.after(timeout, () => reject(this.#timedOut(`not done within ${this.#timeoutMs} ms`)))
        : undefined
      hearAbort(signal, abort)
      const settle = (): void => {
        timer?.cancel()
        unhearAbort(signal, abort)
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
