/** A transaction log file: header, records, zeros (FileTxnLog.java). Reading says exactly where and why the records end. */
import { adler32, MalformedFrameError, Reader, type Writer } from '@lightkeeper/protocol'
import type { ReadableFile } from '@lightkeeper/runtime'
import { type LoggedTxn, readTxn } from './txn-codec.ts'

export const logHeaderBytes = 16
const logMagic = 0x5a4b_4c47
const logVersion = 2
/** The number of the database: Apache writes 0 and never reads it. This one says that our server wrote the file. */
const ownDatabase = 0x6c69_6768_746b_6565n
const endOfRecord = 0x42
/** Checksum and length before a payload, the end mark after it. */
const frontBytes = 12
const frameBytes = frontBytes + 1
/** TxnHeader. */
const payloadBytesMin = 32
const windowBytes = 1 << 20

export function writeLogHeader(writer: Writer): void {
  writer.int(logMagic)
  writer.int(logVersion)
  writer.long(ownDatabase)
}

/** Begins a record: the caller writes its payload next. Returns the mark that `endLogRecord` needs. */
export function beginLogRecord(writer: Writer): number {
  return writer.reserve(frontBytes)
}

/** Ends the record begun at `at`: checksum and length before the payload, the end mark after it. */
export function endLogRecord(writer: Writer, at: number): void {
  const start = at + frontBytes
  writer.patchInt(at, 0)
  // An unsigned 32-bit sum in a signed long.
  writer.patchInt(at + 4, adler32(writer.bytes, start, writer.length) | 0)
  writer.patchInt(at + 8, writer.length - start)
  // The order matters: making room may replace the bytes.
  const end = writer.reserve(1)
  writer.bytes[end] = endOfRecord
}

/** The reason of a log that is shorter than its last record says. */
export const endsInsideRecord = 'the file ends inside a record'

/** Why no further record was read at `offset`. */
export interface LogEnd {
  /**
   * `complete`: the file ends after a record. `padding`: zeros follow. `torn`: the next bytes are no record. `header`: the file has
   * no header, or only a part. `foreign`: it is another kind of file, or a whole record that this version does not know; no crash
   * leaves that. `stopped`: the visitor asked for it; `offset` is that of the record that it saw.
   */
  readonly kind: 'complete' | 'padding' | 'torn' | 'header' | 'foreign' | 'stopped'
  /** The offset of the first byte that is not part of a good record. */
  readonly offset: number
  /** The reason in words; empty for `complete`, `padding` and `stopped`. */
  readonly reason: string
  /** The size of the file, in bytes. */
  readonly size: number
}

/** The place of a record in its file, and what distinguishes it from others with its zxid. Valid until the visitor returns. */
export interface RecordPlace {
  readonly offset: number
  /** Adler-32 of the payload. */
  readonly checksum: number
  /** The size of the payload, in bytes. */
  readonly bytes: number
}

/** The offset after a record: that of the next one, or the end of the file. */
export function behind(at: RecordPlace): number {
  return at.offset + at.bytes + frameBytes
}

/** Reading failed: which file, where, and why. */
export class DiskReadError extends Error {
  override readonly name = 'DiskReadError'
  readonly code = 'DISK_READ'

  constructor(path: string, offset: number, cause: unknown) {
    super(`cannot read ${path} at offset ${offset}: ${(cause as Error).message}`, { cause })
  }
}

export class LogFile {
  readonly path: string
  readonly size: number
  readonly #file: ReadableFile
  #isFromOthers = false
  #window: Uint8Array<ArrayBuffer>
  /** Offset in the file of the first byte of the window, and how many are valid. */
  #base = 0
  #held = 0

  private constructor(path: string, file: ReadableFile, size: number, bytes: number) {
    this.path = path
    this.#file = file
    this.size = size
    this.#window = new Uint8Array(bytes)
  }

  /** Its header says that another server wrote it; known once it was read. */
  get isFromOthers(): boolean {
    return this.#isFromOthers
  }

  /** `bytes`: how much is read at once, and looked at in one turn. */
  static async open(path: string, file: ReadableFile, bytes = windowBytes): Promise<LogFile> {
    return new LogFile(path, file, await file.size(), bytes)
  }

