/**
 * The number of descendants of some requested znodes. A walk counts once; from then on the count is kept up to date. While no count
 * is requested, creates and deletes cost nothing.
 */
import type { Znode } from './znode.ts'

/** Number of znodes with a kept count; a new one replaces the one that was requested first. */
const keptMax = 256

/** A znode and everything below it, at any depth. */
export function eachOf(top: Znode, visit: (node: Znode) => void): void {
  const stack = [top]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    visit(node)
    node.children?.forEach((child) => void stack.push(child))
  }
}

export class DescendantCounts {
  readonly #counts = new Map<Znode, number>()

  /** Znodes whose count is kept. */
  get size(): number {
    return this.#counts.size
  }

  of(node: Znode): number {
    const known = this.#counts.get(node)
    if (known !== undefined) return known
    if (node.children === undefined) return 0
    const count = this.#walk(node)
    if (this.#counts.size >= keptMax) this.#counts.delete(this.#counts.keys().next().value as Znode)
    this.#counts.set(node, count)
    return count
  }

  /** A znode was created (1) or deleted (-1) at `path`; its parents exist in the tree. */
  changed(root: Znode, path: string, by: 1 | -1): void {
    let node: Znode | undefined = root
    for (let from = 1; ; ) {
      const slash = path.indexOf('/', from)
      if (slash < 0) return
      node = node.children?.get(path.slice(from, slash))
      if (node === undefined) return
      const count = this.#counts.get(node)
      if (count !== undefined) this.#counts.set(node, count + by)
      from = slash + 1
    }
  }

  removed(root: Znode, path: string, node: Znode): void {
    this.#counts.delete(node)
    this.changed(root, path, -1)
  }

  /** A kept count of a znode below is used. */
  #walk(top: Znode): number {
    let count = -1
    const stack = [top]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      count++
      const known = this.#counts.get(node)
      if (known !== undefined) count += known
      else node.children?.forEach((child) => void stack.push(child))
    }
    return count
  }
}
