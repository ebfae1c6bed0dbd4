/** A client that sends any frame over a real socket: for requests that no client library would send. */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { opCode, type Reader, readConnectResponse, type Writer } from '@lightkeeper/protocol'
import { connectFrame, Frames, frameOf, requestFrame } from './frames.mjs'
import { createBody } from './requests.ts'

export interface RawReply {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  readonly body: Reader
}

export interface SessionClaim {
  readonly sessionId?: bigint
  readonly passwd?: Uint8Array
}

export class RawClient implements AsyncDisposable {
  readonly socket: Socket
  sessionId = 0n
  /** Milliseconds; 0 where the server refused the session. */
  timeOut = 0
  /** Watch events that came. */
  events = 0
  isClosed = false
  readonly #frames = new Frames()
  readonly #expected: ((reply: RawReply) => void)[] = []
  readonly #closed: (() => void)[] = []
  #onFrame: ((frame: Reader) => void) | undefined
  #xid = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.#frames.push(chunk)
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) this.#frame(frame)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
      for (const closed of this.#closed.splice(0)) closed()
    })
  }

  /** With a session of `timeOut` milliseconds: a new one, or the one that `claim` names. */
  static async open(port: number, timeOut = 30_000, claim: SessionClaim = {}): Promise<RawClient> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const client = new RawClient(socket)
    const handshake = new Promise<Reader>((resolve) => {
      client.#onFrame = resolve
    })
    socket.write(connectFrame({ timeOut, ...claim }))
    const answer = readConnectResponse(await handshake)
    client.sessionId = answer.sessionId
    client.timeOut = answer.timeOut
    return client
  }

  /** Sends one frame whose body `write` fills in. */
  raw(write: (writer: Writer) => void): void {
    this.socket.write(frameOf(write))
  }

  /** Sends a request and does not wait. */
  send(type: number, write: (writer: Writer) => void = () => {}, xid: number = ++this.#xid): void {
    this.socket.write(requestFrame(xid, type, write))
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
    return this.call(opCode.create, createBody(path, flags, data))
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
    if (this.#onFrame !== undefined) {
      const handshake = this.#onFrame
      this.#onFrame = undefined
      handshake(frame)
      return
    }
    const reply: RawReply = { xid: frame.int(), zxid: frame.long(), err: frame.int(), body: frame }
    if (reply.xid === -1) this.events++
    else if (reply.xid !== -2) this.#expected.shift()?.(reply)
  }
}
