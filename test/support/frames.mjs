// @ts-check
/** Frames of the wire protocol, made and taken apart: every raw client of tests and benchmarks uses these. */
import { Framer, Reader, Writer, writeConnectRequest } from '@lightkeeper/protocol'

/** One frame whose body `write` fills in. @param {(writer: Writer) => void} write @returns {Uint8Array} */
export function frameOf(write) {
  const writer = new Writer()
  const mark = writer.beginFrame()
  write(writer)
  writer.endFrame(mark)
  return writer.written().slice()
}

/**
 * A ConnectRequest. Default: a new session of 30 s.
 * @param {Partial<import('@lightkeeper/protocol').ConnectRequest>} [request] @returns {Uint8Array}
 */
export function connectFrame(request = {}) {
  return frameOf((writer) =>
    writeConnectRequest(writer, {
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeOut: 30_000,
      sessionId: 0n,
      passwd: new Uint8Array(16),
      readOnly: false,
      ...request,
    }),
  )
}

/** A request: `type` is its opcode, `write` writes its record. @param {number} xid @param {number} type @param {(writer: Writer) => void} [write] */
export function requestFrame(xid, type, write = () => {}) {
  return frameOf((writer) => {
    writer.int(xid)
    writer.int(type)
    write(writer)
  })
}

/** Frames out of chunks; each is a copy that stays valid. */
export class Frames {
  /** @type {Framer} */
  #framer
  /** @type {Reader[]} */
  #whole = []

  /** `frameMax` is the largest frame that is accepted, bytes. @param {number} [frameMax] */
  constructor(frameMax = 1 << 30) {
    this.#framer = new Framer(frameMax)
  }

  /** @throws MalformedFrameError for an impossible length; whole frames before it can still be taken. @param {Uint8Array} chunk */
  push(chunk) {
    // A plain copy, even if the chunk is a Buffer.
    this.#framer.push(Uint8Array.from(chunk))
    for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) {
      this.#whole.push(new Reader(frame.bytes.slice(frame.pos, frame.end)))
    }
  }

  /** The number of whole frames that were not taken yet. */
  get waiting() {
    return this.#whole.length
  }

  /** @returns {Reader | undefined} */
  next() {
    return this.#whole.shift()
  }
}
