/** Frames of the wire protocol, made and taken apart: what every raw client of the tests stands on. */
import { type ConnectRequest, Framer, Reader, Writer, writeConnectRequest } from '@lightkeeper/protocol'

/** One frame whose body `write` fills in. */
export function frameOf(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer()
  const mark = writer.beginFrame()
  write(writer)
  writer.endFrame(mark)
  return writer.written().slice()
}

/** A ConnectRequest for a new session of 30 s, but for what `request` says otherwise. */
export function connectFrame(request: Partial<ConnectRequest> = {}): Uint8Array {
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

/** Frames out of chunks, each a copy that outlives them. */
export class Frames {
  readonly #framer: Framer
  readonly #whole: Reader[] = []

  constructor(frameMax = 1 << 30) {
    this.#framer = new Framer(frameMax)
  }

  /** @throws MalformedFrameError for a length that cannot be; whole frames in front of it are there. */
  push(chunk: Uint8Array): void {
    // A copy, and no Buffer even where the chunk is one.
    this.#framer.push(Uint8Array.from(chunk))
    for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) {
      this.#whole.push(new Reader(frame.bytes.slice(frame.pos, frame.end)))
    }
  }

  /** Whole frames that nobody took. */
  get waiting(): number {
    return this.#whole.length
  }

  next(): Reader | undefined {
    return this.#whole.shift()
  }
}
