/**
 * A growing buffer, the counterpart of the reader: jute's primitives and length-prefixed frames, appended in place. Each primitive
 * checks its value before it writes a byte, since a frame with one wrong field makes all bytes after it unreadable.
 */
import { encodeUtf8, encodeUtf8Part, longBytes, utf8Length } from './utf8.ts'

/** @throws TypeError from every primitive for a value of another type, or one that does not fit. */
export class Writer {
  /** The bytes; what is behind `length` is not written. Growing replaces them. */
  bytes: Uint8Array
  /** Bytes written so far. */
  length = 0
  #view: DataView

  /** `capacity` in bytes to start with; doubles as needed. */
  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
  }

  /** One byte: 1 or 0. */
  boolean(value: boolean): void {
    if (typeof value !== 'boolean') throw unwritable('a boolean', value)
    const at = this.reserve(1)
    this.bytes[at] = value ? 1 : 0
  }

  /** A signed integer of 32 bits. */
  int(value: number): void {
    if ((value | 0) !== value) throw unwritable('an integer of 32 bits', value)
    const at = this.reserve(4)
    this.#view.setInt32(at, value)
  }

  /** A signed integer of 64 bits. */
  long(value: bigint): void {
    if (typeof value !== 'bigint') throw unwritable('a bigint', value)
    const at = this.reserve(8)
    this.#view.setBigInt64(at, value)
  }

  /** Null becomes length -1, the empty string length 0. */
  ustring(value: string | null): void {
    if (value === null) {
      this.int(-1)
      return
    }
    if (typeof value !== 'string') throw unwritable('a string', value)
    if (value.length > longBytes) return this.#longString(value)
    const length = utf8Length(value)
    const at = this.reserve(4 + length)
    this.#view.setInt32(at, length)
    encodeUtf8(value, this.bytes, at + 4)
  }

  /** A long text is most likely ASCII. To count its bytes first takes many times longer than to encode it. */
  #longString(value: string): void {
    const at = this.reserve(4 + value.length)
    let length = value.length
    const { read, written } = encodeUtf8Part(value, this.bytes, at + 4, at + 4 + length)
    if (read < value.length) {
      const rest = value.slice(read)
      length = written + utf8Length(rest)
      // There are never fewer bytes than units. More room keeps what is written.
      this.reserve(length - value.length)
      encodeUtf8(rest, this.bytes, at + 4 + written)
    }
    this.#view.setInt32(at, length)
  }

  /** Null becomes length -1. The bytes are copied. */
  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1)
      return
    }
    if (!(value instanceof Uint8Array)) throw unwritable('a Uint8Array', value)
    const length = value.length
    const at = this.reserve(4 + length)
    this.#view.setInt32(at, length)
    const bytes = this.bytes
    // A short copy by hand is cheaper than the call into the engine.
    if (length <= 64) for (let i = 0; i < length; i++) bytes[at + 4 + i] = value[i] as number
    else bytes.set(value, at + 4)
  }

  /** Appends bytes without a length. */
  raw(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw unwritable('a Uint8Array', value)
    // The order matters: making room may replace the bytes.
    const at = this.reserve(value.length)
    this.bytes.set(value, at)
  }

  /** A list: its length, or -1 for null, then its elements. */
  vector<T>(values: readonly T[] | null, element: (writer: Writer, value: T) => void): void {
    if (values === null) {
      this.int(-1)
      return
    }
    if (!Array.isArray(values)) throw unwritable('an array', values)
    this.int(values.length)
    for (const value of values) element(this, value)
  }

  /** Opens a frame: leaves room for its length. Returns the mark that `endFrame` needs. */
  beginFrame(): number {
    return this.reserve(4)
  }

  /** Closes the frame opened at `mark`. */
  endFrame(mark: number): void {
    this.#view.setInt32(mark, this.length - mark - 4)
  }

  /** Overwrites the int at `at`, for a field whose value is known only later. */
  patchInt(at: number, value: number): void {
    this.#view.setInt32(at, value)
  }

  /** As `patchInt`, for a long. */
  patchLong(at: number, value: bigint): void {
    this.#view.setBigInt64(at, value)
  }

  /** Removes everything after `length`: takes back a half-written frame. */
  truncate(length: number): void {
    this.length = length
  }

  /** The written bytes, as a view that the next write may overwrite. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Starts again in the same buffer. Call it only when the result of `written` is no longer used. */
  clear(): void {
    this.length = 0
  }

  /** Starts again in a fresh buffer: what `written` returned stays as it is. */
  renew(capacity = 1024): void {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
    this.length = 0
  }

  /** Makes room for `count` bytes at the end and returns the offset they start at. */
  reserve(count: number): number {
    const at = this.length
    const need = at + count
    if (need > this.bytes.length) return this.#grow(count)
    this.length = need
    return at
  }

  #grow(count: number): number {
    // Doubles while it is small; a large piece gets only what it needs.
    const capacity = Math.max(64, this.bytes.length * 2, this.length + count)
    const bytes = new Uint8Array(capacity)
    bytes.set(this.bytes.subarray(0, this.length))
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer)
    return this.reserve(count)
  }
}

/** The message does not contain the value itself: it may be data or a password. */
function unwritable(expected: string, value: unknown): TypeError {
  const kind = value === null ? 'null' : typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
  return new TypeError(`cannot write ${kind} where the record has ${expected}`)
}
