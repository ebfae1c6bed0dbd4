/**
 * How many znodes stand below some that were asked for. A count is made once, by a walk, and kept up to date from then on: while
 * nobody asks, creates and deletes pay nothing.
 */
import type { Znode } from './znode.ts'

/** Znodes whose count is kept; the one asked for first is forgotten for another. */
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

  /** A znode came (1) or went (-1) at `path`; those above it stand in the tree. */
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

  /** Where a count below is kept it is taken. */
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
