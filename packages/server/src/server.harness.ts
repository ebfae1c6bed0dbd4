/** A server on a host that a test advances by hand: no sockets, no time of its own, frames in and frames out. */
import {
  type ConnectResponse,
  opCode,
  type Reader,
  readConnectResponse,
  readWatcherEvent,
  type WatcherEvent,
  type Writer,
  writePathWatchRequest,
  writeSetDataRequest,
} from '@lightkeeper/protocol'
import {
  type Clock,
  type Link,
  type LinkEvents,
  type Log,
  type Network,
  type Runtime,
  silentLog,
} from '@lightkeeper/runtime'
import { connectFrame, Frames, frameOf } from '../../../test/support/frames.mjs'
import { ManualTime } from '../../../test/support/hand-clock.ts'
import { createBody } from '../../../test/support/requests.ts'
import type { ServerOptions } from './config/config.ts'
import { type RunningServer, startServer } from './server.ts'

export class HandClock extends ManualTime implements Clock {
  readonly #turns: (() => void)[] = []

  turnEnd(task: () => void): void {
    this.#turns.push(task)
  }

  /** Runs what was postponed to the end of the turn. */
  endTurn(): void {
    for (let task = this.#turns.shift(); task !== undefined; task = this.#turns.shift()) task()
  }

  /** Only one turn: what it postpones waits for the next. */
  oneTurn(): void {
    for (const task of this.#turns.splice(0)) task()
  }

  advance(ms: number): void {
    const until = this.time + ms
    for (let task = this.takeDue(until); task !== undefined; task = this.takeDue(until)) {
      task()
      this.endTurn()
    }
    this.time = until
  }
}

export interface Frame {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  readonly body: Reader
}

/** One raw client: what it sends is served at once, what it receives is kept in order. */
export class HandClient implements Link {
  readonly remote: string
  readonly bytes: Uint8Array[] = []
  isEnded = false
  isDestroyed = false
  isPaused = false
  /** Called during every call to the link, to make it throw. */
  fault: (call: 'write' | 'pause' | 'resume' | 'end' | 'destroy') => void = () => {}
  /** Set this to keep written bytes, as for a client that does not read. */
  isStuck = false
  queuedBytes = 0
  readonly #clock: HandClock
  readonly #frames = new Frames()
  #events: LinkEvents | undefined
  #xid = 0

  constructor(clock: HandClock, remote: string) {
    this.#clock = clock
    this.remote = remote
  }

  accepted(events: LinkEvents): void {
    this.#events = events
  }

  write(chunk: Uint8Array): boolean {
    this.fault('write')
    this.bytes.push(chunk.slice())
    if (this.isStuck) this.queuedBytes += chunk.length
    return !this.isStuck
  }

  pause(): void {
    this.fault('pause')
    this.isPaused = true
  }

  resume(): void {
    this.fault('resume')
    this.isPaused = false
  }

  end(): void {
    this.fault('end')
    this.isEnded = true
  }

  destroy(): void {
    this.fault('destroy')
    this.isDestroyed = true
    this.closed()
  }

  /** The client's side closes. */
  closed(): void {
    const events = this.#events
    this.#events = undefined
    events?.closed()
  }

  drain(): void {
    this.isStuck = false
    this.queuedBytes = 0
    this.#events?.drained?.()
    this.#clock.endTurn()
  }

  raw(bytes: Uint8Array, endTurn = true): void {
    this.#events?.data(bytes)
    if (endTurn) this.#clock.endTurn()
  }

  /** Sends a frame whose body `write` fills in. */
  frame(write: (writer: Writer) => void, endTurn = true): void {
    this.raw(frameOf(write), endTurn)
  }

  connect(
    options: { timeOut?: number; sessionId?: bigint; passwd?: Uint8Array; lastZxidSeen?: bigint } = {},
  ): ConnectResponse {
    this.raw(connectFrame(options))
    return readConnectResponse(this.#nextFrame())
  }

  /** Sends a request without ending the turn. */
  send(type: number, write: (writer: Writer) => void = () => {}, xid: number = ++this.#xid): number {
    this.frame((writer) => {
      writer.int(xid)
      writer.int(type)
      write(writer)
    }, false)
    return xid
  }

  /** Sends a request and takes its reply, which must be the next frame. */
  call(type: number, write: (writer: Writer) => void = () => {}, xid?: number): Frame {
    this.send(type, write, xid)
    this.#clock.endTurn()
    return this.next()
  }

  create(path: string, flags = 0, data = ''): Frame {
    return this.call(opCode.create, createBody(path, flags, new TextEncoder().encode(data)))
  }

  set(path: string, data: string, version = -1): Frame {
    return this.call(opCode.setData, (writer) =>
      writeSetDataRequest(writer, { path, data: new TextEncoder().encode(data), version }),
    )
  }

  get(path: string, watch = false): Frame {
    return this.call(opCode.getData, (writer) => writePathWatchRequest(writer, { path, watch }))
  }

  next(): Frame {
    const body = this.#nextFrame()
    return { xid: body.int(), zxid: body.long(), err: body.int(), body }
  }

  /** The next frame, which must be a watch event. */
  event(): WatcherEvent & { readonly zxid: bigint } {
    const frame = this.next()
    if (frame.xid !== -1) throw new Error(`expected an event, got the reply to ${frame.xid}`)
    return { zxid: frame.zxid, ...readWatcherEvent(frame.body) }
  }

  /** Frames that the server has sent and no test has taken. */
  get waiting(): number {
    for (let chunk = this.bytes.shift(); chunk !== undefined; chunk = this.bytes.shift()) this.#frames.push(chunk)
    return this.#frames.waiting
  }

  #nextFrame(): Reader {
    // Chunk by chunk: bytes that are no whole frame stay in `bytes`.
    while (this.#frames.waiting === 0) {
      const chunk = this.bytes.shift()
      if (chunk === undefined) throw new Error('expected a frame, the server sent none')
      this.#frames.push(chunk)
    }
    return this.#frames.next() as Reader
  }
}

export interface HandServer {
  readonly server: RunningServer
  readonly clock: HandClock
  /** A connection from `host`. */
  dial(host?: string): HandClient
}

export async function handServer(options: ServerOptions = {}, log: Log = silentLog): Promise<HandServer> {
  const clock = new HandClock()
  let accept: ((link: Link) => LinkEvents) | undefined
  let port = 50_000
  const network: Network = {
    service() {
      throw new Error('a server looks nothing up')
    },
    connect() {
      throw new Error('a server does not connect')
    },
    async listen(address, acceptLink) {
      accept = acceptLink
      return { address, close: async () => {} }
    },
  }
  const runtime: Partial<Runtime> = { clock, network, log }
  const server = await startServer({ initialZxid: 0n, tickTime: 1000, ...options }, runtime)
  return {
    server,
    clock,
    dial(host = '10.0.0.1') {
      const client = new HandClient(clock, `${host}:${++port}`)
      client.accepted((accept as (link: Link) => LinkEvents)(client))
      return client
    },
  }
}
