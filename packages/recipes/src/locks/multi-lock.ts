/** Several locks as one: all of them or none. */
import type { CallOptions, Client, TransactionOp, ZnodePath } from '@lightkeeper/client'
import { type Check, list, looking, withMethods, wrongType } from '@lightkeeper/client/arguments'
import { callOptions } from '../arguments/options.ts'
import { client, path as pathCheck } from '../arguments/places.ts'
import { type LeaveOptions, type LeftBehind, leaveOptions } from '../common/leaving.ts'
import { within } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import type { Held } from './held.ts'
import { type Lockable, lock } from './lock.ts'

/** Several locks that are taken and released together. */
export interface MultiLock {
  /** The znodes of the locks, in the order in which they are taken. */
  readonly paths: readonly ZnodePath[]
  /**
   * Takes one lock after the other. If one fails, those taken before are released.
   * @throws as `Lockable.acquire`; `timeout` is for all of them together.
   */
  acquire(options?: CallOptions): Promise<HeldAll>
  /** As `acquire`, but returns undefined where one of them is not free at once; then nothing is held. */
  tryAcquire(options?: CallOptions): Promise<HeldAll | undefined>
}

/**
 * All of `locks`, or none: paths of mutexes, or any objects that can be acquired. They are taken in the order of their paths,
 * whatever their order in the list, so two clients with the same locks never wait for each other.
 */
export function multiLock(zk: Client, locks: readonly (ZnodePath | Lockable)[]): MultiLock {
  client(zk, 'zk', 'multiLock')
  const own = looking('locks', 'multiLock', () => lockables(locks, 'locks', 'multiLock'))
  if (own.length === 0) throw wrongType('multiLock', 'locks', 'a list with one lock at least', locks)
  const all = own
    .map((each) => (typeof each === 'string' ? lock(zk, each) : each))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const paths = all.map(({ path }) => path)
  const twice = paths.find((path, i) => path === paths[i + 1])
  if (twice !== undefined) throw new TypeError(`${twice} is named twice: the second would wait for the first`)
  const take = (options: CallOptions, next: (each: Lockable, step: CallOptions) => Promise<Held | undefined>) =>
    within(zk, 'multi lock', paths.join(' '), options, async (limit) => {
      const held: Held[] = []
      try {
        for (const each of all) {
          const one = await next(each, limit.step)
          if (one === undefined) break
          held.push(one)
        }
      } finally {
        if (held.length < all.length) for (const each of held.reverse()) void each.release()
      }
      return held.length < all.length ? undefined : new HeldAll(held)
    })
  return {
    paths,
    async acquire(options) {
      return (await take(callOptions(options, 'multiLock.acquire'), (each, step) => each.acquire(step))) as HeldAll
    },
    async tryAcquire(options) {
      return take(callOptions(options, 'multiLock.tryAcquire'), (each, step) => each.tryAcquire(step))
    },
  }
}

const lockable = withMethods<Lockable>(
  'a path, or something that has acquire() and tryAcquire()',
  'acquire',
  'tryAcquire',
)
const each: Check<ZnodePath | Lockable> = (value, name, operation) => {
  if (typeof value === 'string') return pathCheck(value, name, operation)
  const own = lockable(value, name, operation)
  pathCheck(own.path, `${name}.path`, operation)
  return own
}
const lockables = list(each, 'a list of paths and of locks')

/** Several locks that are held together, made by `multiLock(…).acquire()`. */
export class HeldAll implements AsyncDisposable {
  /** In the order in which they were taken. */
  readonly held: readonly Held[]
  readonly #abort: LinkedAbort

  /** Use `multiLock(…).acquire()`. */
  constructor(held: readonly Held[]) {
    this.held = held
    this.#abort = new LinkedAbort(...held.map(({ signal }) => signal))
  }

  /** Aborts when one of them is lost. The others stay held until `release`. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Milliseconds for which all of them are certainly held. */
  remaining(): number {
    return this.signal.aborted ? 0 : Math.min(...this.held.map((each) => each.remaining()))
  }

  /** Operations for a transaction. The server refuses it unless all of them are still held. */
  guards(): TransactionOp<undefined>[] {
    return this.held.map((each) => each.guard())
  }

  /** Releases all of them, in reverse order, as `release` of each. Resolves to what is left of one of them. */
  async release(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    const own = leaveOptions(options, 'release')
    const left = await Promise.all([...this.held].reverse().map((each) => each.release(own)))
    return left.find((each) => each !== undefined)
  }

  /** As `release`, by the name that everything disposable has. */
  close(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    return this.release(options)
  }

  /** For logs. */
  toJSON(): Record<string, unknown> {
    return { held: this.held, isHeld: !this.signal.aborted, remaining: this.remaining() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
