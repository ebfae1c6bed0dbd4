/** A znode and the way its data is written, stated once. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Client, GetResult } from './client.ts'
import type { Codec } from './codec.ts'
import type { CreateOptions, DeleteOptions, ReadOptions, UpdateOptions, VersionOptions } from './options.ts'
import type { ZnodeStat } from './stat.ts'
import type { CreateResult } from './transaction.ts'
import type { WatchChange } from './watch/change.ts'
import type { WatchOptions } from './watch/watcher.ts'

export interface Value<T> {
  readonly value: T
  readonly stat: ZnodeStat
}

export class ZnodeHandle<T> {
  readonly path: ZnodePath
  readonly #client: Client
  readonly #codec: Codec<T>

  /** Use `client.node()`. */
  constructor(client: Client, path: ZnodePath, codec: Codec<T>) {
    this.#client = client
    this.path = path
    this.#codec = codec
  }

  /** @throws KeeperError NO_NODE; INVALID_DATA, with the reason as its cause, where the codec refuses what is there. */
  async get(options: Omit<ReadOptions, 'watch'> = {}): Promise<Value<T>> {
    return this.#decode(await this.#client.get(this.path, options))
  }

  /** As `get`, but undefined for a znode that does not exist; for nothing else. */
  async find(options: Omit<ReadOptions, 'watch'> = {}): Promise<Value<T> | undefined> {
    const found = await this.#client.find(this.path, options)
    return found === undefined ? undefined : this.#decode(found)
  }

  /** @throws KeeperError NO_NODE, BAD_VERSION; whatever the codec throws for a value it cannot write. */
  async set(value: T, options: VersionOptions = {}): Promise<ZnodeStat> {
    return this.#client.set(this.path, this.#codec.encode(value), options)
  }

  /** @throws KeeperError NODE_EXISTS. */
  async create(value: T, options: CreateOptions = {}): Promise<CreateResult> {
    return this.#client.create(this.path, this.#codec.encode(value), options)
  }

  /**
   * Reads, applies `change`, writes if nobody else wrote meanwhile, and repeats until it fits: `change` may be called often. It
   * gets undefined where the znode does not exist, which is created then; undefined from it leaves everything as it is.
   * @throws KeeperError as `client.update`; INVALID_DATA.
   */
  async update(
    change: (current: T | undefined) => T | undefined | Promise<T | undefined>,
    options: UpdateOptions = {},
  ): Promise<Value<T>> {
    let value: T | undefined
    const { stat } = await this.#client.update(
      this.path,
      async (data) => {
        const current = data === undefined ? undefined : await this.#valueOf(data)
        const next = await change(current)
        value = next ?? current
        return next === undefined ? undefined : this.#codec.encode(next)
      },
      options,
    )
    return { value: value as T, stat }
  }

  delete(options: DeleteOptions = {}): Promise<void> {
    return this.#client.delete(this.path, options)
  }

  watch(options: Omit<WatchOptions<T>, 'codec'> = {}): AsyncGenerator<WatchChange<T>, void, void> {
    return this.#client.watch(this.path, { ...options, codec: this.#codec })
  }

  async #decode({ data, stat }: GetResult): Promise<Value<T>> {
    return { value: await this.#valueOf(data), stat }
  }

  async #valueOf(data: Uint8Array): Promise<T> {
    try {
      return await this.#codec.decode(data)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new KeeperError('INVALID_DATA', { path: this.path, operation: 'decode', message: reason, cause })
    }
  }
}
