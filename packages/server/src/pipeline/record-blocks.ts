/**
 * Encodes short records one behind the other into blocks of memory: a typed array with memory of its own costs many times what its bytes
 * cost. What a record was given stays as it is; a block lives as long as one of its records.
 */
import { Writer } from '@lightkeeper/protocol'

const blockBytes = 32 * 1024
/** A block with less room than this is left to its records. A longer record makes its block larger. */
const roomBytes = 1024

export class RecordBlocks {
  readonly #writer = new Writer(blockBytes)
  #start = 0

  /** Write one record to the result, and call `end` in the same turn. */
  begin(): Writer {
    this.#start = this.#writer.length
    return this.#writer
  }

  /** The bytes of the record that was begun. */
  end(): Uint8Array {
    const writer = this.#writer
    const record = writer.bytes.subarray(this.#start, writer.length)
    if (writer.length + roomBytes > blockBytes) writer.renew(blockBytes)
    return record
  }
}
