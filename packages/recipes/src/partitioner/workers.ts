/** The work of one member: it locks each assigned item, works on it, and unlocks it when it moves. */
import { type Client, op, type ZnodePath } from '@lightkeeper/client'
import { hearAbort } from '@lightkeeper/client/arguments'
import { Backoff } from '../common/backoff.ts'
import { callSafely, report } from '../common/call-safely.ts'
import { EndedError } from '../common/ended.ts'
import { failedWith, isLost, isOver, refusalOf } from '../common/errors.ts'
import { gone } from '../common/gone.ts'
import { Limit } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { MarkedTransactions } from '../common/marked-transactions.ts'
import { retry } from './assignment.ts'

export interface WorkOptions {
  /**
   * Works on one item, which this member has locked from the call until the promise settles. `signal` aborts when the item will
   * move to another member, or when the session is about to expire; work after that runs at the same time as another member's. When
   * the work ends by itself, the item stays with this member.
   */
  readonly work: (item: string, signal: AbortSignal) => Promise<void>
  /**
   * Called with the error of `work`, or with the error of a server that refuses the lock of the item. The item stays with this
   * member, which tries again: after a second at most, then after longer and longer waits, up to a minute. Default: the first
   * failure of each item is reported to the log of the client, or as a warning of the process; so is an error of this function.
   */
  readonly onError?: (item: string, error: unknown) => void
}

export class Workers {
  readonly #zk: Client
  readonly #path: ZnodePath
  readonly #member: string
  readonly #options: WorkOptions
  readonly #transactions: MarkedTransactions
  readonly #running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>()
  readonly #held = new Set<string>()
  /** Items with a reported failure. */
  readonly #reported = new Set<string>()
  #assigned: ReadonlySet<string> = new Set()
  #hasEnded = false

  /** `path` is that of the partitioner. */
  constructor(zk: Client, path: ZnodePath, member: string, options: WorkOptions) {
    this.#zk = zk
    this.#path = path
    this.#member = member
    this.#options = options
    // Created before the locks, so that they have a parent.
    this.#transactions = new MarkedTransactions(zk, `${path}/locks/%marks`)
  }

  /** Items that are locked now. */
  get held(): ReadonlySet<string> {
    return this.#held
  }

  /** Takes the items of `assigned`, and gives up all others. */
  assign(assigned: readonly string[]): void {
    this.#assigned = new Set(assigned)
    this.#follow()
  }

  /** Gives up all items. Resolves when their work has ended. */
  async end(): Promise<void> {
    this.#hasEnded = true
    for (const { abort } of this.#running.values()) {
      abort.abort(new EndedError('MOVED', this.#path, 'the member leaves'))
    }
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  #follow(): void {
    for (const [item, { abort }] of this.#running) {
      if (!this.#assigned.has(item)) {
        abort.abort(new EndedError('MOVED', this.#path, `${item} moves to another member`))
      }
    }
    // With a closed client, work ends at once, and would begin again for ever.
    if (this.#hasEnded || isOver(this.#zk)) return
    for (const item of this.#assigned) if (!this.#running.has(item)) this.#begin(item)
  }

  #begin(item: string): void {
    const abort = new AbortController()
    const done = this.#own(item, abort.signal).then(() => {
      this.#running.delete(item)
      // The item may have returned meanwhile.
      this.#follow()
    })
    this.#running.set(item, { abort, done })
  }

  /** Locks, works and unlocks until the item moves. Never rejects. */
  async #own(item: string, signal: AbortSignal): Promise<void> {
    const path: ZnodePath = `${this.#path}/locks/${lockName(item)}`
    const backoff = new Backoff(this.#zk, retry)
    while (!signal.aborted && !isOver(this.#zk)) {
      const { epoch } = this.#zk
      using lease = this.#zk.lease()
      try {
        await this.#lock(path, epoch, signal)
      } catch (error) {
        if (signal.aborted || isLost(error)) continue
        this.#report(item, error)
        await backoff.pause(signal)
        continue
      }
      backoff.reset()
      await this.#work(item, signal, lease.signal)
      await this.#transactions.release(path, epoch)
    }
  }

  async #work(item: string, moved: AbortSignal, lost: AbortSignal): Promise<void> {
    using both = new LinkedAbort(moved, lost)
    const { signal } = both
    using _ = this.#zk.hold()
    if (signal.aborted) return
    this.#held.add(item)
    const backoff = new Backoff(this.#zk, { ...retry, maxMs: 10_000 })
    try {
      while (!signal.aborted) {
        try {
          await this.#options.work(item, signal)
          // The work is done, and the item stays ours.
          if (!signal.aborted) await new Promise<void>((resolve) => hearAbort(signal, resolve))
        } catch (error) {
          if (signal.aborted) break
          this.#report(item, error)
          await backoff.pause(signal)
        }
      }
    } finally {
      this.#held.delete(item)
    }
  }

  #report(item: string, error: unknown): void {
    const { onError } = this.#options
    if (onError !== undefined) return callSafely(this.#zk, 'onError of a partitioner', () => onError(item, error))
    if (this.#reported.has(item)) return
    this.#reported.add(item)
    report(this.#zk, `work on ${item}`, error)
  }

  /**
   * Resolves when session `epoch` holds the lock. Marks prevent two members of one session from taking each other's lock for their
   * own.
   */
  async #lock(path: ZnodePath, epoch: number, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#zk)
    for (;;) {
      signal.throwIfAborted()
      try {
        return await this.#transactions.run([op.create(path, this.#member, { mode: 'ephemeral' })], { epoch })
      } catch (error) {
        if (failedWith(error) !== 'NODE_EXISTS') throw refusalOf(error, 'partitioner')
        using limit = new Limit(this.#zk, 'lock', path, { signal })
        // Another member holds it, as long as its znode exists.
        await gone(this.#zk, path, limit)
        await backoff.pause(signal)
      }
    }
  }
}

/** The item as the name of a znode. */
function lockName(item: string): string {
  const name = encodeURIComponent(item)
  return /^\.{0,2}$/.test(name) ? `%${name}` : name
}
