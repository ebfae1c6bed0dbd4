/** Watch events as bytes. One change is told to many: its event is written once. */
import { type EventType, keeperState, specialXid, Writer } from '@lightkeeper/protocol'
import { beginReply } from '../pipeline/replies.ts'

export class EventFrames {
  /** Bytes of all frames that were given out, each counted for each connection that got it. */
  bytes = 0
  readonly #writer = new Writer(256)
  #type: EventType | undefined
  #path = ''
  #zxid = 0n

  /** The frame of an event; good until the next call. */
  frame(type: EventType, path: string, zxid: bigint): Uint8Array {
    const writer = this.#writer
    if (type !== this.#type || zxid !== this.#zxid || path !== this.#path) {
      this.#type = undefined
      writer.clear()
      const mark = beginReply(writer, specialXid.watchEvent, zxid, 0)
      writer.int(type)
      writer.int(keeperState.syncConnected)
      writer.ustring(path)
      writer.endFrame(mark)
      this.#type = type
      this.#path = path
      this.#zxid = zxid
    }
    this.bytes += writer.length
    return writer.written()
  }
}
