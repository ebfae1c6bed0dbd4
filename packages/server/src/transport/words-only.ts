/**
 * A connection while nobody serves clients: a member that looks for a leader answers four-letter words, as Apache does, and closes every
 * other connection.
 */
import type { Clock, Link, LinkEvents } from '@lightkeeper/runtime'
import type { FourLetterWords } from '../admin/four-letter.ts'
import { Opening } from './opening.ts'

const patienceMs = 2_000
/** More of them at once are closed without an answer. */
const most = 64

export class WordsOnly {
  readonly #words: FourLetterWords
  readonly #clock: Clock
  #count = 0

  constructor(words: FourLetterWords, clock: Clock) {
    this.#words = words
    this.#clock = clock
  }

  accept(link: Link): LinkEvents {
    if (this.#count >= most) {
      link.destroy()
      return { data() {}, closed() {} }
    }
    this.#count++
    const timer = this.#clock.after(patienceMs, () => link.destroy())
    const opening = new Opening(this.#words)
    let isOver = false
    return {
      data: (chunk) => {
        if (isOver) return
        const opened = opening.add(chunk)
        if (opened === undefined) return
        isOver = true
        if (opened.isWord) void this.#answer(link, opened.bytes)
        else link.destroy()
      },
      closed: () => {
        this.#count--
        timer.cancel()
      },
    }
  }

  async #answer(link: Link, word: Uint8Array): Promise<void> {
    try {
      link.write(new TextEncoder().encode(await this.#words.answer(word)))
      link.end()
    } catch {
      link.destroy()
    }
  }
}
