/** The answer of a word that tells of everybody's connections and watches: as much of it as may be held for one asker. */

/** Characters of an answer, about. */
export const answerCharsMax = 1 << 20

export class BoundedText {
  #parts: string[] = []
  #length = 0
  #left = 0

  /** Whether what is added still counts; who has much to say stops then. */
  get hasRoom(): boolean {
    return this.#length < answerCharsMax
  }

  line(text: string): void {
    if (!this.hasRoom) {
      this.#left++
      return
    }
    this.#parts.push(text)
    this.#length += text.length + 1
  }

  toString(): string {
    if (this.#left > 0) this.#parts.push('... cut off, there is more')
    this.#left = 0
    return this.#parts.length === 0 ? '' : `${this.#parts.join('\n')}\n`
  }
}
