/** A few values by path, which can be found from any path below: one step for each segment that exists, and no more. */
import { ownString, TextMap } from '@lightkeeper/runtime'

class Branch<V> {
  value: V | undefined
  branches: TextMap<Branch<V>> | undefined
}

export class PathTrie<V> {
  readonly #top = new Branch<V>()
  size = 0

  get(path: string): V | undefined {
    if (path === '') return this.#top.value
    let found: V | undefined
    this.#walk(path, (value, end) => {
      if (end === path.length) found = value
    })
    return found
  }

  /** `value` is not undefined. */
  set(path: string, value: V): void {
    let at = this.#top
    eachSegment(path, (segment) => {
      at.branches ??= new TextMap()
      let next = at.branches.get(segment)
      if (next === undefined) {
        next = new Branch()
        at.branches.set(ownString(segment, 0), next)
      }
      at = next
      return true
    })
    if (at.value === undefined) this.size++
    at.value = value
  }

  delete(path: string): void {
    const way: [Branch<V>, string][] = []
    let at: Branch<V> | undefined = this.#top
    eachSegment(path, (segment) => {
      way.push([at as Branch<V>, segment])
      at = (at as Branch<V>).branches?.get(segment)
      return at !== undefined
    })
    if (at === undefined || at.value === undefined) return
    at.value = undefined
    this.size--
    // Removes branches without values.
    for (let i = way.length - 1; i >= 0; i--) {
      const [parent, segment] = way[i] as [Branch<V>, string]
      const branch = parent.branches?.get(segment) as Branch<V>
      if (branch.value !== undefined || branch.branches !== undefined) return
      parent.branches?.delete(segment)
      if (parent.branches?.size === 0) parent.branches = undefined
    }
  }

  /** Every value at `path` and above, the highest first; `end` is the length of its path, 1 for the root. */
  above(path: string, visit: (value: V, end: number) => void): void {
    if (this.size > 0) this.#walk(path, visit)
  }

  #walk(path: string, visit: (value: V, end: number) => void): void {
    let at: Branch<V> | undefined = this.#top
    eachSegment(path, (segment, end) => {
      at = (at as Branch<V>).branches?.get(segment)
      if (at === undefined) return false
      if (at.value !== undefined) visit(at.value, Math.max(end, 1))
      return at.branches !== undefined
    })
  }
}

/**
 * The segments of a path, the first of which is empty; the root has only that one. The empty path has none: it is no znode's, and above
 * none. Stops when `visit` returns false.
 */
function eachSegment(path: string, visit: (segment: string, end: number) => boolean): void {
  if (path === '') return
  if (path === '/') {
    visit('', 1)
    return
  }
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf('/', from)
    const end = slash < 0 ? path.length : slash
    if (!visit(path.slice(from, end), end)) return
    from = end + 1
  }
}
