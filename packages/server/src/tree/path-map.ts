/**
 * A map from paths in many parts: a single one is rehashed as a whole each time it doubles, which at a million entries stops
 * everything for tens of milliseconds, and it ends at sixteen million.
 */

const parts = 256

export class PathMap<V> {
  readonly #parts: Map<string, V>[] = Array.from({ length: parts }, () => new Map<string, V>())
  #size = 0

  get size(): number {
    return this.#size
  }

  get(path: string): V | undefined {
    return this.#part(path).get(path)
  }

  has(path: string): boolean {
    return this.#part(path).has(path)
  }

  set(path: string, value: V): this {
    const part = this.#part(path)
    const before = part.size
    part.set(path, value)
    this.#size += part.size - before
    return this
  }

  delete(path: string): boolean {
    const isGone = this.#part(path).delete(path)
    if (isGone) this.#size--
    return isGone
  }

  /** In no order. */
  *[Symbol.iterator](): Generator<[path: string, value: V], void, void> {
    for (const part of this.#parts) yield* part
  }

  /** In no order, and without allocating. */
  forEach(visit: (value: V, path: string) => void): void {
    for (const part of this.#parts) part.forEach(visit)
  }

  /** The end of a path tells siblings apart, with sequence numbers too. */
  #part(path: string): Map<string, V> {
    const { length } = path
    const hash =
      length < 4
        ? length
        : path.charCodeAt(length - 1) * 31 +
          path.charCodeAt(length - 2) * 7 +
          path.charCodeAt(length - 3) * 131 +
          path.charCodeAt(length - 4) * 17 +
          path.charCodeAt(length >> 1) * 59 +
          length
    return this.#parts[hash & (parts - 1)] as Map<string, V>
  }
}
