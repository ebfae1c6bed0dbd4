/** Reads the changes that a persistent watch reports. It names every changed znode, so one event means one read. */
import { type EventType, eventType, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'
import type { WatchChange } from './change.ts'
import { type Found, StreamReader } from './stream-reader.ts'
import type { Heard, Reading } from './view.ts'

export class PersistentReader<T> extends StreamReader<T> {
  readonly countsWrites = true
  protected readonly oneShots = undefined

  /** Changes of lists are ignored: the children themselves are reported. */
  concerns(type: EventType, path: ZnodePath): boolean {
    return type !== eventType.nodeChildrenChanged && this.parts.scope.covers(path)
  }

  async reread(path: ZnodePath): Promise<WatchChange<T>[]> {
    const { scope, view, dirty } = this.parts
    const found: Found<T> = new Map()
    const heard = new Map<ZnodePath, Heard | undefined>()
    const read = async (each: ZnodePath): Promise<boolean> => {
      const reading = await this.read(each, (exists) => {
        heard.set(each, dirty.take(each))
        // Where a parent is missing, its children are missing too.
        if (!exists) heard.set(path, dirty.take(path) ?? heard.get(path))
      })
      found.set(each, reading)
      if (reading === undefined) found.set(path, undefined)
      return reading !== undefined
    }
    // A parent is delivered before its children, even where the child's event came first.
    const ancestors = scope.kind === 'tree' && path !== scope.root ? ancestorsOf(path, scope.root) : []
    let isThere = true
    for (const each of [...ancestors.filter((one) => !view.has(one)), path]) isThere &&= await read(each)
    const changes: WatchChange<T>[] = []
    const isDeleted = (each: ZnodePath): boolean => dirty.isDeleted(each)
    if (isThere && this.#isNews(path, found.get(path)?.stat) && ancestors.some(isDeleted)) {
      // The child may belong to another znode than the delivered one of that name. When the delivered znode ends, everything below
      // it ends too, so it must end first; else the new child would end with it.
      const isEnded = found.get(path)?.stat !== undefined
      const ended = heard.get(path)
      for (const each of ancestors) if (isThere && isDeleted(each)) isThere = await read(each)
      if (isEnded) changes.push(...view.step(path, undefined, ended && { ...ended, zxid: -1n }, 'event'))
    }
    for (const each of ancestors) {
      if (found.has(each)) changes.push(...view.step(each, found.get(each), heard.get(each), 'event'))
    }
    changes.push(...view.step(path, found.get(path), heard.get(path), 'event'))
    return changes
  }

  /** Whether a reading with this Stat (undefined where it was refused) is of another znode than the delivered one. */
  #isNews(path: ZnodePath, stat: ZnodeStat | undefined): boolean {
    const delivered = this.parts.view.statOf(path)
    return delivered === undefined || stat === undefined || delivered.czxid !== stat.czxid
  }

  /** An event will report a child that is created after this read. */
  protected mayHaveChildren({ stat }: Reading<T>): boolean {
    return stat === undefined || stat.numChildren > 0
  }

  /** An event will report its creation. */
  protected rootIsMissing(): undefined {}
}

/** Paths above `path` from `root` down. */
function ancestorsOf(path: ZnodePath, root: ZnodePath): ZnodePath[] {
  const ancestors: ZnodePath[] = []
  for (let at = path; at !== root; ) {
    at = parentPath(at)
    ancestors.unshift(at)
  }
  return ancestors
}
