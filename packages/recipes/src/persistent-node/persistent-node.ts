/**
 * A znode that is there for as long as this object lives: made again when it or its session goes, written again when somebody
 * else writes it. One loop looks, does one step, and waits for the next event.
 */
import {
  type Acl,
  type Client,
  type Data,
  KeeperError,
  op,
  type WatchedEvent,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { firstOf } from '../common/first-of.ts'
import { isOver } from '../common/repeat.ts'
import { sleep } from '../common/sleep.ts'
import { type Found, stepFor } from './decide.ts'

export interface PersistentNodeOptions {
  /** Default `ephemeral`. */
  readonly mode?: 'ephemeral' | 'persistent'
  /** How missing parents are made. Default `container`. */
  readonly parents?: 'container' | 'persistent'
  /** Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
  /**
   * Whether a znode of another session under this name is a leftover of ours, to be replaced at once: one of a process before
   * this one, say. Only what was there before us is asked about, and earlier sessions of this object are known without.
   * Default: no.
   */
  readonly isLeftover?: (data: Uint8Array) => boolean
  /** Ends the wait for the first time it is there; nothing is left then. */
  readonly signal?: AbortSignal | undefined
}

export type PersistentNodeState =
  /** As it should be, when last looked at. */
  | { readonly kind: 'present'; readonly stat: ZnodeStat }
  /** On its way; `error` is what stood in the way at the last try. */
  | { readonly kind: 'absent'; readonly error?: unknown }
  /** Somebody else has the name: the session, or 0 for a znode that lasts. It is ours as soon as that goes. */
  | { readonly kind: 'taken'; readonly owner: bigint }
  | { readonly kind: 'closed' }

const retryMsMax = 10_000
/** Codes that tell of a race with somebody else, after which one looks again. */
const races = new Set(['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION', 'TRANSACTION_FAILED'])

/**
 * Keeps `path` there with `data`. Resolves when it is there for the first time.
 * @throws KeeperError with outcome `rejected` where a server refuses it (NO_AUTH, NO_CHILDREN_FOR_EPHEMERALS); the reason of the
 *   signal; CLOSED. Later failures show in `state`, and are tried again.
 */
export async function persistentNode(
  zk: Client,
  path: ZnodePath,
  data: Data,
  options: PersistentNodeOptions = {},
): Promise<PersistentNode> {
  const { signal } = options
  signal?.throwIfAborted()
  const node = new PersistentNode(zk, path, data, options)
  const onAbort = (): void => void node.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await node.settled()
    return node
  } catch (error) {
    void node.close()
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

interface Seen {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
  readonly changed: Promise<WatchedEvent>
}

interface Waiter {
  readonly data: Uint8Array
  resolve(): void
  reject(reason: unknown): void
}

export class PersistentNode implements AsyncDisposable {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #options: PersistentNodeOptions
  readonly #isEphemeral: boolean
  /** Czxid of the latest that was ours: whoever came after it is no leftover, or two would replace each other for ever. */
  #czxid: bigint | undefined
  /** Those in which it was made. */
  readonly #sessions = new Set<bigint>()
  readonly #end = new AbortController()
  readonly #listeners = new Set<(state: PersistentNodeState) => void>()
  readonly #waiters = new Set<Waiter>()
  readonly #kept: Promise<void>
  #data: Uint8Array
  #isFirst = true
  /** What a look that was sent behind a create has found; it may be from before that. */
  #early: Promise<Seen | undefined> | undefined
  #state: PersistentNodeState = { kind: 'absent' }
  #wake: () => void = () => {}
  #woken: Promise<void> = Promise.resolve()
  #gone: Promise<void> | undefined

  /** Use `persistentNode()`. */
  constructor(zk: Client, path: ZnodePath, data: Data, options: PersistentNodeOptions) {
    this.#zk = zk
    this.path = path
    this.#options = options
    this.#isEphemeral = (options.mode ?? 'ephemeral') === 'ephemeral'
    this.#data = bytesOf(data)
    this.#rest()
    this.#kept = this.#keep()
  }

  get state(): PersistentNodeState {
    return this.#state
  }

  /** Calls `listener` at every change of state until the returned function is called. */
  onState(listener: (state: PersistentNodeState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Other data from now on. Resolves when the server has it, rejects as `persistentNode` does. */
  set(data: Data): Promise<void> {
    this.#data = bytesOf(data)
    this.#wake()
    return this.settled()
  }

  /** Resolves when the server has what is wanted now. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end.signal.aborted) reject(closedError(this.path))
      else this.#waiters.add({ data: this.#data, resolve, reject })
    })
  }

  /** Removes it. Resolves when it is gone, or bound to go with its session; never rejects. */
  close(): Promise<void> {
    this.#gone ??= this.#leave()
    return this.#gone
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end
    for (let failures = 0; !signal.aborted; ) {
      try {
        const next = await this.#step()
        failures = 0
        if (next === undefined) continue
        await firstOf([next.changed, this.#woken], signal)
        this.#rest()
      } catch (error) {
        if (signal.aborted) return
        if (isOver(this.#zk)) return void this.close()
        if (KeeperError.is(error) && races.has(error.code)) continue
        if (KeeperError.is(error) && error.outcome === 'rejected') this.#settle((waiter) => waiter.reject(error))
        this.#tell({ kind: 'absent', error })
        failures++
        const waitMs = 1 + this.#zk.random.below(Math.min(retryMsMax, 50 * 2 ** Math.min(failures, 10)))
        await sleep(this.#zk.clock, waitMs, signal)
      }
    }
  }

  /** Looks and does what is next. Resolves to the event to wait for, or to undefined where it is to look again at once. */
  async #step(): Promise<{ readonly changed: Promise<WatchedEvent> } | undefined> {
    const { signal } = this.#end
    const wanted = { isEphemeral: this.#isEphemeral, data: this.#data }
    const early = this.#early
    this.#early = undefined
    // At first it is most likely missing: no look costs a round trip where a refused create tells as much.
    const seen = this.#isFirst ? undefined : await (early ?? this.#look())
    this.#isFirst = false
    // From before the create, which had to make parents first.
    if (early !== undefined && seen === undefined) return undefined
    const isOlder = seen !== undefined && (this.#czxid === undefined || seen.stat.czxid < this.#czxid)
    const isLeftover = ({ owner, data }: Found): boolean =>
      this.#sessions.has(owner) || (isOlder && this.#options.isLeftover?.(data) === true)
    const found = seen && { owner: seen.stat.ephemeralOwner, data: seen.data }
    const step = stepFor(found, wanted, this.#zk.sessionId, isLeftover)
    if (seen === undefined || step === 'create') {
      const creating = this.#zk.create(this.path, wanted.data, {
        ...this.#creation,
        parents: this.#options.parents === 'persistent' ? true : 'container',
        signal,
      })
      // Right behind it, for the next step.
      const early = this.#look()
      early.catch(() => {})
      const { stat } = await creating
      this.#early = early
      if (this.#isEphemeral) this.#sessions.add(stat.ephemeralOwner)
      return undefined
    }
    const { version } = seen.stat
    if (step === 'write') {
      await this.#zk.set(this.path, wanted.data, { version, signal })
      return undefined
    }
    if (step === 'replace') {
      const made = op.create(this.path, wanted.data, this.#creation)
      await this.#zk.transaction(op.delete(this.path, { version }), made)
      if (this.#isEphemeral) this.#sessions.add(this.#zk.sessionId)
      return undefined
    }
    if (step === 'rest') {
      this.#czxid = seen.stat.czxid
      this.#tell({ kind: 'present', stat: seen.stat })
      this.#settle((waiter) => waiter.resolve(), wanted.data)
    } else this.#tell({ kind: 'taken', owner: seen.stat.ephemeralOwner })
    return seen
  }

  get #creation() {
    const { acl } = this.#options
    return { mode: this.#isEphemeral ? 'ephemeral' : 'persistent', ...(acl === undefined ? {} : { acl }) } as const
  }

  async #look(): Promise<Seen | undefined> {
    try {
      const { data, stat, changed } = await this.#zk.get(this.path, { watch: true, signal: this.#end.signal })
      return { data, stat, changed: changed as Promise<WatchedEvent> }
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  async #leave(): Promise<void> {
    this.#end.abort(closedError(this.path))
    this.#settle((waiter) => waiter.reject(this.#end.signal.reason))
    this.#tell({ kind: 'closed' })
    await this.#kept
    for (let tries = 0; !isOver(this.#zk); tries++) {
      try {
        // Behind whatever was given up on its way.
        const [, { stat }] = await Promise.all([this.#zk.sync(this.path), this.#zk.get(this.path)])
        const isOurs = this.#isEphemeral ? this.#isOwn(stat.ephemeralOwner) : stat.ephemeralOwner === 0n
        if (!isOurs) return
        await this.#zk.delete(this.path, { version: stat.version })
        return
      } catch (error) {
        if (
          KeeperError.is(error, 'NO_NODE') ||
          KeeperError.is(error, 'NO_AUTH') ||
          KeeperError.is(error, 'NOT_EMPTY')
        ) {
          return
        }
      }
      await sleep(this.#zk.clock, 1 + this.#zk.random.below(Math.min(2_000, 50 * 2 ** Math.min(tries, 8))))
    }
  }

  #isOwn(owner: bigint): boolean {
    return owner !== 0n && (owner === this.#zk.sessionId || this.#sessions.has(owner))
  }

  #rest(): void {
    this.#woken = new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #tell(state: PersistentNodeState): void {
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state)
  }

  /** Settles those who wait for `data`; all of them where no data is given. */
  #settle(how: (waiter: Waiter) => void, data?: Uint8Array): void {
    for (const waiter of [...this.#waiters]) {
      // Who asked for what was replaced meanwhile has it as good as done.
      if (data !== undefined && waiter.data !== data && data !== this.#data) continue
      this.#waiters.delete(waiter)
      how(waiter)
    }
  }
}

function bytesOf(data: Data): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : (data ?? new Uint8Array(0))
}

function closedError(path: ZnodePath): KeeperError {
  return new KeeperError('CLOSED', { path, operation: 'persistentNode', outcome: 'not-sent' })
}
