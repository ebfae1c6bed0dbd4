/** A client on a host that a test advances by hand, and the server's end of its connection: frames in, frames out. */
import {
  type ConnectRequest,
  type Reader,
  readConnectRequest,
  sessionPassword,
  type Writer,
  writeConnectResponse,
} from '@lightkeeper/protocol'
import { type Clock, type Link, type LinkEvents, type Network, type Runtime, silentLog } from '@lightkeeper/runtime'
import { Frames, frameOf } from '../../../test/support/frames.mjs'
import { ManualTime } from '../../../test/support/hand-clock.ts'
import type { Client } from './client.ts'
import { connect } from './connect.ts'
import type { ConnectOptions } from './options.ts'

/** Lets pending promises settle. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class HandClock extends ManualTime implements Clock {
  turnEnd(task: () => void): void {
    this.after(0, task)
  }

  async advance(ms: number): Promise<void> {
    const until = this.time + ms
    await settle()
    for (let task = this.takeDue(until); task !== undefined; task = this.takeDue(until)) {
      task()
      await settle()
    }
    this.time = until
  }
}

/** The server's end of one connection. */
export class ServerEnd implements Link {
  readonly remote = 'peer:1'
  readonly address: string
  queuedBytes = 0
  isClosed = false
  readonly events: LinkEvents
  readonly #frames = new Frames(1 << 26)

  constructor(address: string, events: LinkEvents) {
    this.address = address
    this.events = events
  }

  /** A four-letter word instead of a connect request. */
  word: string | undefined

  write(chunk: Uint8Array): boolean {
    if (new TextDecoder().decode(chunk) === 'isro') {
      this.word = 'isro'
      return true
    }
    this.#frames.push(chunk)
    return true
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.isClosed = true
  }

  destroy(): void {
    this.isClosed = true
  }

  /** Accepts the connection and takes the ConnectRequest. */
  open(): ConnectRequest {
    this.events.opened?.()
    return readConnectRequest(this.frame())
  }

  frame(): Reader {
    const frame = this.#frames.next()
    if (frame === undefined) throw new Error('the client sent nothing more')
    return frame
  }

  get waiting(): number {
    return this.#frames.waiting
  }

  /** The next request: its header, and the reader behind it. */
  request(): { readonly xid: number; readonly type: number; readonly body: Reader } {
    const body = this.frame()
    return { xid: body.int(), type: body.int(), body }
  }

  send(write: (writer: Writer) => void): void {
    this.events.data(frameOf(write))
  }

  answer(text: string): void {
    this.events.data(new TextEncoder().encode(text))
    this.events.closed()
  }

  accept(sessionId = 0x77n, timeOut = 9000, readOnly = false): void {
    this.send((writer) =>
      writeConnectResponse(writer, {
        protocolVersion: 0,
        timeOut,
        sessionId,
        passwd: sessionPassword(sessionId),
        readOnly,
      }),
    )
  }

  reply(xid: number, err = 0, body: (writer: Writer) => void = () => {}, zxid = 10n): void {
    this.send((writer) => {
      writer.int(xid)
      writer.long(zxid)
      writer.int(err)
      body(writer)
    })
  }

  lose(reason = 'reset'): void {
    this.isClosed = true
    this.events.closed(new Error(reason))
  }
}

export interface Stage {
  readonly clock: HandClock
  /** Every connection the client opened, in order. */
  readonly peers: ServerEnd[]
  readonly connecting: Promise<Client>
  /** SRV records, by name. */
  readonly services: Map<string, string[]>
  /** The newest connection. */
  readonly peer: ServerEnd
}

export function stage(options: ConnectOptions = {}, target = 'a:1', parts: Partial<Runtime> = {}): Stage {
  const clock = new HandClock()
  const peers: ServerEnd[] = []
  const services = new Map<string, string[]>()
  const network: Network = {
    connect(address, events) {
      const peer = new ServerEnd(address, events)
      peers.push(peer)
      return peer
    },
    listen() {
      throw new Error('a client does not listen')
    },
    async service(name) {
      const known = services.get(name)
      if (known === undefined) throw new Error('ENOTFOUND')
      return known
    },
  }
  let chance = 0
  const random = {
    below: (bound: number) => (chance = (chance * 7 + 3) % 97) % bound,
    bytes: (length: number) => new Uint8Array(length).fill(7),
  }
  const runtime: Partial<Runtime> = { clock, network, random, log: silentLog, ...parts }
  const connecting = connect(target, { sessionTimeout: 9000, ...options, runtime: { ...runtime, ...options.runtime } })
  connecting.catch(() => {})
  return {
    clock,
    peers,
    services,
    connecting,
    get peer() {
      return peers.at(-1) as ServerEnd
    },
  }
}

/** A stage whose client has its session. */
export async function connected(
  options: ConnectOptions = {},
  target?: string,
): Promise<Stage & { readonly zk: Client }> {
  const made = stage(options, target)
  await made.clock.advance(0)
  made.peer.open()
  made.peer.accept()
  await made.clock.advance(0)
  const zk = await made.connecting
  return Object.defineProperty(Object.assign(Object.create(made) as Stage, { zk }), 'zk', { value: zk }) as Stage & {
    readonly zk: Client
  }
}
