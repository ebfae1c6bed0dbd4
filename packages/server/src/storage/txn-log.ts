/** Seam: where transactions become durable. What is acknowledged was flushed first; nothing else decides that. */
import type { TxnHeader } from '@lightkeeper/protocol'
import type { Txn } from '../tree/txn.ts'

export interface TxnLog {
  /** Everything up to this zxid would survive a power cut (or a kill, where syncing is off). */
  readonly durableZxid: bigint
  /**
   * Takes a transaction and the digest of the tree behind it; they come in the order of their zxids. Must not keep the bytes
   * waiting: `flush` follows at the end of the turn.
   */
  append(header: TxnHeader, txn: Txn, digest: bigint | undefined): void
  /**
   * Makes everything appended so far durable, then calls `done` once. With an error, nothing appended since the last success
   * may be acknowledged, and the log takes no more. May call `done` before it returns.
   */
  flush(done: (error?: Error) => void): void
  close(): Promise<void>
}

/** Remembers nothing: the tree in memory is all there is, and it goes with the process. */
export function memoryLog(): TxnLog {
  let last = 0n
  let durable = 0n
  return {
    get durableZxid() {
      return durable
    },
    append(header) {
      last = header.zxid
    },
    flush(done) {
      durable = last
      done()
    },
    async close() {},
  }
}
