/** Typed configuration: the current value is always valid. A value that the codec cannot decode is reported, and not used. */
import { type Client, type Codec, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { signal as signalCheck, timeout as timeoutCheck, withMethods } from '@lightkeeper/client/arguments'
import { optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { anything, codec as codecCheck } from '../arguments/values.ts'
import { type Cache, cache } from '../cache/cache.ts'
import type { WaitOptions } from '../common/limit.ts'
import { type Configuration, type ConfigurationStore, LiveConfiguration, type Start } from './live.ts'

/** The options of `configuration`. */
export interface ConfigurationOptions<T> extends WaitOptions {
  /** How long to wait for a server, milliseconds. Default 10000 with a store or a fallback; without one there is no limit. */
  readonly timeout?: number | undefined
  /**
   * Read at the start where no server has a valid value, or none has answered within `timeout`. Written after every good change.
   */
  readonly store?: ConfigurationStore
  /** The value where neither the server nor the store has one. Default: none, and the call rejects. */
  readonly fallback?: T
}

/** Default `timeout` of a configuration that can start without a server, milliseconds. */
const firstAnswerMs = 10_000

/**
 * Resolves with the first valid value: the server's, else the store's, else the fallback.
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
  let start: Start<T>
  try {
    start = entry === undefined ? await elsewhere(zk, path, codec, options, cause) : { ...entry, source: 'server' }
  } catch (error) {
    await filled?.close()
    throw error
  }
  // Even if no server answered in time: the configuration follows the znode as soon as one does.
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
): Promise<Start<T>> {
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
  // A member of an ensemble may not have the znode yet. It answers the read after the sync.
  const [, read] = await Promise.allSettled([
    zk.sync(path, { signal, timeout }),
    zk.node(path, codec).get({ signal, timeout }),
  ])
  // NO_NODE or INVALID_DATA, which says why.
  if (read.status === 'rejected') throw read.reason
  return { ...read.value, source: 'server' }
}
