/**
 * Znodes by path. Each is in the children of its parent under its name. Only znodes with children are also found by their whole
 * path, so no paths are stored for a million leaves. The map has many parts, since a single map of a million entries stops
 * everything for tens of milliseconds each time it doubles.
 */
import { lastSlash } from '@lightkeeper/protocol'
import { ownString, TextMap } from '@lightkeeper/runtime'
import type { Znode } from './znode.ts'

const parts = 256

export class ZnodeIndex {
  readonly root: Znode
  /** Number of znodes; the root counts once. */
  size = 1
  readonly #parents: TextMap<Znode>[] = Array.from({ length: parts }, () => new TextMap<Znode>())

  constructor(root: Znode) {
    this.root = root
  }

  /** The root has the paths `/` and empty, as in Apache. */
  get(path: string): Znode | undefined {
    if (path.length <= 1 && (path === '/' || path === '')) return this.root
    const slash = lastSlash(path)
    return this.#parent(path, slash)?.children?.get(path.slice(slash + 1))
  }

  has(path: string): boolean {
    return this.get(path) !== undefined
  }

  /** The parent exists, the path is free. */
  add(path: string, node: Znode): void {
    const slash = lastSlash(path)
    this.addBelow(this.get(path.slice(0, slash)) as Znode, path, slash, node)
  }

  /**
   * As `add`, with the parent and the last slash known. False where the path was not free; then the index cannot be used any more.
   */
  addBelow(parent: Znode, path: string, slash: number, node: Znode): boolean {
    if (parent.children === undefined) {
      parent.children = new TextMap()
      if (slash > 0) {
        const own = ownString(path, 0, slash)
        this.#part(own).set(own, parent)
      }
    }
    const before = parent.children.size
    parent.children.set(ownString(path, slash + 1), node)
    this.size++
    return parent.children.size > before
  }

  /** The znode exists and has no children. Its parent, its last slash and its name are known. */
  deleteBelow(parent: Znode, path: string, slash: number, name: string): void {
    if (!parent.children?.delete(name)) return
    this.size--
    if (parent.children.size > 0) return
    parent.children = undefined
    if (slash > 0) {
      const own = path.slice(0, slash)
      this.#part(own).delete(own)
    }
  }

  /** Every znode with its path, parents before their children; the root's is `/`. */
  forEach(visit: (node: Znode, path: string) => void): void {
    visit(this.root, '/')
    const stack: [base: string, node: Znode][] = [['', this.root]]
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const [base, parent] = next
      parent.children?.forEach((node, name) => {
        const path = `${base}/${name}`
        visit(node, path)
        if (node.children !== undefined) stack.push([path, node])
      })
    }
  }

  #parent(path: string, slash: number): Znode | undefined {
    if (slash <= 0) return slash === 0 ? this.root : undefined
    const own = path.slice(0, slash)
    return this.#part(own).get(own)
  }

  #part(path: string): TextMap<Znode> {
    const { length } = path
    const hash =
      path.charCodeAt(length - 1) * 31 + path.charCodeAt(length - 2) * 7 + path.charCodeAt(length >> 1) * 59 + length
    return this.#parents[hash & (parts - 1)] as TextMap<Znode>
  }
}
