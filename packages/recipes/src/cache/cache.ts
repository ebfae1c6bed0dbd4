/** A znode or a whole subtree in memory: one watch stream fills it and keeps it up to date. */
import {
  bytes,
  type Client,
  type Codec,
  KeeperError,
  ReadyRequest,
  type VersionOptions,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import {
  boolean,
  hearAbort,
  signal as signalCheck,
  timeout as timeoutCheck,
  unhearAbort,
  zxid as zxidCheck,
} from '@lightkeeper/client/arguments'
import { callOptions, optionsOf, signalOption, versionOptions } from '../arguments/options.ts'
import { checkPlaceOrRoot, path as pathCheck } from '../arguments/places.ts'
import { codec as codecCheck, number } from '../arguments/values.ts'
import { firstOf } from '../common/first-of.ts'
import type { Freshness } from '../common/freshness.ts'
import { type LeaveOptions, leaveMs } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { type CacheChange, type CacheEntry, CacheView, type Untold } from './view.ts'

/** The options of `cache`. */
export interface CacheOptions<T = Uint8Array> extends WaitOptions {
  /** The codec that reads the data. Default: bytes. */
  readonly codec?: Codec<T>
  /** The znode and everything below it. Default false. */
  readonly recursive?: boolean
  /** Milliseconds between the self-audits of the stream, as in `client.watch`. */
  readonly auditInterval?: number
}

/** Znodes in memory, kept up to date by a watch. Reads do not wait. */
export interface Cache<T> extends AsyncDisposable, Iterable<CacheEntry<T>> {
  /** The znode that the cache was opened for. */
  readonly path: ZnodePath
  /** The number of znodes that the cache has now. */
  readonly size: number
  /** Stale while the connection is lost, and once the cache has ended. */
  readonly freshness: Freshness
  /**
   * The znode as the cache has it now; undefined where there is none. `path` is a whole path, as the client takes it.
   * @throws KeeperError BAD_ARGUMENTS for what is no path.
   */
  get(path: ZnodePath): CacheEntry<T> | undefined
  /** Names of the children, sorted. */
  children(path: ZnodePath): readonly string[]
  /**
   * The changes from this call on, an independent stream for each call. A slow reader gets the net difference, so its backlog is
   * bounded. The stream ends with the cache.
   * @throws the error that ended the cache.
   */
  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<CacheChange<T>, void, void>
  /**
   * Resolves when the cache shows this transaction and all earlier ones. `zxid` is that of a Stat or change that was seen
   * elsewhere.
   * @throws KeeperError CLOSED where the cache ends first, DATA_INCONSISTENCY for a transaction that this ensemble does not know.
   */
  atLeast(zxid: bigint, options?: WaitOptions): Promise<void>
  /**
   * Writes an existing znode, at `path` or in the subtree. When it resolves, `get` returns this write or a later one.
   * @throws KeeperError as `client.set`; the codec's own error for a value that it cannot write.
   */
  set(path: ZnodePath, value: T, options?: VersionOptions): Promise<ZnodeStat>
  /** Ends the stream. Resolves when that is done, and not later than `timeout` (default 5000 ms). Never rejects. */
  close(options?: LeaveOptions): Promise<void>
}

/**
 * Resolves when everything is read. A znode that does not exist yet appears later, like any other change.
 * @throws KeeperError where this client may not read the root, TIMEOUT.
 */
export async function cache<T = Uint8Array>(
  zk: Client,
  path: ZnodePath,
  options: CacheOptions<T> = {},
): Promise<Cache<T>> {
  checkPlaceOrRoot(zk, path, 'cache')
  return openCache<T>(zk, path, cacheOptions(options as CacheOptions<unknown>, 'cache') as CacheOptions<T>)
}

const cacheOptions = optionsOf<CacheOptions<unknown>>({
  codec: codecCheck,
  recursive: boolean,
  auditInterval: number('milliseconds', 0, Number.POSITIVE_INFINITY, false),
  signal: signalCheck,
  timeout: timeoutCheck,
})

/** A cache whose owner also writes in other ways. */
export interface OwnCache<T> extends Cache<T> {
  /** Call this when `data` was written and the reply had this Stat: from then on the cache shows at least this write. */
  wrote(path: ZnodePath, data: Uint8Array, stat: ZnodeStat): Promise<void>
}

export async function openCache<T>(zk: Client, path: ZnodePath, options: CacheOptions<T>): Promise<OwnCache<T>> {
  const filled = new WatchedCache<T>(zk, path, options)
  using limit = new Limit(zk, 'cache', path, options)
  try {
    await limit.until(filled.whenLive())
    return filled
  } catch (error) {
    await filled.close()
    throw error
  }
}

class WatchedCache<T> implements OwnCache<T> {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #codec: Codec<T>
  readonly #view = new CacheView<T>()
  readonly #stop = new AbortController()
  readonly #ready = new ReadyRequest()
  readonly #done: Promise<void>
  #waiters: (() => void)[] = []
  #end: { readonly error?: unknown; readonly at: Date } | undefined

  constructor(zk: Client, path: ZnodePath, options: CacheOptions<T>) {
    this.#zk = zk
    this.path = path
    this.#codec = options.codec ?? (bytes as unknown as Codec<T>)
    this.#done = this.#follow(options)
  }

  get size(): number {
    return this.#view.size
  }

  get freshness(): Freshness {
    if (this.#end !== undefined) return { kind: 'stale', since: this.#end.at }
    return this.#view.freshness as Freshness
  }

  get(path: ZnodePath): CacheEntry<T> | undefined {
    pathCheck(path, 'path', 'cache.get')
    return this.#view.get(path)
  }

  children(path: ZnodePath): readonly string[] {
    pathCheck(path, 'path', 'cache.children')
    return this.#view.children(path)
  }

  [Symbol.iterator](): IterableIterator<CacheEntry<T>> {
    return this.#view.entries()
  }

  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<CacheChange<T>, void, void> {
    const { signal } = signalOption(options, 'cache.changes')
    // The changes count from this call, not from the first step of the loop.
    return this.#changes(this.#view.read(), signal)
  }

  async *#changes(reader: Untold<T>, signal: AbortSignal | undefined): AsyncGenerator<CacheChange<T>, void, void> {
    const wakeUp = (): void => this.#wake()
    hearAbort(signal, wakeUp)
    try {
      while (signal?.aborted !== true) {
        const change = this.#view.next(reader)
        if (change !== undefined) yield change
        else if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error
          return
        } else await this.#news()
      }
    } finally {
      unhearAbort(signal, wakeUp)
      this.#view.leave(reader)
    }
  }

  async atLeast(zxid: bigint, options?: WaitOptions): Promise<void> {
    zxidCheck(zxid, 'zxid', 'cache.atLeast')
    using limit = new Limit(this.#zk, 'atLeast', this.path, callOptions(options, 'cache.atLeast'))
    // When this reply has arrived, so has every event up to this transaction.
    await this.#zk.exists(this.path, { ...limit.step, atLeast: zxid })
    while (!this.#isAt(zxid)) {
      if (this.#end !== undefined)
        throw new KeeperError('CLOSED', { path: this.path, operation: 'atLeast', outcome: 'unknown' })
      this.#ready.ask()
      await limit.until(this.#news())
    }
  }

  #isAt(zxid: bigint): boolean {
    const { freshness } = this
    return freshness.kind === 'live' && freshness.zxid >= zxid
  }

  async whenLive(): Promise<void> {
    while (this.#view.freshness?.kind !== 'live') {
      if (this.#end !== undefined)
        throw this.#end.error ?? new KeeperError('CLOSED', { path: this.path, operation: 'cache' })
      await this.#news()
    }
  }

  async set(path: ZnodePath, value: T, given?: VersionOptions): Promise<ZnodeStat> {
    pathCheck(path, 'path', 'cache.set')
    const options = versionOptions(given, 'cache.set')
    const data = await this.#codec.encode(value)
    const stat = await this.#zk.set(path, data, options)
    await this.wrote(path, data, stat)
    return stat
  }

  async wrote(path: ZnodePath, data: Uint8Array, stat: ZnodeStat): Promise<void> {
    if (this.#end !== undefined) return
    let value: T
    try {
      value = await this.#codec.decode(data)
    } catch {
      // The stream reports it as unreadable, and the last good value stays.
      return
    }
    if (!this.#view.write({ path, value, stat })) return
    this.#wake()
    this.#ready.ask()
  }

  async close(options?: LeaveOptions): Promise<void> {
    const { signal, timeout = leaveMs } = callOptions(options, 'cache.close')
    this.#stop.abort()
    this.#ended(undefined)
    // A request that is under way is abandoned, which may take a moment.
    using limit = new Limit(this.#zk, 'close', this.path, { signal, timeout })
    await firstOf([this.#done], limit.signal)
  }

  #ended(error: unknown): void {
    this.#end ??= { at: new Date(this.#zk.clock.wall()), ...(error === undefined ? {} : { error }) }
    this.#wake()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #follow({ codec, recursive, auditInterval }: CacheOptions<T>): Promise<void> {
    let error: unknown
    try {
      const options = {
        signal: this.#stop.signal,
        ready: this.#ready,
        recursive: recursive ?? false,
        ...(codec === undefined ? {} : { codec }),
        ...(auditInterval === undefined ? {} : { auditInterval }),
      }
      for await (const change of this.#zk.watch<T>(this.path, options)) {
        if (this.#end !== undefined) return
        this.#view.apply(change)
        this.#wake()
      }
    } catch (reason) {
      error = reason
    }
    this.#ended(error)
  }

  #news(): Promise<void> {
    return new Promise((resolve) => void this.#waiters.push(resolve))
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
