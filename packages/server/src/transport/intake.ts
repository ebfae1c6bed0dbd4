/** What came of a connection and is not served yet: chunks of bytes, and the frame at their head. */
import { Framer, type Reader } from '@lightkeeper/protocol'

/** Chunks that may come, of 64 KiB at the most, while a connection awaits its turn. */
const chunksMax = 4

export class Intake {
  readonly #framer: Framer
  /** Chunks that came while nothing could be read. */
  readonly #chunks: Uint8Array[] = []
  /** A frame that was read and may not be served yet; good as long as the framer is not asked for the next. */
  #held: Reader | undefined

  /** `frameBytesMax`: a longer frame is an error. */
  constructor(frameBytesMax: number) {
    this.#framer = new Framer(frameBytesMax)
  }

  get isHolding(): boolean {
    return this.#held !== undefined
  }

  /** Nothing waits; the beginning of a frame counts as nothing. */
  get isEmpty(): boolean {
    return this.#held === undefined && this.#chunks.length === 0
  }

  /** So much waits that no more should come. */
  get isFull(): boolean {
    return this.#chunks.length >= chunksMax
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
  }

  /** Takes the next frame, good until the next call; undefined where none is whole. @throws MalformedFrameError as Framer. */
  take(): Reader | undefined {
    const held = this.#held
    if (held !== undefined) {
      this.#held = undefined
      return held
    }
    for (;;) {
      const frame = this.#framer.next()
      if (frame !== undefined) return frame
      const chunk = this.#chunks.shift()
      if (chunk === undefined) return undefined
      this.#framer.push(chunk)
    }
  }

  /** The frame that was taken last may not be served yet: it is the next one again. */
  putBack(frame: Reader): void {
    this.#held = frame
  }

  clear(): void {
    this.#chunks.length = 0
    this.#held = undefined
  }
}
