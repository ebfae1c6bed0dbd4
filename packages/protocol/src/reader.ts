/** A bounds-checked cursor over received bytes: jute's primitives, read in place. */
import { MalformedFrameError } from './malformed-frame-error.ts'
import { decodeUtf8 } from './utf8.ts'

/**
 * Reads one frame at a time; `reset` moves it to the next without allocating. `buffer()` returns a view of the received
 * bytes: copy it to keep it beyond the turn.
 */
export class Reader {
  /** The bytes that it reads from. */
  bytes: Uint8Array
  /** Next byte to read. */
  pos: number
  /** One past the last byte of this frame; nothing beyond is ever read. */
  end: number
  /** The whole memory of which `bytes` is a part, and where that part begins: parts of the same memory follow one another. */
  #view: DataView
  #base: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.pos = start
    this.end = end
    this.#view = new DataView(bytes.buffer)
    this.#base = bytes.byteOffset
  }

  /** Moves to `[start, end)` of `bytes`. */
  reset(bytes: Uint8Array, start: number, end: number): this {
    if (bytes !== this.bytes) {
      this.bytes = bytes
      if (bytes.buffer !== this.#view.buffer) this.#view = new DataView(bytes.buffer)
      this.#base = bytes.byteOffset
    }
    this.pos = start
    this.end = end
    return this
  }

  /** Bytes of the frame that are not read yet. */
  get remaining(): number {
    return this.end - this.pos
  }

  /** Any non-zero byte is true. */
  boolean(): boolean {
    return this.bytes[this.#take(1)] !== 0
  }

  /** A signed integer of 32 bits. */
  int(): number {
    return this.#view.getInt32(this.#base + this.#take(4))
  }

  /** The int `ahead` bytes from here, without moving. The caller knows that these bytes exist. */
  peekInt(ahead: number): number {
    return this.#view.getInt32(this.#base + this.pos + ahead)
  }

  /** A signed integer of 64 bits. */
  long(): bigint {
    return this.#view.getBigInt64(this.#base + this.#take(8))
  }

  /** A long as a number, without a bigint in between: for times. Not exact beyond 2 ** 53. */
  longAsNumber(): number {
    const at = this.#base + this.#take(8)
    return this.#view.getInt32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)
  }

  /** Null for length -1. @throws MalformedFrameError for another negative length or one beyond the frame. */
  ustring(): string | null {
    const length = this.#length()
    if (length < 0) return null
    const start = this.#take(length)
    return decodeUtf8(this.bytes, start, start + length)
  }

  /** A view, not a copy; null for length -1. @throws MalformedFrameError as `ustring`. */
  buffer(): Uint8Array | null {
    const length = this.#length()
    if (length < 0) return null
    const start = this.#take(length)
    return this.bytes.subarray(start, start + length)
  }

  /** As `buffer`, but a copy, which the caller may keep. It costs half as much as copying the view. */
  bufferCopy(): Uint8Array | null {
    const length = this.#length()
    if (length < 0) return null
    const start = this.#take(length)
    return this.bytes.slice(start, start + length)
  }

  /**
   * Null for count -1; other negative counts read as empty, as in Java. `leastBytes` is the smallest size of an element:
   * a count that could not fit into the frame is refused before anything is allocated.
   */
  vector<T>(leastBytes: number, element: (reader: Reader) => T): T[] | null {
    const at = this.pos
    const count = this.int()
    if (count === -1) return null
    if (count < 0) return []
    if (count * leastBytes > this.remaining)
      throw new MalformedFrameError(`vector of ${count} elements does not fit`, at)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(element(this))
    return items
  }

  #length(): number {
    const at = this.pos
    const length = this.int()
    if (length < -1 || length > this.end - this.pos) {
      throw new MalformedFrameError(`Unreasonable length = ${length}`, at)
    }
    return length
  }

  #take(count: number): number {
    const at = this.pos
    if (count > this.end - at) throw new MalformedFrameError(`frame ends ${count - (this.end - at)} bytes early`, at)
    this.pos = at + count
    return at
  }
}
