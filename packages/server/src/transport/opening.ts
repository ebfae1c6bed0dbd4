/** The first bytes of a connection: a four-letter word, or frames. */
import { joined } from '../joined.ts'
import type { Words } from './connection-host.ts'

export class Opening {
  readonly #words: Words
  #bytes: Uint8Array = new Uint8Array(0)

  constructor(words: Words) {
    this.#words = words
  }

  /** Undefined while more bytes must come before it is known what they are. `bytes` are all that came, or those of the word. */
  add(chunk: Uint8Array): { readonly isWord: boolean; readonly bytes: Uint8Array } | undefined {
    const bytes = joined(this.#bytes, chunk)
    const wanted = bytes.length < 4 ? 4 : this.#words.length(bytes)
    if (bytes.length < wanted) {
      this.#bytes = bytes
      return undefined
    }
    return wanted === 0 ? { isWord: false, bytes } : { isWord: true, bytes: bytes.subarray(0, wanted) }
  }
}
