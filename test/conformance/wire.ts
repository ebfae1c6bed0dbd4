/** A client that is nothing but frames on a socket: what it sends is what a case says, what it gets is kept in order. */
import { createConnection, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import {
  type Acl,
  type ConnectResponse,
  keeperCodeOf,
  type MultiOperation,
  opCode,
  openAcl,
  type Reader,
  readConnectResponse,
  readMultiResponse,
  readStat,
  readWatcherEvent,
  type Stat,
  type Writer,
  writeCreateRequest,
  writeMultiRequest,
} from '@lightkeeper/protocol'
import { connectFrame, Frames, frameOf, requestFrame } from '../support/frames.mjs'

export interface Reply {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  /** `OK`, or the code of the error. */
  readonly code: string
  readonly body: Reader
}

export interface Event {
  readonly type: number
  readonly path: string
  readonly state: number
  readonly zxid: bigint
}

const patienceMs = 20_000

export class Wire {
  readonly #socket: Socket
  readonly #frames = new Frames(64 << 20)
  /** Events that came in front of replies that were waited for. */
  readonly events: Event[] = []
  isClosed = false
  sessionId = 0n
  passwd: Uint8Array = new Uint8Array(16)
  timeOut = 0
  #xid = 0
  #wake: (() => void) | undefined
  /** Everything received, for answers that are no frames. */
  text = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1')
      if (this.text.length > 1 << 20) this.text = ''
      try {
        this.#frames.push(chunk)
      } catch {}
      this.#wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
      this.#wake?.()
    })
  }

  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port, noDelay: true }, () => resolve(new Wire(socket)))
      socket.once('error', reject)
    })
  }

  /** A connection with TLS; rejects where the handshake fails before the client has done its part. */
  static secure(port: number, options: ConnectionOptions): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...options }, () =>
        resolve(new Wire(socket)),
      )
      socket.setNoDelay(true)
      socket.once('error', reject)
    })
  }

  /** A connection with a session. */
  static async connect(port: number, options: ConnectOptions = {}): Promise<Wire> {
    const wire = await Wire.open(port)
    await wire.handshake(options)
    return wire
  }

  /** Sends a ConnectRequest; undefined when the server closes without an answer. */
  async handshake(options: ConnectOptions = {}): Promise<(ConnectResponse & { readonly bytes: number }) | undefined> {
    this.raw(connectFrame({ timeOut: 10_000, readOnly: false, ...options }))
    const frame = await this.#next()
    if (frame === undefined) return undefined
    const bytes = frame.remaining
    const response = readConnectResponse(frame)
    this.sessionId = response.sessionId
    this.passwd = (response.passwd ?? this.passwd).slice()
    this.timeOut = response.timeOut
    return { ...response, bytes }
  }

  raw(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  frame(write: (writer: Writer) => void): void {
    this.raw(frameOf(write))
  }

  /** Sends a request without waiting for its reply. */
  send(type: number, write: (writer: Writer) => void = () => {}, xid: number = ++this.#xid): number {
    this.raw(requestFrame(xid, type, write))
    return xid
  }

  async call(type: number, write: (writer: Writer) => void = () => {}, xid?: number): Promise<Reply> {
    this.send(type, write, xid)
    return this.reply()
  }

  /** The next reply; events in front of it are kept. */
  async reply(): Promise<Reply> {
    for (;;) {
      const frame = await this.#next()
      if (frame === undefined) throw new Error('the server closed the connection instead of replying')
      const xid = frame.int()
      const zxid = frame.long()
      const err = frame.int()
      if (xid === -1) this.events.push({ zxid, ...readWatcherEvent(frame) })
      else return { xid, zxid, err, code: err === 0 ? 'OK' : (keeperCodeOf(err) ?? `${err}`), body: frame }
    }
  }

  /** The next event, sent already or to come. */
  async event(): Promise<Event> {
    const kept = this.events.shift()
    if (kept !== undefined) return kept
    const frame = await this.#next()
    if (frame === undefined) throw new Error('the server closed the connection instead of sending an event')
    const xid = frame.int()
    const zxid = frame.long()
    frame.int()
    if (xid !== -1) throw new Error(`expected an event, got the reply to ${xid}`)
    return { zxid, ...readWatcherEvent(frame) }
  }

  /** Events sent so far, as `type path`, once a ping has been answered behind them. */
  async heard(): Promise<string[]> {
    await this.call(opCode.ping, undefined, -2)
    return this.events.splice(0).map(({ type, path }) => `${type} ${path}`)
  }

  /** Resolves once the server has closed; false if it sends a frame first. */
  async closes(): Promise<boolean> {
    return (await this.#next()) === undefined
  }

  /** The bytes of the next frame of any kind. */
  async frameBytes(): Promise<Uint8Array> {
    const frame = await this.#next()
    if (frame === undefined) throw new Error('the server closed the connection')
    return frame.bytes.slice(frame.pos, frame.end)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  end(): void {
    this.#socket.end()
  }

  // -- the usual requests ---------------------------------------------------------------------------------------------

  create(path: string, options: CreateOptions = {}): Promise<Reply> {
    return this.call(options.type ?? opCode.create, (writer) => {
      writeCreateRequest(writer, {
        path,
        data: bytesOf(options.data),
        acl: options.acl ?? openAcl,
        flags: options.flags ?? 0,
      })
      if (options.ttl !== undefined) writer.long(options.ttl)
    })
  }

  /** Creates and returns the path; fails unless it succeeds. */
  async made(path: string, options: CreateOptions = {}): Promise<string> {
    const reply = await this.create(path, options)
    if (reply.err !== 0) throw new Error(`create ${path}: ${reply.code}`)
    return reply.body.ustring() ?? ''
  }

  delete(path: string, version = -1): Promise<Reply> {
    return this.call(opCode.delete, (writer) => {
      writer.ustring(path)
      writer.int(version)
    })
  }

  set(path: string, data: string | null = '', version = -1): Promise<Reply> {
    return this.call(opCode.setData, (writer) => {
      writer.ustring(path)
      writer.buffer(bytesOf(data))
      writer.int(version)
    })
  }

  setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Reply> {
    return this.call(opCode.setACL, (writer) => {
      writer.ustring(path)
      writer.vector(acl, writeAcl)
      writer.int(version)
    })
  }

  /** exists, getData, getChildren, getChildren2. */
  read(type: number, path: string, watch = false): Promise<Reply> {
    return this.call(type, (writer) => {
      writer.ustring(path)
      writer.boolean(watch)
    })
  }

  /** getACL, sync, getAllChildrenNumber, getEphemerals. */
  readPath(type: number, path: string): Promise<Reply> {
    return this.call(type, (writer) => writer.ustring(path))
  }

  /** checkWatches, removeWatches, addWatch. */
  watches(type: number, path: string, number: number): Promise<Reply> {
    return this.call(type, (writer) => {
      writer.ustring(path)
      writer.int(number)
    })
  }

  auth(scheme: string, credentials: string, xid = -4): Promise<Reply> {
    return this.call(
      opCode.auth,
      (writer) => {
        writer.int(0)
        writer.ustring(scheme)
        writer.buffer(bytesOf(credentials))
      },
      xid,
    )
  }

  multi(operations: readonly MultiOperation[], type: number = opCode.multi): Promise<Reply> {
    return this.call(type, (writer) => writeMultiRequest(writer, operations))
  }

  /** Results of a multi: `ok`, or the code. */
  async outcomes(operations: readonly MultiOperation[], type: number = opCode.multi): Promise<string[]> {
    const reply = await this.multi(operations, type)
    if (reply.err !== 0) return [`header ${reply.code}`]
    return readMultiResponse(reply.body).map((result) =>
      result.type === opCode.error ? (result.err === 0 ? 'rolled back' : (keeperCodeOf(result.err) ?? '?')) : 'ok',
    )
  }

  async stat(path: string): Promise<Stat> {
    const reply = await this.read(opCode.exists, path)
    if (reply.err !== 0) throw new Error(`exists ${path}: ${reply.code}`)
    return readStat(reply.body)
  }

  async data(path: string): Promise<string | null> {
    const { body } = await this.read(opCode.getData, path)
    const data = body.buffer()
    return data === null ? null : new TextDecoder().decode(data)
  }

  async children(path: string): Promise<string[]> {
    const { body } = await this.read(opCode.getChildren, path)
    return (body.vector(4, (reader) => reader.ustring() ?? '') ?? []).sort()
  }

  /** Ends the session. */
  async close(): Promise<void> {
    if (!this.isClosed) await this.call(opCode.closeSession).catch(() => {})
    this.destroy()
  }

  async #next(): Promise<Reader | undefined> {
    const deadline = Date.now() + patienceMs
    while (this.#frames.waiting === 0) {
      if (this.isClosed) return undefined
      if (Date.now() > deadline) throw new Error('the server said nothing')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#frames.next()
  }
}

export interface ConnectOptions {
  readonly timeOut?: number
  readonly sessionId?: bigint
  readonly passwd?: Uint8Array | null
  readonly lastZxidSeen?: bigint
  /** Undefined leaves the flag out, as old clients do. */
  readonly readOnly?: boolean | undefined
}

export interface CreateOptions {
  readonly type?: number
  readonly flags?: number
  readonly data?: string | null
  readonly acl?: readonly Acl[]
  readonly ttl?: bigint
}

export function bytesOf(text: string | null | undefined): Uint8Array | null {
  if (text === null) return null
  return new TextEncoder().encode(text ?? '')
}

function writeAcl(writer: Writer, { perms, id }: Acl): void {
  writer.int(perms)
  writer.ustring(id.scheme)
  writer.ustring(id.id)
}

export function aclOf(perms: number, scheme: string, id: string): Acl {
  return { perms, id: { scheme, id } }
}
