/** One value that many clients read and some write: kept in memory, and never overwritten without having been read. */
import {
  bytes,
  type CallOptions,
  type Client,
  type Codec,
  KeeperError,
  type UpdateOptions,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { callable, signal as signalCheck, timeout as timeoutCheck } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { anything, codec as codecCheck } from '../arguments/values.ts'
import { openCache } from '../cache/cache.ts'
import type { CacheChange } from '../cache/view.ts'
import { createBelow } from '../common/container.ts'
import type { Freshness } from '../common/freshness.ts'
import type { LeaveOptions } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { repeat } from '../common/repeat.ts'
import { setOrCreate } from '../common/set-or-create.ts'

/** The options of `sharedValue`. */
export interface SharedValueOptions<T> extends WaitOptions {
  /**
   * Written at the start where the znode does not exist yet. Default: nothing is written, and the value is undefined until a client
   * writes one.
   */
  readonly seed?: T
}

/** A value in a znode that many clients read and change. */
export interface SharedValue<T> extends AsyncDisposable {
  /** The znode that holds the value. */
  readonly path: ZnodePath
  /**
   * The last known value, undefined where the znode does not exist. It may lag behind writes of other clients (see `freshness`),
   * but never behind writes of this object: after `set`, `trySet` and `update` it is at least what they wrote.
   */
  readonly current: { readonly value: T; readonly stat: ZnodeStat } | undefined
  /** Whether `current` is up to date. Stale while the connection is lost, and after `close`. */
  readonly freshness: Freshness
  /** As `changes` of a cache. */
  changes(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<CacheChange<T>, void, void>
  /** Sets the value, whatever it was before. Creates the znode where it is missing. @throws KeeperError as `client.set`. */
  set(value: T, options?: CallOptions): Promise<ZnodeStat>
  /**
   * Sets the value if no client has written since `current`. Resolves to undefined where a client has.
   * @throws KeeperError CONNECTION_LOSS with outcome `unknown` where the reply was lost and another client may have written the
   * same value.
   */
  trySet(value: T, options?: CallOptions): Promise<ZnodeStat | undefined>
  /** As `update` of a handle. */
  update(change: (value: T | undefined) => T | undefined | Promise<T | undefined>, options?: UpdateOptions): Promise<T>
  /** Stops following it; the znode stays. Resolves not later than `timeout` (default 5000 ms). Never rejects. */
  close(options?: LeaveOptions): Promise<void>
}

/** Curator's SharedValue, and SharedCount with a codec of four bytes: the data of the znode is the value. */
export async function sharedValue<T = Uint8Array>(
  zk: Client,
  path: ZnodePath,
  codec?: Codec<T>,
  options: SharedValueOptions<T> = {},
): Promise<SharedValue<T>> {
  checkPlaceOrRoot(zk, path, 'sharedValue')
  const used = codec === undefined ? (bytes as unknown as Codec<T>) : codecCheck<T>(codec, 'codec', 'sharedValue')
  const own = sharedValueOptions(options as SharedValueOptions<unknown>, 'sharedValue') as SharedValueOptions<T>
  const handle = zk.node(path, used)
  const { seed, signal, timeout } = own
  const create = { parents: 'container' } as const
  if (seed !== undefined) {
    using limit = new Limit(zk, 'sharedValue', path, own)
    try {
      const data = await used.encode(seed)
      await repeat(zk, limit, (own) => createBelow(zk, path, data, { idempotent: true, ...own }))
    } catch (error) {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
    }
  }
  const filled = await openCache<T>(zk, path, { codec: used, signal, timeout })
  return {
    path,
    get current() {
      return filled.get(path)
    },
    get freshness() {
      return filled.freshness
    },
    changes: (own) => filled.changes(own),
    async set(value, options) {
      const own = callOptions(options, 'sharedValue.set')
      const data = await used.encode(value)
      const stat = await setOrCreate(zk, path, data, own)
      await filled.wrote(path, data, stat)
      return stat
    },
    async trySet(value, options) {
      const own = callOptions(options, 'sharedValue.trySet')
      const seen = filled.get(path)
      try {
        const data = await used.encode(value)
        const stat =
          seen === undefined
            ? (await createBelow(zk, path, data, own)).stat
            : await zk.set(path, data, { ...own, version: seen.stat.version })
        await filled.wrote(path, data, stat)
        return stat
      } catch (error) {
        const isRace = (['BAD_VERSION', 'NO_NODE', 'NODE_EXISTS'] as const).some((code) => KeeperError.is(error, code))
        if (!isRace) throw error
        return undefined
      }
    },
    async update(change, own = {}) {
      callable(change, 'change', 'sharedValue.update')
      const { value, stat } = await handle.update(change, { create, ...own })
      await filled.wrote(path, await used.encode(value), stat)
      return value
    },
    close: (own) => filled.close(own),
    [Symbol.asyncDispose]: () => filled.close(),
  }
}

const sharedValueOptions = optionsOf<SharedValueOptions<unknown>>({
  seed: anything,
  signal: signalCheck,
  timeout: timeoutCheck,
})
