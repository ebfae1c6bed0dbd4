/** A client that sends what it is told, frame by frame, over a real socket: for what no client library would send. */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import {
  Framer,
  opCode,
  openAcl,
  Reader,
  readConnectResponse,
  Writer,
  writeConnectRequest,
  writeCreateRequest,
} from '@lightkeeper/protocol'

export interface RawReply {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  readonly body: Reader
}

export class RawClient implements AsyncDisposable {
  readonly socket: Socket
  sessionId = 0n
  /** Watch events that came. */
  events = 0
  isClosed = false
  readonly #framer = new Framer(1 << 30)
  readonly #expected: ((reply: RawReply) => void)[] = []
  readonly #closed: (() => void)[] = []
  #onFrame: ((frame: Reader) => void) | undefined
  #xid = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.#framer.push(new Uint8Array(chunk))
      for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) this.#frame(frame)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
      for (const closed of this.#closed.splice(0)) closed()
    })
  }

  /** With a session of `timeOut` milliseconds. */
  static async open(port: number, timeOut = 30_000): Promise<RawClient> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const client = new RawClient(socket)
    const handshake = new Promise<Reader>((resolve) => {
      client.#onFrame = resolve
    })
    client.raw((writer) =>
      writeConnectRequest(writer, {
        protocolVersion: 0,
        lastZxidSeen: 0n,
        timeOut,
        sessionId: 0n,
        passwd: new Uint8Array(16),
        readOnly: false,
      }),
    )
    client.sessionId = readConnectResponse(await handshake).sessionId
    return client
  }

  /** Sends one frame whose body `write` fills in. */
  raw(write: (writer: Writer) => void): void {
    const writer = new Writer()
    const mark = writer.beginFrame()
    write(writer)
    writer.endFrame(mark)
    this.socket.write(writer.written())
  }

  /** Sends a request and does not wait. */
  send(type: number, write: (writer: Writer) => void = () => {}, xid: number = ++this.#xid): void {
    this.raw((writer) => {
      writer.int(xid)
      writer.int(type)
      write(writer)
    })
  }

  /** The reply; replies come in the order of the requests. @throws Error where the connection ends first. */
  call(type: number, write: (writer: Writer) => void = () => {}): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) reject(new Error('the connection is closed'))
      this.#closed.push(() => reject(new Error('the connection was closed before the reply')))
      this.#expected.push(resolve)
      this.send(type, write)
    })
  }

  create(path: string, flags = 0, data: Uint8Array | null = null): Promise<RawReply> {
    return this.call(opCode.create, (writer) => writeCreateRequest(writer, { path, data, acl: openAcl, flags }))
  }

  /** Resolves when the server has closed the connection. */
  async ended(): Promise<void> {
    if (!this.isClosed) await new Promise<void>((resolve) => void this.#closed.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.ended()
  }

  #frame(frame: Reader): void {
    const own = new Reader(frame.bytes.slice(frame.pos, frame.end))
    if (this.#onFrame !== undefined) {
      const handshake = this.#onFrame
      this.#onFrame = undefined
      handshake(own)
      return
    }
    const reply: RawReply = { xid: own.int(), zxid: own.long(), err: own.int(), body: own }
    if (reply.xid === -1) this.events++
    else if (reply.xid !== -2) this.#expected.shift()?.(reply)
  }
}
