/** Reads, writes and deletes the quota of a znode: the znodes below /zookeeper/quota that a server reads. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { joinPath, parentPath } from '@lightkeeper/protocol'
import { parseQuota, type QuotaValues, quotaPaths, quotaRoot, quotaText } from './quota-text.ts'

export interface HeldQuota {
  /** The limits that are set. */
  readonly limits: QuotaValues
  /** The version of the znode that has the limits. */
  readonly version: number
  /** Znodes and bytes at and below the path; undefined where no znode counts them, so that the limits have no effect. */
  readonly usage: QuotaValues | undefined
}

/** A znode cannot have the quota that is asked for. The message says why. */
export class QuotaPlaceError extends Error {
  override readonly name = 'QuotaPlaceError'
}

/**
 * The quota of `path`; undefined where it has none.
 * @throws RangeError where it holds a value that is no number; KeeperError NO_AUTH and those of every read.
 */
export async function readQuota(
  zk: Pick<Client, 'find'>,
  path: ZnodePath,
  signal?: AbortSignal,
): Promise<HeldQuota | undefined> {
  const { limits, usage } = quotaPaths(path)
  const options = signal === undefined ? {} : { signal }
  const [limited, used] = await Promise.all([zk.find(limits, options), zk.find(usage, options)])
  if (limited === undefined) return undefined
  return {
    limits: quotaIn(limited.data),
    version: limited.stat.version,
    usage: used === undefined ? undefined : quotaIn(used.data),
  }
}

type Writes = Pick<Client, 'exists' | 'children' | 'create' | 'set' | 'ensure'>

/**
 * Gives `path` these limits in the place of those that it has; resolves to the version of the new ones. `version` is that of the quota that was read; undefined where there was
 * none. @throws QuotaPlaceError; KeeperError BAD_VERSION or NODE_EXISTS where another client was faster, NO_NODE where `path` does not
 * exist, and those of every write.
 */
export async function writeQuota(
  zk: Writes,
  path: ZnodePath,
  limits: QuotaValues,
  version: number | undefined,
  signal?: AbortSignal,
): Promise<number> {
  const options = signal === undefined ? {} : { signal }
  if ((await zk.exists(path, options)) === undefined) throw new KeeperError('NO_NODE', { path, operation: 'setquota' })
  await checkPlace(zk, path)
  const paths = quotaPaths(path)
  const data = quotaText(limits)
  if (version !== undefined) return (await zk.set(paths.limits, data, { version, ...options })).version
  await zk.ensure(paths.place, options)
  await zk.create(paths.limits, data, options)
  // The server writes the true numbers into it.
  await zk.create(paths.usage, quotaText({ count: 0n, bytes: 0n }), { idempotent: true, ...options })
  return 0
}

/**
 * Takes the quota of `path` away, with the places that hold no quota any more. Where `version` is given, only a quota of that version.
 * @throws KeeperError BAD_VERSION, and those of every write.
 */
export async function deleteQuota(
  zk: Pick<Client, 'delete'>,
  path: ZnodePath,
  version?: number,
  signal?: AbortSignal,
): Promise<void> {
  const { place, limits, usage } = quotaPaths(path)
  const options = { idempotent: true, ...(signal !== undefined && { signal }) }
  await zk.delete(limits, { ...options, ...(version !== undefined && { version }) })
  await zk.delete(usage, options)
  for (let each = place; each !== quotaRoot; each = parentPath(each)) {
    try {
      await zk.delete(each, options)
    } catch (error) {
      if (KeeperError.is(error, 'NOT_EMPTY')) return
      throw error
    }
  }
}

/** A server counts a change for one quota alone, so none may be above or below another. @throws QuotaPlaceError */
async function checkPlace(zk: Pick<Client, 'exists' | 'children'>, path: ZnodePath): Promise<void> {
  if ((await zk.exists(quotaRoot)) === undefined) {
    const why = 'a connection with a chroot does not reach the quotas of a server'
    throw new QuotaPlaceError(`there is no ${quotaRoot}: ${why}`)
  }
  for (let above = parentPath(path); above !== '/'; above = parentPath(above)) {
    if ((await zk.exists(quotaPaths(above).limits)) !== undefined)
      throw new QuotaPlaceError(`${path} lies below ${above}, which has a quota`)
  }
  const found = await quotaBelow(zk, quotaPaths(path).place)
  if (found !== undefined) throw new QuotaPlaceError(`${found.slice(quotaRoot.length)} below ${path} has a quota`)
}

/** The place of a quota below `place`. */
async function quotaBelow(zk: Pick<Client, 'children'>, place: ZnodePath): Promise<ZnodePath | undefined> {
  for (const name of await childrenOf(zk, place)) {
    if (name === 'zookeeper_limits' || name === 'zookeeper_stats') continue
    const each = joinPath(place, name)
    if ((await childrenOf(zk, each)).includes('zookeeper_limits')) return each
    const below = await quotaBelow(zk, each)
    if (below !== undefined) return below
  }
  return undefined
}

async function childrenOf(zk: Pick<Client, 'children'>, path: ZnodePath): Promise<readonly string[]> {
  try {
    return (await zk.children(path)).children
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return []
    throw error
  }
}

function quotaIn(data: Uint8Array): QuotaValues {
  return parseQuota(new TextDecoder().decode(data))
}
