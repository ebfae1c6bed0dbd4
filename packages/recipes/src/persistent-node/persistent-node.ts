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
import { callOptions } from '../arguments/calls.ts'
import {
  acl,
  callable,
  checkPlace,
  data as dataCheck,
  oneOf,
  optionsOf,
  signal as signalCheck,
  timeout as timeoutCheck,
} from '../arguments/checks.ts'
import { Backoff } from '../common/backoff.ts'
import { answerOf, callSafely } from '../common/call-safely.ts'
import { createBelow } from '../common/container.ts'
import { firstOf } from '../common/first-of.ts'
import { jsonable } from '../common/json-form.ts'
import { type LeaveOptions, type LeftBehind, leaveMs, leaving, mayNotBeDeleted } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { Races } from '../common/races.ts'
import { failedWith, isRefusal, refusalOf } from '../common/errors.ts'
import { isOver } from '../common/repeat.ts'
import { type Found, stepFor } from './decide.ts'

export interface PersistentNodeOptions {
  /** Default `ephemeral`. */
  readonly mode?: 'ephemeral' | 'persistent'
  /** How missing parents are made. Default `container`. */
  readonly parents?: 'container' | 'persistent'
  /** The ACL of the znode alone. Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
  /** The ACL of its parent, where that is made; what stands above is open to all. Default: everybody may do everything. */
  readonly parentAcl?: readonly Acl[]
  /**
   * Whether a znode of another session under this name is a leftover of ours, to be replaced at once: one of a process before
   * this one, say. Only what was there before us is asked about, and earlier sessions of this object are known without.
   * Default: no.
   */
  readonly isLeftover?: (data: Uint8Array) => boolean
  /** Ends the wait for the first time it is there; nothing is left then. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until that wait ends with TIMEOUT; nothing is left then. Default: none, it waits for as long as it takes. */
  readonly timeout?: number | undefined
}

export type PersistentNodeState =
  /** As it should be, when last looked at. */
  | { readonly kind: 'present'; readonly stat: ZnodeStat }
  /** On its way; `error` is what stood in the way at the last try. */
  | { readonly kind: 'absent'; readonly error?: unknown }
  /** Somebody else has the name: the session, or 0 for a znode that lasts. It is ours as soon as that goes. */
  | { readonly kind: 'taken'; readonly owner: bigint }
  | { readonly kind: 'closed' }

/** Waits after failures, milliseconds: the server may be reached, or an ACL or a quota be another. */
const retry = { baseMs: 50, maxMs: 10_000 }
/** Waits where somebody else undoes again and again what is done here. */
const fight = { baseMs: 20, maxMs: 10_000 }
/** After so long without that, it is looked upon as another case. */
const fightMs = 30_000
/** Codes of a transaction that tell of a race with somebody else, after which one looks again. */
const raceCodes = new Set(['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION'])
/** How often somebody may write it right before it is deleted. */
const racesMax = 5

/**
 * Keeps `path` there with `data`. Resolves when it is there for the first time.
 * @throws KeeperError with outcome `rejected` where a server refuses it (NO_AUTH, QUOTA_EXCEEDED, NO_CHILDREN_FOR_EPHEMERALS,
 *   NO_NODE where the chroot does not exist); the reason of the signal; TIMEOUT; CLOSED. Later failures show in `state`, and are
 *   tried again.
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
  limit.tell = () => whyNot(node.state)
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

interface Seen {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
  readonly changed: Promise<WatchedEvent>
}

interface Resting {
  readonly kind: 'resting'
  readonly changed: Promise<WatchedEvent>
}

/** Somebody seems to have been faster. */
interface Beaten {
  readonly kind: 'beaten'
  readonly by: unknown
  /** What stood there before. */
  readonly seen: string
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
  /** The next write is one that was asked for. */
  #isAsked = true
  readonly #fights: Backoff
  /** What a look that was sent behind a create has found; it may be from before that. */
  #early: Promise<Seen | undefined> | undefined
  #state: PersistentNodeState = { kind: 'absent' }
  #wake: () => void = () => {}
  #woken: Promise<void> = Promise.resolve()
  #gone: Promise<LeftBehind | undefined> | undefined
  /** When it was last put right. */
  #mendedAt = Number.NEGATIVE_INFINITY

