/**
 * The transaction log on disk. Transactions of one flush leave in one write that returns when they are durable. A file is never
 * written to again after a restart: each start, and each roll, begins a new one, named by its first transaction.
 */
import { type TxnHeader, Writer } from '@lightkeeper/protocol'
import type { Disk, DiskFile } from '@lightkeeper/runtime'
import type { Txn } from '../tree/txn.ts'
import { logName } from './file-names.ts'
import { writeLogHeader, writeLogRecord } from './log-file.ts'
import { writeTxn } from './txn-codec.ts'
import type { TxnLog } from './txn-log.ts'

export interface FileTxnLogOptions {
  /** Bytes a file grows by before they are needed, so that appending changes no size; 0 for none. */
  readonly preAllocBytes: number
  /** False: written, not synced. A power cut loses what was acknowledged. */
  readonly forceSync: boolean
  /** Hears of each durable batch before it is acknowledged. */
  onDurable(zxid: bigint): void
}

/** Room left in a file below which it grows (FilePadding.java). */
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
  #firstZxid: bigint | undefined
  #lastZxid: bigint
  #file: DiskFile | undefined
  #position = 0
  /** The size of the file with its padding, in bytes. */
  #size = 0
  /** The next batch to be begun goes to a new file. */
  #wantsFile = true
  /** The batch that is filled goes to a new file. */
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

  append(header: TxnHeader, txn: Txn, digest: bigint | undefined): void {
    if (this.#firstZxid === undefined) {
      this.#firstZxid = header.zxid
      this.#beginsFile = this.#wantsFile
      this.#wantsFile = false
      if (this.#beginsFile) writeLogHeader(this.#filling)
    }
    writeLogRecord(this.#filling, (writer) => writeTxn(writer, header, txn, digest))
    this.#lastZxid = header.zxid
    this.txns++
  }

  /** The next batch that is begun goes to a new file. */
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
      // Never tried again: after a failed sync the system may have dropped the bytes and call them clean.
      this.#failure = error as Error
    }
    this.#flushing = undefined
    done(this.#failure)
  }

  async close(): Promise<void> {
    await this.#flushing
    this.#failure ??= new Error('the log is closed')
    await this.#file?.close()
    this.#file = undefined
  }

  async #write(first: bigint, batch: Uint8Array, isNew: boolean): Promise<void> {
    if (isNew) await this.#begin(first)
    const file = this.#file as DiskFile
    const { preAllocBytes, forceSync } = this.#options
    const end = this.#position + batch.length
    if (preAllocBytes > 0 && end + paddingMargin >= this.#size) {
      const size = Math.ceil((end + paddingMargin + 1) / preAllocBytes) * preAllocBytes
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

  async #begin(first: bigint): Promise<void> {
    const before = this.#file
    const file = await this.#disk.open(`${this.#directory}/${logName(first)}`, { create: true })
    this.#file = file
    // One of this name holds nothing but a record that was torn.
    if ((await file.size()) > 0) await file.truncate(0)
    this.#position = 0
    this.#size = 0
    await before?.close()
  }
}
