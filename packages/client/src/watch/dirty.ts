/** The paths with an event that are not read again yet, in the order of their first event. Reads nothing itself. */
import { type EventType, eventType, type ZnodePath } from '@lightkeeper/protocol'
import type { Heard } from './view.ts'

interface Dirty {
  /** Writes by events, until the znode was deleted. */
  writes: number
  isDeleted: boolean
  /** The zxid of the last event. */
  zxid: bigint
  /** The znode itself must be read again. */
  self: boolean
  /** Its list of children must be read again: one-shot watches report that. */
  list: boolean
  /** Whether `writes` counts from the last delivered state. */
  readonly isExact: boolean
}

export class DirtyPaths {
  readonly #paths = new Map<ZnodePath, Dirty>()

  get size(): number {
    return this.#paths.size
  }

  /** The next path to read. */
  get first(): ZnodePath | undefined {
    return this.#paths.keys().next().value
  }

  /** Whether the znode was deleted since it was last read. */
  isDeleted(path: ZnodePath): boolean {
    return this.#paths.get(path)?.isDeleted === true
  }

  /** Whether more than the list of children must be read again. */
  concernsZnode(path: ZnodePath): boolean {
    return this.#paths.get(path)?.self === true
  }

  concernsList(path: ZnodePath): boolean {
    return this.#paths.get(path)?.list === true
  }

  /**
   * Notes an event. `isExact`: no event of the path was lost since it was delivered. Returns false, and forgets everything, where
   * this is one path too many: a consumer that does not return must not make us use memory without limit.
   */
  hear(type: EventType, path: ZnodePath, zxid: bigint, isExact: boolean, sizeMax: number): boolean {
    const isAboutList = type === eventType.nodeChildrenChanged
    const known = this.#paths.get(path)
    if (known !== undefined) {
      known.isDeleted ||= type === eventType.nodeDeleted
      if (type === eventType.nodeDataChanged && !known.isDeleted) known.writes++
      known.zxid = zxid
      known.self ||= !isAboutList
      known.list ||= isAboutList
      return true
    }
    if (this.#paths.size >= sizeMax) {
      this.#paths.clear()
      return false
    }
    const writes = type === eventType.nodeDataChanged ? 1 : 0
    const isDeleted = type === eventType.nodeDeleted
    this.#paths.set(path, { writes, isDeleted, zxid, self: !isAboutList, list: isAboutList, isExact })
    return true
  }

  /**
   * The znode was read. The read shows everything that was reported for the path before the reply. Undefined where events may have
   * been lost.
   */
  take(path: ZnodePath): Heard | undefined {
    const dirty = this.#paths.get(path)
    this.#paths.delete(path)
    return dirty?.isExact ? dirty : undefined
  }

  /** As `take`, for a list of children: the list does not show reported changes of the znode itself. */
  takeList(path: ZnodePath): void {
    const dirty = this.#paths.get(path)
    if (dirty === undefined) return
    dirty.list = false
    if (!dirty.self) this.#paths.delete(path)
  }

  /** Must be read again without an event: it changed between two reads. */
  touch(path: ZnodePath): void {
    if (this.#paths.has(path)) return
    this.#paths.set(path, { writes: 0, isDeleted: false, zxid: -1n, self: true, list: true, isExact: false })
  }

  clear(): void {
    this.#paths.clear()
  }
}
