/** A handle: a path and the codec for its data. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import { callable, noOptions, wrongType } from './arguments/checks.ts'
import { isBytes } from './arguments/data.ts'
import { createOptions, findOptions, handleWatchOptions, versionOptions } from './arguments/tables.ts'
import { type Codec, isThenable } from './codec.ts'
import type { ClientLike } from './operations/client-like.ts'
import type { CreateResult } from './operations/create.ts'
import type { GetResult } from './operations/reads.ts'
import type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  ReadOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
} from './options.ts'
import { Budget } from './session/budget.ts'
import type { ZnodeStat } from './stat.ts'
import { messageOf } from './thrown.ts'
import type { WatchChange } from './watch/change.ts'

/** A value with the Stat of the znode that holds it. */
export interface Value<T> {
  /** The data of the znode, as the codec read it. */
  readonly value: T
  /** The Stat, read together with the data. */
  readonly stat: ZnodeStat
}

/** One znode and the codec of its data, made by `client.node()`. It reads and writes values instead of bytes. */
export class ZnodeHandle<T> {
  /** The path of the znode, without the chroot. */
  readonly path: ZnodePath
  readonly #client: ClientLike
  readonly #codec: Codec<T>

  /** Use `client.node()`. */
  constructor(client: ClientLike, path: ZnodePath, codec: Codec<T>) {
    this.#client = client
    this.path = path
    this.#codec = codec
  }

  /** @throws KeeperError NO_NODE; INVALID_DATA, with the reason as its cause, where the codec cannot read the data. */
  async get(options: Omit<ReadOptions, 'watch'> = noOptions): Promise<Value<T>> {
    const own = findOptions.of(options, 'get')
    const budget = new Budget(this.#client, 'get', this.path, own)
    return this.#decode(await this.#client.get(this.path, own), budget)
  }

  /** As `get`, but returns undefined where the znode does not exist. Other errors are thrown. */
  async find(options: Omit<ReadOptions, 'watch'> = noOptions): Promise<Value<T> | undefined> {
    const own = findOptions.of(options, 'find')
    const budget = new Budget(this.#client, 'find', this.path, own)
    const found = await this.#client.find(this.path, own)
    return found === undefined ? undefined : this.#decode(found, budget)
  }

  /** @throws KeeperError NO_NODE, BAD_VERSION; the codec's own error for a value that it cannot write. */
  async set(value: T, options: VersionOptions = noOptions): Promise<ZnodeStat> {
    const own = versionOptions.of(options, 'set')
    return this.#client.set(this.path, await this.#encode(value, 'set', own), own)
  }

  /** @throws KeeperError NODE_EXISTS. */
  async create(value: T, options: CreateOptions = noOptions): Promise<CreateResult> {
    const own = createOptions.of(options, 'create')
    return this.#client.create(this.path, await this.#encode(value, 'create', own), own)
  }

  /**
   * Reads the znode, applies `change`, and writes if no other client wrote meanwhile; otherwise it starts again, so `change` may be
   * called often. It gets undefined where the znode does not exist, which is then created. It returns undefined to change nothing.
   * @throws KeeperError as `client.update`; INVALID_DATA.
   */
  async update(
    change: (current: T | undefined) => T | undefined | Promise<T | undefined>,
    options: UpdateOptions = noOptions,
  ): Promise<Value<T>> {
    callable(change, 'change', 'update')
    let value: T | undefined
    const { stat } = await this.#client.update(
      this.path,
      async (data) => {
        const current = data === undefined ? undefined : await this.#valueOf(data)
        const next = await change(current)
        value = next ?? current
        return next === undefined ? undefined : this.#encoded(await this.#codec.encode(next), 'update')
      },
      options,
    )
    return { value: value as T, stat }
  }

  /** Deletes the znode, as `client.delete` does, with its options and errors. */
  delete(options: DeleteOptions = noOptions): Promise<void> {
    return this.#client.delete(this.path, options)
  }

  /** Every change of the znode, decoded by the codec of this handle; otherwise as `client.watch`. */
  watch(options: Omit<WatchOptions<T>, 'codec'> = noOptions): AsyncGenerator<WatchChange<T>, void, void> {
    return this.#client.watch(this.path, { ...handleWatchOptions.of(options, 'watch'), codec: this.#codec })
  }

  /** Encodes the value. An error of the codec goes to the caller unchanged. */
  async #encode(value: T, operation: string, options: CallOptions): Promise<Uint8Array> {
    const written = this.#codec.encode(value)
    if (!isThenable(written)) return this.#encoded(written, operation)
    const budget = new Budget(this.#client, operation, this.path, options)
    return this.#encoded(await budget.within(written), operation)
  }

  #encoded(written: unknown, operation: string): Uint8Array {
    if (!isBytes(written)) throw wrongType(operation, 'the result of the codec', 'a Uint8Array', written)
    return written
  }

  async #decode({ data, stat }: GetResult, budget: Budget): Promise<Value<T>> {
    return { value: await budget.within(this.#valueOf(data)), stat }
  }

  async #valueOf(data: Uint8Array): Promise<T> {
    try {
      return await this.#codec.decode(data)
    } catch (cause) {
      throw new KeeperError('INVALID_DATA', { path: this.path, operation: 'decode', message: messageOf(cause), cause })
    }
  }
}