  /** Use `persistentNode()`. */
  constructor(zk: Client, path: ZnodePath, data: Data, options: PersistentNodeOptions) {
    this.#zk = zk
    this.path = path
    this.#options = options
    this.#isEphemeral = (options.mode ?? 'ephemeral') === 'ephemeral'
    this.#data = bytesOf(data)
    this.#fights = new Backoff(zk, fight)
    this.#rest()
    this.#kept = this.#keep()
  }

  get state(): PersistentNodeState {
    return this.#state
  }

  /**
   * Calls `listener` at every change of state until the returned function is called. What it throws is reported to the log of the
   * client, or as a warning of the process.
   */
  onState(listener: (state: PersistentNodeState) => void): () => void {
    callable(listener, 'listener', 'persistentNode.onState')
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Other data from now on. Resolves when the server has it.
   * @throws as `persistentNode`; TIMEOUT after `timeout` (default 5000 ms) and the reason of the signal end the wait alone: it is
   *   written as soon as a server is reached.
   */
  async set(data: Data, options?: WaitOptions): Promise<void> {
    const own = callOptions(options, 'persistentNode.set')
    this.#data = bytesOf(dataCheck(data, 'data', 'persistentNode.set'))
    this.#isAsked = true
    this.#wake()
    return this.settled(own)
  }

  /** Resolves when the server has what is wanted now. @throws as `set`. */
  async settled(options?: WaitOptions): Promise<void> {
    const { timeout = leaveMs, signal } = callOptions(options, 'persistentNode.settled')
    if (this.#end.signal.aborted) throw closedError(this.path)
    using limit = new Limit(this.#zk, 'settled', this.path, { signal, timeout })
    limit.tell = () => whyNot(this.state)
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
   * Removes it. Resolves to undefined when it is gone, or after `timeout` (default 5000 ms) to a KeeperError that says what may be
   * left until the session ends. Never rejects.
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
        const next = await this.#step()
        if (next?.kind === 'beaten') {
          await races.lost(next.by, next.seen)
          continue
        }
        races.won()
        backoff.reset()
        if (next === undefined) continue
        await firstOf([next.changed, this.#woken], signal)
        this.#rest()
      } catch (error) {
        if (signal.aborted) return
        if (isOver(this.#zk)) return void this.close()
        // What is no KeeperError is thrown by `isLeftover`.
        if (isRefusal(error) || !KeeperError.is(error)) this.#settle((waiter) => waiter.reject(error))
        this.#tell({ kind: 'absent', error })
        // Whoever sets other data meanwhile is not kept waiting.
        using woken = new LinkedAbort(signal)
        void this.#woken.then(() => woken.abort(undefined))
        await backoff.pause(woken.signal)
        if (this.#isAsked) this.#rest()
      }
    }
  }

  /** Looks and does what is next. Resolves to the event to wait for, or to undefined where it is to look again at once. */
  async #step(): Promise<Resting | Beaten | undefined> {
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
      this.#sessions.has(owner) || (isOlder && answerOf(this.#options.isLeftover?.(data)) === true)
    const found = seen && { owner: seen.stat.ephemeralOwner, data: seen.data }
    const step = stepFor(found, wanted, this.#zk.sessionId, isLeftover)
    const stood = seen === undefined ? 'nothing' : `${seen.stat.czxid} ${seen.stat.version}`
    if (step !== 'rest' && step !== 'yield') await this.#calm()
    if (seen === undefined || step === 'create') {
      const { parents: mode, parentAcl } = this.#options
      const own = { ...this.#creation, signal }
      const creating = createBelow(this.#zk, this.path, wanted.data, own, { mode, acl: parentAcl })
      // Right behind it, for the next step.
      const early = this.#look()
      early.catch(() => {})
      let stat: ZnodeStat
      try {
        ;({ stat } = await creating)
      } catch (error) {
        if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
        return { kind: 'beaten', by: error, seen: stood }
      }
      this.#early = early
      if (this.#isEphemeral) this.#sessions.add(stat.ephemeralOwner)
      return undefined
    }
    const { version } = seen.stat
    if (step === 'write') {
      try {
        await this.#zk.set(this.path, wanted.data, { version, signal })
      } catch (error) {
        if (!KeeperError.is(error, 'BAD_VERSION') && !KeeperError.is(error, 'NO_NODE')) throw error
        return { kind: 'beaten', by: error, seen: stood }
      }
      return undefined
    }
    if (step === 'replace') {
      const made = op.create(this.path, wanted.data, this.#creation)
      try {
        await this.#zk.transaction(op.delete(this.path, { version }), made)
      } catch (error) {
        const by = refusalOf(error, 'persistentNode')
        if (!raceCodes.has(failedWith(error) ?? '')) throw by
        return { kind: 'beaten', by, seen: stood }
      }
      if (this.#isEphemeral) this.#sessions.add(this.#zk.sessionId)
      return undefined
    }
    if (step === 'rest') {
      this.#czxid = seen.stat.czxid
      this.#tell({ kind: 'present', stat: seen.stat })
      this.#settle((waiter) => waiter.resolve(), wanted.data)
    } else this.#tell({ kind: 'taken', owner: seen.stat.ephemeralOwner })
    return { kind: 'resting', changed: seen.changed }
  }

  /** Before something is written: two who want different things under one name must not keep a server busy with that. */
  async #calm(): Promise<void> {
    const { clock } = this.#zk
    const isFight = !this.#isAsked && clock.now() - this.#mendedAt < fightMs
    if (!isFight) this.#fights.reset()
    else {
      using woken = new LinkedAbort(this.#end.signal)
      void this.#woken.then(() => woken.abort(undefined))
      await this.#fights.pause(woken.signal)
    }
    this.#isAsked = false
    this.#mendedAt = clock.now()
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

  /** Resolves when it is gone, at the latest with its session, or to why it may not be deleted. */
  async #leave(): Promise<LeftBehind | undefined> {
    this.#end.abort(closedError(this.path))
    this.#settle((waiter) => waiter.reject(this.#end.signal.reason))
    this.#tell({ kind: 'closed' })
    await this.#kept
    let races = 0
    const backoff = new Backoff(this.#zk, { baseMs: 50 })
    while (!isOver(this.#zk)) {
      try {
        // Behind whatever was given up on its way.
        const [, { stat }] = await Promise.all([this.#zk.sync(this.path), this.#zk.get(this.path)])
        const isOurs = this.#isEphemeral ? this.#isOwn(stat.ephemeralOwner) : stat.ephemeralOwner === 0n
        if (!isOurs) return undefined
        await this.#zk.delete(this.path, { version: stat.version })
        return undefined
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE')) return undefined
        // Written by somebody between the two: what stands there now is ours all the same.
        const isRace = KeeperError.is(error, 'BAD_VERSION') && ++races < racesMax
        // Refused, it would be again. Anything else came between: the next may get through.
        if (!isRace && KeeperError.is(error) && isRefusal(error)) return mayNotBeDeleted('close', this.path, error)
      }
      await backoff.pause()
    }
    return undefined
  }

  #isOwn(owner: bigint): boolean {
    return owner !== 0n && (owner === this.#zk.sessionId || this.#sessions.has(owner))
  }

  #rest(): void {
    this.#woken = new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #tell(told: PersistentNodeState): void {
    const state = jsonable(told)
    this.#state = state
    for (const listener of [...this.#listeners]) callSafely(this.#zk, () => listener(state))
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
