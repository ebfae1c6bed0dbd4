/** Typed configuration: what is current is always valid, and what is written wrongly is told, not taken. */
import {
  type CallOptions,
  type Client,
  type Codec,
  KeeperError,
  type UpdateOptions,
  type VersionOptions,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { callOptions, signalOption, versionOptions } from '../arguments/calls.ts'
import {
  anything,
  callable,
  checkPlaceOrRoot,
  codec as codecCheck,
  optionsOf,
  signal as signalCheck,
  timeout as timeoutCheck,
  withMethods,
} from '../arguments/checks.ts'
import { type Cache, cache } from '../cache/cache.ts'
import { firstOf } from '../common/first-of.ts'
import type { Freshness } from '../common/freshness.ts'
import { type LeaveOptions, leaveMs } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { setOrCreate } from '../common/set-or-create.ts'

/** A place of this machine that keeps the last good configuration, for a start without a server's answer: a file, for one. */
export interface ConfigurationStore {
  /** What was saved last, undefined where nothing was. */
  load(): Promise<Uint8Array | undefined>
  save(data: Uint8Array): Promise<void>
}

export interface ConfigurationOptions<T> extends WaitOptions {
  /** Milliseconds to wait for a server. Default 10000 with a store or a fallback; none without, it waits for as long as it takes. */
  readonly timeout?: number | undefined
  /** Read where the server has nothing valid to start with, or has not answered within `timeout`; written after every good change. */
  readonly store?: ConfigurationStore
  /** The value where neither the server nor the store has one. Default: none, and the start fails. */
  readonly fallback?: T
}

/** Where the current value comes from. */
export type ConfigurationSource = 'server' | 'store' | 'fallback'

export type ConfigurationChange<T> =
  | { readonly kind: 'changed'; readonly value: T; readonly previous: T; readonly stat: ZnodeStat }
  /** The codec refuses what was written; the last good value stays current. */
  | {
      readonly kind: 'invalid'
      readonly error: unknown
      readonly data: Uint8Array | undefined
      readonly stat: ZnodeStat | undefined
    }
  /** The znode is gone; the last good value stays current. */
  | { readonly kind: 'deleted' }
  /** The store could not keep a good value. */
  | { readonly kind: 'notSaved'; readonly error: unknown }
  | Freshness

export interface Configuration<T> extends AsyncDisposable {
  readonly path: ZnodePath
  /** The last good value. */
  readonly current: T
  readonly source: ConfigurationSource
  /** The Stat of the current value; undefined where it is not the server's. */
  readonly stat: ZnodeStat | undefined
  readonly freshness: Freshness
  /** From now on; ends with the configuration. */
  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<ConfigurationChange<T>, void, void>
  /** When it resolves, `current` is at least this. @throws what the codec throws for a value it would not read; nothing is written then. */
  set(value: T, options?: VersionOptions): Promise<ZnodeStat>
  update(change: (value: T | undefined) => T | undefined | Promise<T | undefined>, options?: UpdateOptions): Promise<T>
  /**
   * Follows it no longer; `current` stays as it is. Resolves when the store has saved what it was given, at the latest after `timeout`
   * (default 5000 ms). Never rejects.
   */
  close(options?: LeaveOptions): Promise<void>
}

/** How long a configuration that can start without a server waits for one, milliseconds. */
const firstAnswerMs = 10_000

/**
 * Resolves with the first valid value there is: the server's, else the store's, else the fallback.
 * @throws KeeperError NO_NODE, INVALID_DATA, TIMEOUT where there is none.
 */
export async function configuration<T>(
  zk: Client,
  path: ZnodePath,
  codec: Codec<T>,
  given: ConfigurationOptions<T> = {},
): Promise<Configuration<T>> {
  checkPlaceOrRoot(zk, path, 'configuration')
  codecCheck<T>(codec, 'codec', 'configuration')
  const options = configurationOptions(
    given as ConfigurationOptions<unknown>,
    'configuration',
  ) as ConfigurationOptions<T>
  const { signal } = options
  const hasOther = options.store !== undefined || options.fallback !== undefined
  // A program that can start without a server does not wait for one as long as it takes.
  const timeout = options.timeout ?? (hasOther ? firstAnswerMs : undefined)
  let filled: Cache<T> | undefined
  let cause: unknown
  try {
    filled = await cache<T>(zk, path, { codec, signal, timeout })
  } catch (error) {
    signal?.throwIfAborted()
    if (!KeeperError.is(error, 'TIMEOUT')) throw error
    cause = error
  }
  const entry = filled?.get(path)
  let start: { readonly value: T; readonly source: ConfigurationSource; readonly stat?: ZnodeStat }
  try {
    start = entry === undefined ? await elsewhere(zk, path, codec, options, cause) : { ...entry, source: 'server' }
  } catch (error) {
    await filled?.close()
    throw error
  }
  // The server did not answer in time: it is followed all the same.
  return new LiveConfiguration(zk, path, codec, options.store, start, filled)
}

const store = withMethods<ConfigurationStore>('a store with load() and save()', 'load', 'save')
const configurationOptions = optionsOf<ConfigurationOptions<unknown>>({
  store,
  fallback: anything,
  signal: signalCheck,
  timeout: timeoutCheck,
})

async function elsewhere<T>(
  zk: Client,
  path: ZnodePath,
  codec: Codec<T>,
  { store, fallback, timeout, signal }: ConfigurationOptions<T>,
  cause: unknown,
): Promise<{ readonly value: T; readonly source: ConfigurationSource }> {
  let unusable: unknown
  try {
    const saved = await store?.load()
    if (saved !== undefined) return { value: await codec.decode(saved), source: 'store' }
  } catch (error) {
    unusable = error
  }
  if (fallback !== undefined) return { value: fallback, source: 'fallback' }
  if (cause !== undefined) throw cause
  if (unusable !== undefined) {
    const message = 'neither the server nor the store has a valid configuration'
    throw new KeeperError('INVALID_DATA', { path, operation: 'configuration', message, cause: unusable })
  }
  // Says why: NO_NODE or INVALID_DATA.
  return { value: (await zk.node(path, codec).get({ signal, timeout })).value, source: 'server' }
}

class LiveConfiguration<T> implements Configuration<T> {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #codec: Codec<T>
  readonly #store: ConfigurationStore | undefined
  readonly #stop = new AbortController()
  readonly #startedAt: Date
  readonly #readers = new Set<Reader<T>>()
  readonly #done: Promise<void>
  #cache: Cache<T> | undefined
  #current: T
  #source: ConfigurationSource
  #stat: ZnodeStat | undefined
  #saving = Promise.resolve()
  #hasEnded = false

  constructor(
    zk: Client,
    path: ZnodePath,
    codec: Codec<T>,
    store: ConfigurationStore | undefined,
    start: { readonly value: T; readonly source: ConfigurationSource; readonly stat?: ZnodeStat },
    filled: Cache<T> | undefined,
  ) {
    this.#zk = zk
    this.path = path
    this.#codec = codec
    this.#store = store
    this.#current = start.value
    this.#source = start.source
    this.#stat = start.stat
    this.#startedAt = new Date(zk.clock.wall())
    this.#cache = filled
    if (start.source === 'server') this.#save(start.value)
    this.#done = this.#follow(filled)
  }

  get current(): T {
    return this.#current
  }

  get source(): ConfigurationSource {
    return this.#source
  }

  get stat(): ZnodeStat | undefined {
    return this.#stat
  }

  get freshness(): Freshness {
    return this.#cache?.freshness ?? { kind: 'stale', since: this.#startedAt }
  }

  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<ConfigurationChange<T>, void, void> {
    const { signal } = signalOption(options, 'configuration.changes')
    const reader: Reader<T> = { told: this.#current, pending: [], wake: undefined }
    // From this call on, not from the first step of the loop.
    this.#readers.add(reader)
    return this.#changes(reader, signal)
  }

  async *#changes(
    reader: Reader<T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ConfigurationChange<T>, void, void> {
    const onAbort = (): void => reader.wake?.()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      while (signal?.aborted !== true) {
        const change = reader.pending.shift()
        if (change !== undefined) {
          yield change.kind === 'changed' ? { ...change, previous: reader.told } : change
          if (change.kind === 'changed') reader.told = change.value
        } else if (this.#hasEnded) return
        else await new Promise<void>((resolve) => (reader.wake = resolve))
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#readers.delete(reader)
    }
  }

  async set(value: T, given?: VersionOptions): Promise<ZnodeStat> {
    const options = versionOptions(given, 'configuration.set')
    const { data, read } = await this.#checked(value)
    // Without a version also where what is there now is not valid.
    const stat = await (options.version === undefined
      ? setOrCreate(this.#zk, this.path, data, { signal: options.signal, timeout: options.timeout })
      : this.#zk.set(this.path, data, options))
    this.#take(read, stat)
    return stat
  }

  async update(
    change: (value: T | undefined) => T | undefined | Promise<T | undefined>,
    options: UpdateOptions & CallOptions = {},
  ): Promise<T> {
    callable(change, 'change', 'configuration.update')
    const checked = async (value: T | undefined): Promise<T | undefined> => {
      const next = await change(value)
      if (next !== undefined) await this.#checked(next)
      return next
    }
    const handle = this.#zk.node(this.path, this.#codec)
    const { value, stat } = await handle.update(checked, { create: { parents: 'container' }, ...options })
    this.#take((await this.#checked(value)).read, stat)
    return value
  }

  async close(options?: LeaveOptions): Promise<void> {
    const { signal, timeout = leaveMs } = callOptions(options, 'configuration.close')
    this.#stop.abort()
    using limit = new Limit(this.#zk, 'close', this.path, { signal, timeout })
    const ended = Promise.all([this.#cache?.close({ signal: limit.signal }), this.#done]).then(() => this.#saving)
    await firstOf([ended], limit.signal)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What is written, and what everybody will read. @throws what this client would refuse to read: that it does not write. */
  async #checked(value: T): Promise<{ readonly data: Uint8Array; readonly read: T }> {
    const data = await this.#codec.encode(value)
    return { data, read: await this.#codec.decode(data) }
  }

  async #follow(filled: Cache<T> | undefined): Promise<void> {
    const { signal } = this.#stop
    try {
      const followed = filled ?? (await cache<T>(this.#zk, this.path, { codec: this.#codec, signal }))
      this.#cache = followed
      const changes = followed.changes({ signal })
      const now = followed.get(this.path)
      if (now !== undefined && now.stat.mzxid !== this.#stat?.mzxid) this.#take(now.value, now.stat)
      for await (const change of changes) {
        if (change.kind === 'created' || change.kind === 'changed') this.#take(change.value, change.stat)
        else if (change.kind === 'unreadable') {
          const { error, data, stat } = change
          this.#tell({ kind: 'invalid', error, data, stat })
        } else if (change.kind === 'deleted') this.#tell({ kind: 'deleted' })
        else this.#tell(change)
      }
    } catch (error) {
      if (!signal.aborted) this.#tell({ kind: 'invalid', error, data: undefined, stat: undefined })
    }
    this.#hasEnded = true
    for (const reader of this.#readers) reader.wake?.()
  }

  #take(value: T, stat: ZnodeStat): void {
    // Known, or from before what is.
    if (this.#stat !== undefined && this.#stat.mzxid >= stat.mzxid) return
    const previous = this.#current
    this.#current = value
    this.#source = 'server'
    this.#stat = stat
    this.#tell({ kind: 'changed', value, previous, stat })
    this.#save(value)
  }

  /** One after the other, so that the newest is saved last. */
  #save(value: T): void {
    const store = this.#store
    if (store === undefined) return
    this.#saving = this.#saving.then(async () => {
      try {
        // Of several good values in a row the last is enough.
        if (value === this.#current) await store.save(await this.#codec.encode(value))
      } catch (error) {
        this.#tell({ kind: 'notSaved', error })
      }
    })
  }

  /** A reader that is behind keeps the newest change of each kind. */
  #tell(change: ConfigurationChange<T>): void {
    for (const reader of this.#readers) {
      const family = familyOf(change)
      const at = reader.pending.findIndex((each) => familyOf(each) === family)
      if (at >= 0) reader.pending.splice(at, 1)
      reader.pending.push(change)
      reader.wake?.()
    }
  }
}

interface Reader<T> {
  /** The value told last. */
  told: T
  readonly pending: ConfigurationChange<T>[]
  wake: (() => void) | undefined
}

function familyOf({ kind }: ConfigurationChange<unknown>): string {
  return kind === 'live' || kind === 'stale' ? 'freshness' : kind
}
