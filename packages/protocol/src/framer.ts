/** Chunks of a byte stream → length-prefixed frames, read in place where a frame lies within one chunk. */
import { MalformedFrameError } from './malformed-frame-error.ts'
import { Reader } from './reader.ts'

/** Frame limit of a server and of a client since 3.6: `jute.maxbuffer`, 0xfffff. */
export const frameBytesMaxDefault = 0xfffff

/**
 * Holds at most one incomplete frame. `next` yields a reader over each complete frame; that reader is the same object
 * each time and its bytes belong to the chunk, so both are good until the next call.
 */
export class Framer {
  /** The largest frame that is accepted, bytes. */
  readonly frameBytesMax: number
  readonly #reader = new Reader(new Uint8Array(0))
  #chunk: Uint8Array = new Uint8Array(0)
  #pos = 0
  /** The incomplete frame at the end of the last chunk, its four length bytes included. */
  #rest: Uint8Array | undefined
  #restLength = 0
  /** Bytes of a frame above the limit that are still to come, and are dropped. */
  #toSkip = 0
  readonly #skipOversized: ((length: number) => boolean) | undefined

  /**
   * `skipOversized` is called for each frame above the limit, in its place, and returns whether to continue after it.
   * Default: no.
   */
  constructor(frameBytesMax: number = frameBytesMaxDefault, skipOversized?: (length: number) => boolean) {
    this.frameBytesMax = frameBytesMax
    this.#skipOversized = skipOversized
  }

  /** Adds a chunk. All frames of the one before must have been taken. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#pos = 0
  }

  /**
   * The next complete frame without its length, or undefined when more bytes are needed.
   * @throws MalformedFrameError when a length is negative or above the limit; the stream is useless then.
   */
  next(): Reader | undefined {
    if (this.#rest !== undefined) return this.#nextFromRest()
    if (this.#toSkip > 0) this.#skip()
    const chunk = this.#chunk
    const at = this.#pos
    const available = chunk.length - at
    if (available >= 4) {
      const length = readLength(chunk, at)
      if (this.#isOversized(length)) {
        this.#pos = at + 4
        this.#toSkip = length
        return this.next()
      }
      if (available >= 4 + length) {
        this.#pos = at + 4 + length
        return this.#reader.reset(chunk, at + 4, at + 4 + length)
      }
      this.#rest = new Uint8Array(4 + length)
    } else if (available > 0) this.#rest = new Uint8Array(4)
    else return undefined
    this.#rest.set(chunk.subarray(at))
    this.#restLength = available
    this.#pos = chunk.length
    return undefined
  }

  #nextFromRest(): Reader | undefined {
    let rest = this.#rest as Uint8Array
    if (this.#restLength < 4) {
      this.#fill(rest, 4)
      if (this.#restLength < 4) return undefined
      const length = readLength(rest, 0)
      if (this.#isOversized(length)) {
        this.#rest = undefined
        this.#restLength = 0
        this.#toSkip = length
        return this.next()
      }
      const whole = new Uint8Array(4 + length)
      whole.set(rest.subarray(0, 4))
      this.#rest = rest = whole
    }
    this.#fill(rest, rest.length)
    if (this.#restLength < rest.length) return undefined
    this.#rest = undefined
    this.#restLength = 0
    return this.#reader.reset(rest, 4, rest.length)
  }

  #fill(target: Uint8Array, upTo: number): void {
    const count = Math.min(upTo - this.#restLength, this.#chunk.length - this.#pos)
    target.set(this.#chunk.subarray(this.#pos, this.#pos + count), this.#restLength)
    this.#pos += count
    this.#restLength += count
  }

  #skip(): void {
    const count = Math.min(this.#toSkip, this.#chunk.length - this.#pos)
    this.#pos += count
    this.#toSkip -= count
  }

  /** True for a frame to be dropped; throws if the stream cannot continue. */
  #isOversized(length: number): boolean {
    if (length >= 0 && length <= this.frameBytesMax) return false
    if (length >= 0 && this.#skipOversized?.(length) === true) return true
    throw new MalformedFrameError(`frame of ${length} bytes, the limit is ${this.frameBytesMax},`, this.#pos)
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
