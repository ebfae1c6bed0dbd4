/** Deletes a subtree, children before their parents, many requests at a time. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import { PartlyDone } from '../transfer/apply.ts'

export interface DeleteSubtreeOptions {
  /** How many deletes are under way at a time. Default 1000. */
  readonly atOnce?: number
  /** Stops between two batches. */
  readonly signal?: AbortSignal
  /** Called after each batch, with the number of znodes that are deleted, and of those that were found. */
  readonly onProgress?: (deleted: number, found: number) => void
}

/** Children that appear while a subtree is deleted: it is listed again, so often at most. */
const attemptsMax = 10

/**
 * The number of deleted znodes. A znode that another client deletes meanwhile counts as deleted; a child that appears is deleted too.
 * @throws KeeperError NO_NODE where `root` does not exist; PartlyDone with the reason as its cause where some znodes are deleted
 * already.
 */
export async function deleteSubtree(
  zk: Pick<Client, 'children' | 'delete'>,
  root: ZnodePath,
  { atOnce = 1000, signal, onProgress = () => {} }: DeleteSubtreeOptions = {},
): Promise<number> {
  let done = 0
  for (let attempt = 1; ; attempt++) {
    const paths = await listed(zk, root, atOnce, signal)
    if (attempt === 1 && paths.length === 0) throw new KeeperError('NO_NODE', { path: root, operation: 'delete' })
    let isOvertaken = false
    try {
      for (const level of levelsOf(paths)) {
        for (let at = 0; at < level.length; at += atOnce) {
          signal?.throwIfAborted()
          const ends = await Promise.allSettled(level.slice(at, at + atOnce).map((path) => deleteOne(zk, path)))
          done += ends.filter((end) => end.status === 'fulfilled' && end.value).length
          const failed = ends.find((end) => end.status === 'rejected')
          if (failed !== undefined) throw failed.reason as Error
          isOvertaken ||= ends.some((end) => end.status === 'fulfilled' && !end.value)
          onProgress(done, Math.max(done, paths.length))
        }
      }
    } catch (error) {
      throw done === 0 ? error : new PartlyDone(done, Math.max(done, paths.length), error)
    }
    if (!isOvertaken) return done
    if (attempt === attemptsMax) {
      const message = `new children appeared below it during each of ${attemptsMax} attempts; ${done} znodes are deleted`
      throw new KeeperError('NOT_EMPTY', { path: root, operation: 'delete', message })
    }
  }
}

/** False where it has children again. */
async function deleteOne(zk: Pick<Client, 'delete'>, path: ZnodePath): Promise<boolean> {
  try {
    await zk.delete(path, { idempotent: true })
    return true
  } catch (error) {
    if (KeeperError.is(error, 'NOT_EMPTY')) return false
    throw error
  }
}

/** All paths, parents before their children. */
async function listed(
  zk: Pick<Client, 'children'>,
  root: ZnodePath,
  atOnce: number,
  signal: AbortSignal | undefined,
): Promise<ZnodePath[]> {
  const paths: ZnodePath[] = []
  let level: ZnodePath[] = [root]
  while (level.length > 0) {
    const next: ZnodePath[] = []
    for (let at = 0; at < level.length; at += atOnce) {
      signal?.throwIfAborted()
      const batch = level.slice(at, at + atOnce)
      const lists = await Promise.all(batch.map((path) => childrenOf(zk, path)))
      for (const [i, path] of batch.entries()) {
        const names = lists[i]
        if (names === undefined) continue
        paths.push(path)
        for (const name of names) next.push(joinPath(path, name))
      }
    }
    level = next
  }
  return paths
}

/** Undefined where it does not exist. */
async function childrenOf(zk: Pick<Client, 'children'>, path: ZnodePath): Promise<readonly string[] | undefined> {
  try {
    return (await zk.children(path)).children
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}

/** The deepest znodes first: those of one level do not contain each other. */
function levelsOf(paths: readonly ZnodePath[]): ZnodePath[][] {
  const levels: ZnodePath[][] = []
  for (const path of paths) {
    const depth = path.split('/').length
    const level = (levels[depth] ??= [])
    level.push(path)
  }
  return levels.filter((level) => level !== undefined).reverse()
}
