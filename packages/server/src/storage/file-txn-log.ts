/**
 * The transaction log on disk. The transactions of one flush are one write, which returns when they are durable. A file is never
 * written to again after a restart: each start, and each roll, begins a new file, named by its first transaction.
 */
import { Writer } from '@lightkeeper/protocol'
import { assert, type Disk, type DiskFile } from '@lightkeeper/runtime'
import { logName } from './file-names.ts'
import { readHistory, truncateHistory } from './history-reader.ts'
import { beginLogRecord, endLogRecord, writeLogHeader } from './log-file.ts'
import { type LoggedPayload, NotInLogError, type TxnLog } from './txn-log.ts'

export interface FileTxnLogOptions {
  /**
   * How many bytes a file grows by at the most before they are needed, so that appending does not change its size; 0 for none. It doubles
   * until then: a start reads the zeros behind the records too, and most of a short log would be zeros.
   */
  readonly preAllocBytes: number
  /** False: written, not synced. A power cut loses acknowledged transactions. */
  readonly forceSync: boolean
  /** Called with the last zxid of each batch that became durable, before the batch is acknowledged. */
  onDurable(zxid: bigint): void
}

/** A new file begins with this size, bytes. */
const firstSize = 1 << 20
/** A file grows when it has less room than this (FilePadding.java). */
const paddingMargin = 4096
const bufferBytes = 256 * 1024
const zero = Uint8Array.of(0)

export class FileTxnLog implements TxnLog {
  durableZxid: bigint
  /** Since the last roll. */
  txns = 0
  /** Since the last roll. */
  bytes = 0
  readonly #disk: Disk
  readonly #directory: string
  readonly #options: FileTxnLogOptions
  /** One is filled while the other is written. */
  #filling = new Writer(bufferBytes)
  #writing = new Writer(bufferBytes)
  /** Where the current record begins in `#filling`. */
  #recordAt = 0
  /** The first transaction that the disk has not got yet. */
  #firstZxid: bigint | undefined
  #lastZxid: bigint
  #file: DiskFile | undefined
  #name: string | undefined
  #position = 0
  /** The size of the file with its padding, in bytes. */
  #size = 0
  /** The next batch that begins goes to a new file. */
  #wantsFile = true
  /** The current batch goes to a new file. */
  #beginsFile = false
  #failure: Error | undefined
  #flushing: Promise<void> | undefined

  constructor(disk: Disk, directory: string, durableZxid: bigint, options: FileTxnLogOptions) {
    this.#disk = disk
    this.#directory = directory
    this.#options = options
    this.durableZxid = durableZxid
    this.#lastZxid = durableZxid
  }

  /** The file that is written to, and how many of its bytes are durable; undefined until this process has written one. */
  get current(): { readonly name: string; readonly durableBytes: number } | undefined {
    return this.#name === undefined ? undefined : { name: this.#name, durableBytes: this.#position }
  }

  beginRecord(zxid: bigint): Writer {
    if (this.#firstZxid === undefined) {
      this.#firstZxid = zxid
      this.#beginsFile = this.#wantsFile
      this.#wantsFile = false
      if (this.#beginsFile) writeLogHeader(this.#filling)
    }
    this.#lastZxid = zxid
    this.txns++
    this.#recordAt = beginLogRecord(this.#filling)
    return this.#filling
  }

  endRecord(): void {
    endLogRecord(this.#filling, this.#recordAt)
  }

  append(zxid: bigint, payload: Uint8Array): void {
    this.beginRecord(zxid).raw(payload)
    this.endRecord()
  }

  /** The next batch that begins goes to a new file. */
  roll(): void {
    this.#wantsFile = true
    this.txns = 0
    this.bytes = 0
  }

  flush(done: (error?: Error) => void): void {
    if (this.#failure !== undefined) {
      done(this.#failure)
      return
    }
    const first = this.#firstZxid
    if (first === undefined) {
      done()
      return
    }
    const batch = this.#filling
    this.#filling = this.#writing
    this.#writing = batch
    this.#firstZxid = undefined
    this.#flushing = this.#flush(first, this.#lastZxid, batch, this.#beginsFile, done)
  }

  async #flush(
    first: bigint,
    last: bigint,
    batch: Writer,
    beginsFile: boolean,
    done: (error?: Error) => void,
  ): Promise<void> {
    try {
      await this.#write(first, batch.written(), beginsFile)
      if (batch.bytes.length > 4 * bufferBytes) batch.renew(bufferBytes)
      else batch.clear()
      this.durableZxid = last
      this.#options.onDurable(last)
    } catch (error) {
      // Never tried again: after a failed sync the system may have dropped the bytes and report them as written.
      this.#failure = error as Error
    }
    this.#flushing = undefined
    done(this.#failure)
  }

  async truncate(zxid: bigint): Promise<void> {
    this.#assertQuiet()
    if (this.#failure !== undefined) throw this.#failure
    try {
      await truncateHistory(this.#disk, this.#directory, zxid, this.durableZxid)
      await this.restart(zxid)
    } catch (error) {
      // How much of the file is gone is unknown.
      if (!(error instanceof NotInLogError)) this.#failure = error as Error
      throw error
    }
  }

  /** Other code has changed the files, and they end with `zxid`: the next transaction follows it, in a new file. */
  async restart(zxid: bigint): Promise<void> {
    this.#assertQuiet()
    const before = this.#file
    this.#file = undefined
    this.#name = undefined
    this.#wantsFile = true
    this.durableZxid = zxid
    this.#lastZxid = zxid
    await before?.close()
  }

  /** The files are not as this log knows them: it takes nothing more. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /** Resolves when nothing is on its way to the files. @throws the error of a write that failed. */
  async quiet(): Promise<void> {
    while (this.#firstZxid !== undefined || this.#flushing !== undefined) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#flushing !== undefined) await this.#flushing
      else await new Promise<void>((resolve) => this.flush(() => resolve()))
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  read(from: bigint): AsyncIterable<LoggedPayload> {
    return readHistory(this.#disk, this.#directory, from, this.durableZxid)
  }

  async close(): Promise<void> {
    await this.#flushing
    this.#failure ??= new Error('the log is closed')
    await this.#file?.close()
    this.#file = undefined
  }

  #assertQuiet(): void {
    const isQuiet = this.#firstZxid === undefined && this.#flushing === undefined
    assert(isQuiet, 'nothing is on its way to the log when its files are changed')
  }

  async #write(first: bigint, batch: Uint8Array, isNew: boolean): Promise<void> {
    if (isNew) await this.#openFile(first)
    const file = this.#file as DiskFile
    const { preAllocBytes, forceSync } = this.#options
    const end = this.#position + batch.length
    if (preAllocBytes > 0 && end + paddingMargin >= this.#size) {
      const growth = Math.min(preAllocBytes, Math.max(firstSize, this.#size))
      const size = Math.ceil((end + paddingMargin + 1) / growth) * growth
      await file.write(size - 1, zero)
      this.#size = size
    }
    if (forceSync) await file.writeDurably(this.#position, batch)
    else await file.write(this.#position, batch)
    // The name is not durable before its directory is.
    if (isNew && forceSync) await this.#disk.syncDirectory(this.#directory)
    this.#position = end
    this.bytes += batch.length
  }

  async #openFile(first: bigint): Promise<void> {
    const before = this.#file
    const name = logName(first)
    const file = await this.#disk.open(`${this.#directory}/${name}`, { create: true })
    this.#file = file
    // A file with this name holds nothing but a torn record.
    if ((await file.size()) > 0) await file.truncate(0)
    this.#name = name
    this.#position = 0
    this.#size = 0
    await before?.close()
  }
}
