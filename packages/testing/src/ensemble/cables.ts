/** Which of the members of an ensemble, and their clients, hear each other. */

/** Stands for all clients, beside the indexes of members. */
export const clients = -1

export type End = number

export class Cables {
  /** Directions in which nothing passes. */
  readonly #cut = new Set<string>()
  readonly #listeners = new Set<() => void>()

  /** Whether what `from` sends is held back from `to`. */
  isCut(from: End, to: End): boolean {
    return this.#cut.has(`${from} ${to}`)
  }

  /** Sets the direction from one end to the other; the listeners hear of it. */
  set(from: End, to: End, isCut: boolean): void {
    if (isCut) this.#cut.add(`${from} ${to}`)
    else this.#cut.delete(`${from} ${to}`)
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
