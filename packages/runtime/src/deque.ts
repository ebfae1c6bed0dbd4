/** A queue over a ring that doubles when full: push and shift in constant time, no garbage per item. */
export class Deque<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(8).fill(undefined)
  #head = 0
  #length = 0

  /** The number of items. */
  get length(): number {
    return this.#length
  }

  /** Adds an item behind all others. */
  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  /** The oldest item, left in place. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head]
  }

  /** The item at `index` counted from the oldest, left in place. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.#length ? undefined : this.#items[(this.#head + index) & (this.#items.length - 1)]
  }

  /** Removes every item. */
  clear(): void {
    this.#items.fill(undefined)
    this.#head = 0
    this.#length = 0
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#length; i++) yield this.at(i) as T
  }

  #grow(): void {
    const items = new Array<T | undefined>(this.#items.length * 2).fill(undefined)
    for (let i = 0; i < this.#length; i++) items[i] = this.at(i)
    this.#items = items
    this.#head = 0
  }
}
