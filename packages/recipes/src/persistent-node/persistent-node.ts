/**
 * A znode that exists as long as this object lives. It is created again when it is deleted or its session ends, and written again
 * when another client writes to it. One loop looks, does one step, and waits for the next event.
 */
import { type Acl, type Client, type Data, KeeperError, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'
import { acl, callable, oneOf, signal as signalCheck, timeout as timeoutCheck } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlace } from '../arguments/places.ts'
import { data as dataCheck } from '../arguments/values.ts'
import { Backoff } from '../common/backoff.ts'
import { answerOf, callSafely } from '../common/call-safely.ts'
import { isOver, isRefusal } from '../common/errors.ts'
import { firstOf } from '../common/first-of.ts'
import { jsonable } from '../common/json-form.ts'
import { type LeaveOptions, type LeftBehind, leaveMs, leaving } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { Races } from '../common/races.ts'
import { Upkeep } from './upkeep.ts'

/** The options of `persistentNode`. */
export interface PersistentNodeOptions {
  /** Default `ephemeral`. */
  readonly mode?: 'ephemeral' | 'persistent'
  /** How to create missing parents. Default `container`. */
  readonly parents?: 'container' | 'persistent'
  /** The ACL of the znode itself. Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
  /** The ACL of its parent, where that is created; everybody may use the znodes above. Default: everybody may do everything. */
  readonly parentAcl?: readonly Acl[]
  /**
   * Whether a znode of another session under this name is an old one of ours, for example of an earlier process, and must be
   * replaced at once. Called only for a znode that existed before ours. Znodes of earlier sessions of this object are always
   * replaced. Default: no.
   */
  readonly isLeftover?: (data: Uint8Array) => boolean
  /** Ends the wait until it exists for the first time; then nothing is left. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until that wait ends with TIMEOUT; then nothing is left. Default: no limit. */
  readonly timeout?: number | undefined
}

/** Whether the znode is there. */
export type PersistentNodeState =
  /** It was right at the last look. */
  | { readonly kind: 'present'; readonly stat: ZnodeStat }
  /** Not there yet; `error` is that of the last try. */
  | { readonly kind: 'absent'; readonly error?: unknown }
  /** Another session has the name: `owner` is its id, or 0 for a persistent znode. It becomes ours when that znode goes. */
  | { readonly kind: 'taken'; readonly owner: bigint }
  | { readonly kind: 'closed' }

/** Waits after failures, milliseconds: the connection, an ACL or a quota may change. */
const retry = { baseMs: 50, maxMs: 10_000 }
/** Waits where another client undoes our changes again and again, milliseconds. */
const fight = { baseMs: 20, maxMs: 10_000 }
/** After this time without such a change the waits begin anew, milliseconds. */
const fightMs = 30_000

/**
 * Keeps the znode `path` with `data`. Resolves when it exists for the first time.
 * @throws KeeperError with outcome `rejected` where a server refuses it (NO_AUTH, QUOTA_EXCEEDED, NO_CHILDREN_FOR_EPHEMERALS,
 * NO_NODE where the chroot does not exist); the reason of the signal; TIMEOUT; CLOSED. Later failures show in `state`, and it tries
 * again.
 */
export async function persistentNode(
  zk: Client,
  path: ZnodePath,
  data: Data,
  options: PersistentNodeOptions = {},
): Promise<PersistentNode> {
  checkPlace(zk, path, 'persistentNode')
  const own = persistentNodeOptions(options, 'persistentNode')
  const content = dataCheck(data, 'data', 'persistentNode')
  own.signal?.throwIfAborted()
  using limit = new Limit(zk, 'persistentNode', path, own)
  const node = new PersistentNode(zk, path, content, own)
  limit.reason = () => whyNot(node.state)
  const settled = node.settled({ timeout: Number.POSITIVE_INFINITY })
  try {
    await limit.until(settled)
    return node
  } catch (error) {
    settled.catch(() => {})
    void node.close()
    throw error
  }
}

const persistentNodeOptions = optionsOf<PersistentNodeOptions>({
  mode: oneOf('ephemeral', 'persistent'),
  parents: oneOf('container', 'persistent'),
  acl,
  parentAcl: acl,
  isLeftover: callable,
  signal: signalCheck,
  timeout: timeoutCheck,
})

interface Waiter {
  readonly data: Uint8Array
  resolve(): void
  reject(reason: unknown): void
}

/** A znode that is there as long as this object is not closed: it is made again where it was deleted or went with its session. */
export class PersistentNode implements AsyncDisposable {
  /** The path of the znode. */
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #upkeep: Upkeep
  readonly #end = new AbortController()
  readonly #listeners = new Set<(state: PersistentNodeState) => void>()
  readonly #waiters = new Set<Waiter>()
  readonly #kept: Promise<void>
  #data: Uint8Array
  #state: PersistentNodeState = { kind: 'absent' }
  #wake: () => void = () => {}
  #woken: Promise<void> = Promise.resolve()
  #gone: Promise<LeftBehind | undefined> | undefined
  /** The next write is a request of the user, not an answer to another client. */
  #isAsked = true
  readonly #fights: Backoff
  /** When it was last corrected. */
  #mendedAt = Number.NEGATIVE_INFINITY

  /** Use `persistentNode()`. */
  constructor(zk: Client, path: ZnodePath, data: Data, options: PersistentNodeOptions) {
    this.#zk = zk
    this.path = path
    this.#data = bytesOf(data)
    this.#fights = new Backoff(zk, fight)
    const { mode = 'ephemeral', acl, parents, parentAcl, isLeftover } = options
    const making = {
      mode,
      acl,
      parent: { mode: parents, acl: parentAcl },
      isLeftover: (found: Uint8Array) => answerOf(isLeftover?.(found)) === true,
    }
    this.#upkeep = new Upkeep(zk, path, making, this.#end.signal)
    this.#rest()
    this.#kept = this.#keep()
  }

