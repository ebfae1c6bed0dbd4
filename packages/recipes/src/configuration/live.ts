/** A configuration that follows its znode: the last good value, and the store that keeps it. */
import type {
  CallOptions,
  Client,
  Codec,
  UpdateOptions,
  VersionOptions,
  ZnodePath,
  ZnodeStat,
} from '@lightkeeper/client'
import { callable } from '@lightkeeper/client/arguments'
import { callOptions, signalOption, versionOptions } from '../arguments/options.ts'
import { type Cache, cache } from '../cache/cache.ts'
import { firstOf } from '../common/first-of.ts'
import type { Freshness } from '../common/freshness.ts'
import { type LeaveOptions, leaveMs } from '../common/leaving.ts'
import { Limit } from '../common/limit.ts'
import { setOrCreate } from '../common/set-or-create.ts'
import { type ConfigurationChange, Readers } from './changes.ts'

/** Keeps the last good configuration on this machine, for a start without a server: a file, for example. */
export interface ConfigurationStore {
  /** The value that was saved last; undefined where there is none. */
  load(): Promise<Uint8Array | undefined>
  /**
   * Keeps a good value, as the codec writes it, for `load`. Called after each value that was read from ZooKeeper or written by `set` or
   * `update`, one call after the other; a value that is no longer current is left out. A rejection becomes a change `notSaved`.
   */
  save(data: Uint8Array): Promise<void>
}

/** The source of the current value. */
export type ConfigurationSource = 'server' | 'store' | 'fallback'

/** A configuration that follows its znode. Reads give the last value that passed its checks. */
export interface Configuration<T> extends AsyncDisposable {
  /** The znode of the configuration. */
  readonly path: ZnodePath
  /** The last good value. */
  readonly current: T
  /** Where the current value comes from. */
  readonly source: ConfigurationSource
  /** The Stat of the current value; undefined where the value does not come from the server. */
  readonly stat: ZnodeStat | undefined
  /** Whether `current` is up to date. Stale while the connection is lost, until a server answers first, and after `close`. */
  readonly freshness: Freshness
  /** The changes from this call on. A slow reader gets the newest change of each kind. Ends with the configuration. */
  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<ConfigurationChange<T>, void, void>
  /**
   * Writes `value`, and creates the znode where it is missing. When it resolves, `current` is this value or a later one.
   * @throws KeeperError as `client.set`; the codec's error for a value that it could not read again: then nothing is written.
   */
  set(value: T, options?: VersionOptions): Promise<ZnodeStat>
  /**
   * Writes the result of `change`; undefined means no write. `change` is called again where another client was faster. @throws as
   * `set`.
   */
  update(change: (value: T | undefined) => T | undefined | Promise<T | undefined>, options?: UpdateOptions): Promise<T>
  /**
   * Stops following; `current` stays. Resolves when the store has saved its last value, and not later than `timeout` (default 5000
   * ms). Never rejects.
   */
  close(options?: LeaveOptions): Promise<void>
}

/** The first value. */
export interface Start<T> {
  readonly value: T
  readonly source: ConfigurationSource
  /** The Stat of a value that came from the server. */
  readonly stat?: ZnodeStat
}

export class LiveConfiguration<T> implements Configuration<T> {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #codec: Codec<T>
  readonly #store: ConfigurationStore | undefined
  readonly #stop = new AbortController()
  readonly #startedAt: Date
  readonly #readers = new Readers<T>()
  readonly #done: Promise<void>
  #cache: Cache<T> | undefined
  #current: T
  #source: ConfigurationSource
  #stat: ZnodeStat | undefined
  #saving = Promise.resolve()

  constructor(
    zk: Client,
    path: ZnodePath,
    codec: Codec<T>,
    store: ConfigurationStore | undefined,
    start: Start<T>,
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
    return this.#readers.read(this.#current, signal)
  }

  async set(value: T, given?: VersionOptions): Promise<ZnodeStat> {
    const options = versionOptions(given, 'configuration.set')
    const { data, read } = await this.#checked(value)
    // Without a version it overwrites any data, even data that is not valid.
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

  /**
   * The data to write, and the value that every client will read from it. @throws the codec's error for data that it could not read
   * again.
   */
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
          this.#readers.add({ kind: 'invalid', error, data, stat })
        } else if (change.kind === 'deleted') this.#readers.add({ kind: 'deleted' })
        else this.#readers.add(change)
      }
    } catch (error) {
      if (!signal.aborted) this.#readers.add({ kind: 'invalid', error, data: undefined, stat: undefined })
    }
    this.#readers.end()
  }

  #take(value: T, stat: ZnodeStat): void {
    // It is the current value, or an older one.
    if (this.#stat !== undefined && this.#stat.mzxid >= stat.mzxid) return
    const previous = this.#current
    this.#current = value
    this.#source = 'server'
    this.#stat = stat
    this.#readers.add({ kind: 'changed', value, previous, stat })
    this.#save(value)
  }

  /** Saves one value after the other, so that the newest is saved last. */
  #save(value: T): void {
    const store = this.#store
    if (store === undefined) return
    this.#saving = this.#saving.then(async () => {
      try {
        // Of several values in a row, saving the last is enough.
        if (value === this.#current) await store.save(await this.#codec.encode(value))
      } catch (error) {
        this.#readers.add({ kind: 'notSaved', error })
      }
    })
  }
}
