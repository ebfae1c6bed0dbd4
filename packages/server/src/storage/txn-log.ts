/** Seam: makes transactions durable. A transaction is acknowledged only after its flush. */
import type { TxnHeader, Writer } from '@lightkeeper/protocol'
import type { Txn } from '../tree/txn.ts'
import { writeTxn } from './txn-codec.ts'

/** A transaction in the format of a log and of a proposal: its zxid and its bytes, which the reader owns. */
export interface LoggedPayload {
  readonly zxid: bigint
  readonly payload: Uint8Array
}

/** The requested transaction is not in the log. `first` and `last` are the log's first and last zxid, if it has any. */
export class NotInLogError extends Error {
  override readonly name = 'NotInLogError'
  readonly code = 'NOT_IN_LOG'
  readonly zxid: bigint
  readonly first: bigint | undefined
  readonly last: bigint | undefined

  constructor(message: string, zxid: bigint, first?: bigint, last?: bigint) {
    super(message)
    this.zxid = zxid
    this.first = first
    this.last = last
  }
}

export interface TxnLog {
  /** Everything up to this zxid would survive a power cut (or a kill, where syncing is off). */
  readonly durableZxid: bigint
  /**
   * Begins the record of the next transaction. Write its payload (txn-codec.ts) to the returned writer, which is the memory of the
   * next write to the disk, and call `endRecord` in the same turn. Transactions come in the order of their zxids. Undefined where
   * the log keeps nothing: then encode nothing and do not call `endRecord`.
   */
  beginRecord(zxid: bigint): Writer | undefined
  endRecord(): void
  /** As `beginRecord` and `endRecord`, for a payload that is encoded already. Its bytes are copied. */
  append(zxid: bigint, payload: Uint8Array): void
  /**
   * Makes everything appended so far durable, then calls `done` once. After an error, nothing appended since the last success may
   * be acknowledged, and the log takes nothing more. It may call `done` before it returns.
   */
  flush(done: (error?: Error) => void): void
  /**
   * Removes every transaction after `zxid`, which becomes the last one; resolves when they are gone for good. Everything appended
   * must be flushed. After an error other than NotInLogError the log takes nothing more.
   * @throws NotInLogError, with nothing changed, where `zxid` is not in the log.
   */
  truncate(zxid: bigint): Promise<void>
  /**
   * The durable transactions from `from` on (inclusive), up to the last durable one at the time of this call.
   * @throws NotInLogError where `from` is not in the log; HistoryDamage where the files break off before the end.
   */
  read(from: bigint): AsyncIterable<LoggedPayload>
  close(): Promise<void>
}

/** Encodes a transaction directly into the log. `digest` is that of the tree after it, undefined where none is kept. */
export function logTxn(log: TxnLog, header: TxnHeader, txn: Txn, digest: bigint | undefined): void {
  const record = log.beginRecord(header.zxid)
  if (record === undefined) return
  writeTxn(record, header, txn, digest)
  log.endRecord()
}

/** Keeps nothing: the tree is only in memory, and is lost when the process ends. */
export function memoryLog(): TxnLog {
  let last = 0n
  let durable = 0n
  const nothing = (zxid: bigint): never => {
    throw new NotInLogError('the log is in memory only and keeps no transactions', zxid)
  }
  return {
    get durableZxid() {
      return durable
    },
    beginRecord(zxid) {
      last = zxid
      return undefined
    },
    endRecord() {},
    append(zxid) {
      last = zxid
    },
    flush(done) {
      durable = last
      done()
    },
    truncate: async (zxid) => nothing(zxid),
    read: (from) => nothing(from),
    async close() {},
  }
}
