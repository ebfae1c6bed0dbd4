/** The changes that are waiting for the next event of a stream. Where there are too many, the newest stay and the others are counted. */
import type { ChangeItem } from '../api.ts'

export class Sample {
  readonly #max: number
  #items: ChangeItem[] = []
  #leftOut = 0

  constructor(max: number) {
    this.#max = max
  }

  get isEmpty(): boolean {
    return this.#items.length === 0
  }

  add(item: ChangeItem): void {
    this.#items.push(item)
    // In steps, so that a flood does not move the whole list with each change.
    if (this.#items.length >= 2 * this.#max) this.#cut()
  }

  /** Takes what is waiting, in order. */
  take(): { readonly items: readonly ChangeItem[]; readonly leftOut: number } {
    this.#cut()
    const taken = { items: this.#items, leftOut: this.#leftOut }
    this.#items = []
    this.#leftOut = 0
    return taken
  }

  #cut(): void {
    const over = this.#items.length - this.#max
    if (over <= 0) return
    this.#items.splice(0, over)
    this.#leftOut += over
  }
}