  /** Whether the znode exists, as far as this client knows. */
  get state(): PersistentNodeState {
    return this.#state
  }

  /**
   * Calls `listener` at every change of state until the returned function is called. An error of `listener` is reported to the log
   * of the client, or as a warning of the process.
   */
  onState(listener: (state: PersistentNodeState) => void): () => void {
    callable(listener, 'listener', 'persistentNode.onState')
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Replaces the data. Resolves when the server has it.
   * @throws as `persistentNode`. TIMEOUT after `timeout` (default 5000 ms) and the reason of the signal end only the wait: the data
   * is written as soon as a server is reached.
   */
  async set(data: Data, options?: WaitOptions): Promise<void> {
    const own = callOptions(options, 'persistentNode.set')
    this.#data = bytesOf(dataCheck(data, 'data', 'persistentNode.set'))
    this.#isAsked = true
    this.#wake()
    return this.settled(own)
  }

  /** Resolves when the server has the data that was set last. @throws as `set`. */
  async settled(options?: WaitOptions): Promise<void> {
    const { timeout = leaveMs, signal } = callOptions(options, 'persistentNode.settled')
    if (this.#end.signal.aborted) throw closedError(this.path)
    using limit = new Limit(this.#zk, 'settled', this.path, { signal, timeout })
    limit.reason = () => whyNot(this.state)
    let waiter: Waiter | undefined
    const settled = new Promise<void>((resolve, reject) => {
      waiter = { data: this.#data, resolve, reject }
      this.#waiters.add(waiter)
    })
    settled.catch(() => {})
    try {
      await limit.until(settled)
    } finally {
      if (waiter !== undefined) this.#waiters.delete(waiter)
    }
  }

  /**
   * Removes it. Resolves to undefined when it is gone, or after `timeout` (default 5000 ms) to a KeeperError that says what may
   * remain until the session ends. Never rejects.
   */
  async close(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    const own = callOptions(options, 'persistentNode.close')
    this.#gone ??= this.#leave()
    return leaving(this.#zk, 'close', this.path, this.#gone, own)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** For logs. */
  toJSON(): Record<string, unknown> {
    return { path: this.path, state: this.state }
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end
    const backoff = new Backoff(this.#zk, retry)
    const races = new Races(this.#zk, signal)
    while (!signal.aborted) {
      try {
        const data = this.#data
        const next = await this.#upkeep.step(data, () => this.#calm())
        if (next.kind === 'beaten') {
          await races.lost(next.by, next.seen)
          continue
        }
        races.won()
        backoff.reset()
        if (next.kind === 'stepped') continue
        if (next.kind === 'present') {
          this.#become({ kind: 'present', stat: next.stat })
          this.#settle((waiter) => waiter.resolve(), data)
        } else this.#become({ kind: 'taken', owner: next.stat.ephemeralOwner })
        await firstOf([next.changed, this.#woken], signal)
        this.#rest()
      } catch (error) {
        if (signal.aborted) return
        if (isOver(this.#zk)) return void this.close()
        // Any error that is no KeeperError comes from `isLeftover`.
        if (isRefusal(error) || !KeeperError.is(error)) this.#settle((waiter) => waiter.reject(error))
        this.#become({ kind: 'absent', error })
        await this.#pause(backoff)
        if (this.#isAsked) this.#rest()
      }
    }
  }

  /** Waits before each write: two clients that want different data under one name must not keep a server busy. */
  async #calm(): Promise<void> {
    const { clock } = this.#zk
    const isFight = !this.#isAsked && clock.now() - this.#mendedAt < fightMs
    if (isFight) await this.#pause(this.#fights)
    else this.#fights.reset()
    this.#isAsked = false
    this.#mendedAt = clock.now()
  }

  /** Ends early when other data is set: that must not wait. */
  async #pause(backoff: Backoff): Promise<void> {
    using over = new LinkedAbort(this.#end.signal)
    // Data may not be set for months.
    await firstOf([this.#woken, backoff.pause(over.signal)], over.signal)
    over.abort(undefined)
  }

  async #leave(): Promise<LeftBehind | undefined> {
    this.#end.abort(closedError(this.path))
    this.#settle((waiter) => waiter.reject(this.#end.signal.reason))
    this.#become({ kind: 'closed' })
    await this.#kept
    return this.#upkeep.remove()
  }

  #rest(): void {
    this.#woken = new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #become(next: PersistentNodeState): void {
    const state = jsonable(next)
    this.#state = state
    for (const listener of [...this.#listeners]) callSafely(this.#zk, 'onState', () => listener(state))
  }

  /** Settles the waiters for `data`; without data, all waiters. */
  #settle(how: (waiter: Waiter) => void, data?: Uint8Array): void {
    for (const waiter of [...this.#waiters]) {
      // Data that was replaced meanwhile counts as written together with the newest.
      if (data !== undefined && waiter.data !== data && data !== this.#data) continue
      this.#waiters.delete(waiter)
      how(waiter)
    }
  }
}

function whyNot(state: PersistentNodeState): string | undefined {
  if (state.kind === 'taken') {
    return state.owner === 0n ? 'a znode that lasts has the name' : `session 0x${state.owner.toString(16)} has the name`
  }
  if (state.kind !== 'absent' || state.error === undefined) return undefined
  return state.error instanceof Error ? state.error.message : 'it was refused'
}

function bytesOf(data: Data): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : (data ?? new Uint8Array(0))
}

function closedError(path: ZnodePath): KeeperError {
  return new KeeperError('CLOSED', { path, operation: 'persistentNode', outcome: 'not-sent' })
}