  /**
   * Calls `visit` for every good record from the start, or from a record at `from`, until it returns false. Resolves to how the
   * records end. Byte arrays are views, valid until `visit` returns. Records for which `skips` returns true are not decoded and not
   * passed on.
   */
  scan(
    visit: (record: LoggedTxn, at: RecordPlace) => void | false,
    from = 0,
    skips?: (zxid: bigint, at: RecordPlace) => boolean,
  ): Promise<LogEnd> {
    const payload = new Reader(this.#window)
    return this.#scan(from, (start, end, place) => {
      let record: LoggedTxn
      try {
        // The zxid comes after clientId and cxid.
        if (skips?.(payload.reset(this.#window, start + 12, end).long(), place)) return undefined
        record = readTxn(payload.reset(this.#window, start, end))
      } catch (error) {
        if (!(error instanceof MalformedFrameError)) throw error
        return `a record that cannot be understood: ${error.message}`
      }
      return visit(record, place)
    })
  }

  /**
   * As `scan`, but passes the bytes of each payload, a view that is valid until `visit` returns; only zxid and type are decoded.
   */
  scanPayloads(
    visit: (zxid: bigint, type: number, payload: Uint8Array, at: RecordPlace) => void | false,
    from = 0,
  ): Promise<LogEnd> {
    const payload = new Reader(this.#window)
    return this.#scan(from, (start, end, place) => {
      if (end - start < payloadBytesMin) return 'a record that is too short'
      const zxid = payload.reset(this.#window, start + 12, end).long()
      payload.pos += 8
      return visit(zxid, payload.int(), this.#window.subarray(start, end), place)
    })
  }

  /** `take` returns false to stop, and a reason where a whole record cannot be used. */
  async #scan(
    from: number,
    take: (start: number, end: number, place: RecordPlace) => string | false | void,
  ): Promise<LogEnd> {
    const end = (kind: LogEnd['kind'], offset: number, reason = ''): LogEnd => ({
      kind,
      offset,
      reason,
      size: this.size,
    })
    const reader = new Reader(this.#window)
    if (from === 0) {
      if (this.size < logHeaderBytes) return end('header', 0, `${this.size} bytes, less than a header`)
      await this.#hold(0, logHeaderBytes)
      if (reader.reset(this.#window, 0, logHeaderBytes).int() !== logMagic) {
        return this.#window.subarray(0, logHeaderBytes).every((byte) => byte === 0)
          ? end('header', 0, 'zeros where the header should be')
          : end('foreign', 0, 'not a transaction log: it does not start with "ZKLG"')
      }
      // The version, too.
      reader.pos += 4
      this.#isFromOthers = reader.long() !== ownDatabase
    }
    const place = { offset: Math.max(from, logHeaderBytes), checksum: 0, bytes: 0 }
    for (;;) {
      const { offset } = place
      if (!this.#holds(offset, frontBytes)) {
        if (this.size - offset < frontBytes) {
          if (offset === this.size) return end('complete', offset)
          await this.#hold(offset, this.size - offset)
          const rest = this.#window.subarray(offset - this.#base, this.size - this.#base)
          return rest.every((byte) => byte === 0) ? end('padding', offset) : end('torn', offset, endsInsideRecord)
        }
        await this.#hold(offset, frontBytes)
      }
      reader.reset(this.#window, offset - this.#base, offset - this.#base + frontBytes)
      const checksum = reader.longAsNumber()
      const length = reader.int()
      if (length === 0) {
        return checksum === 0 ? end('padding', offset) : end('torn', offset, 'a record of length 0')
      }
      if (length < 0) return end('torn', offset, `a record of length ${length}`)
      if (this.size - offset < length + frameBytes) return end('torn', offset, endsInsideRecord)
      if (!this.#holds(offset, length + frameBytes)) await this.#hold(offset, length + frameBytes)
      const start = offset - this.#base + frontBytes
      if (this.#window[start + length] !== endOfRecord) return end('torn', offset, 'a record without its end mark')
      if (!this.matches(checksum, this.#window, start, start + length)) {
        return end('torn', offset, 'a record whose checksum does not match')
      }
      place.checksum = checksum
      place.bytes = length
      const outcome = take(start, start + length, place)
      if (outcome === false) return end('stopped', offset)
      if (typeof outcome === 'string') return end('foreign', offset, outcome)
      place.offset += length + frameBytes
    }
  }

  /**
   * Looks after `offset` for a good record with a zxid above `last`, at any byte. If it finds one, the bytes in between were
   * damaged: after the place where a crash tears a file there is nothing.
   */
  async findRecord(offset: number, last: bigint): Promise<{ offset: number; zxid: bigint } | undefined> {
    const reader = new Reader(this.#window)
    for (let from = offset; from + frameBytes + payloadBytesMin <= this.size; ) {
      const until = Math.min(this.size, from + windowBytes)
      await this.#hold(from, until - from)
      const bytes = this.#window
      const candidates: number[] = []
      const stop = until - this.#base - frontBytes - payloadBytesMin
      const words = new Int32Array(bytes.buffer, 0, bytes.length >> 2)
      for (let at = from - this.#base; at <= stop; at++) {
        // Padding is long: if the next sixteen bytes are empty, no record begins in the next four.
        for (let word = (at + 3) >> 2; at + 20 < stop; word += 4) {
          if (words[word] !== 0 || words[word + 1] !== 0 || words[word + 2] !== 0 || words[word + 3] !== 0) break
          at = word << 2
        }
        // The upper half of a checksum is zero, and so are the first bytes of any normal length; a page of zeros is skipped fast.
        if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) continue
        reader.reset(bytes, at + 8, at + frontBytes + payloadBytesMin)
        const length = reader.int()
        if (length < payloadBytesMin || length > this.size - (this.#base + at) - frameBytes) continue
        reader.pos += 12
        if (reader.long() > last) candidates.push(this.#base + at)
      }
      for (const candidate of candidates) {
        const zxid = await this.#goodRecordAt(candidate)
        if (zxid !== undefined && zxid > last) return { offset: candidate, zxid }
      }
      if (until === this.size) return undefined
      // The front of a record that crosses the border is examined again.
      from = until - frontBytes - payloadBytesMin
    }
    return undefined
  }

  /**
   * Whether the file shows nothing of a record behind `last`, its last good one. `end` is how its good records end: at a torn end there
   * may have been more.
   */
  async endsWhole({ kind, offset }: LogEnd, last: bigint): Promise<boolean> {
    if (kind === 'complete') return true
    return (kind === 'padding' || kind === 'header') && (await this.findRecord(offset, last)) === undefined
  }

  async #goodRecordAt(offset: number): Promise<bigint | undefined> {
    await this.#hold(offset, frontBytes)
    const front = new Reader(this.#window, offset - this.#base, offset - this.#base + frontBytes)
    const checksum = front.longAsNumber()
    const length = front.int()
    await this.#hold(offset, length + frameBytes)
    const start = offset - this.#base + frontBytes
    if (this.#window[start + length] !== endOfRecord) return undefined
    if (!this.matches(checksum, this.#window, start, start + length)) return undefined
    try {
      return readTxn(new Reader(this.#window, start, start + length)).header.zxid
    } catch {
      return undefined
    }
  }

  /** Whether a payload is the one with which its record was written. */
  matches(checksum: number, bytes: Uint8Array, start: number, end: number): boolean {
    return checksum === adler32(bytes, start, end)
  }

  #holds(offset: number, count: number): boolean {
    return offset >= this.#base && offset + count <= this.#base + this.#held
  }

  /** Makes `[offset, offset + count)`, which must be within the file, readable in the window. */
  async #hold(offset: number, count: number): Promise<void> {
    if (this.#holds(offset, count)) return
    if (count > this.#window.length) this.#window = new Uint8Array(2 ** Math.ceil(Math.log2(count)))
    this.#base = offset
    this.#held = 0
    const wanted = Math.min(this.#window.length, this.size - offset)
    while (this.#held < wanted) {
      let got: number
      try {
        got = await this.#file.read(offset + this.#held, this.#window.subarray(this.#held, wanted))
      } catch (error) {
        throw new DiskReadError(this.path, offset + this.#held, error)
      }
      if (got === 0) {
        throw new DiskReadError(this.path, offset + this.#held, new Error('the file is shorter than it says'))
      }
      this.#held += got
    }
  }
}
