/** A server that refuses every write: a TCP proxy that answers with an error of one code, and counts what clients ask. */

import type { AddressInfo } from 'node:net'
import { createConnection, createServer, type Socket } from 'node:net'
import {
  Framer,
  type KeeperCode,
  keeperCodes,
  opCode,
  type Reader,
  readMultiRequest,
  Writer,
  writeMultiResponse,
} from '@lightkeeper/protocol'

export interface RefusingProxy extends AsyncDisposable {
  readonly connectString: string
  /** Requests since the last `reset`, without pings. */
  readonly requests: number
  /** Refuses writes with `code` from now on; undefined passes them. The count begins anew. */
  reset(code: KeeperCode | undefined): void
}

const writes: ReadonlySet<number> = new Set([
  opCode.create,
  opCode.create2,
  opCode.createContainer,
  opCode.createTTL,
  opCode.delete,
  opCode.setData,
  opCode.setACL,
  opCode.multi,
])

/** In front of the server at `port` of this machine. */
export async function refusingProxy(port: number): Promise<RefusingProxy> {
  const sockets = new Set<Socket>()
  let refusal: KeeperCode | undefined
  let requests = 0
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = createConnection({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    /** By xid: the code, and the operations of a transaction. */
    const refused = new Map<number, { readonly code: KeeperCode; readonly operations: number | undefined }>()
    onFrames(client, (frame, isFirst) => {
      if (isFirst) return upstream.write(framed(bytesOf(frame)))
      const whole = bytesOf(frame)
      const xid = frame.int()
      const type = frame.int()
      if (xid < 0) return upstream.write(framed(whole))
      requests++
      if (refusal === undefined || !writes.has(type)) return upstream.write(framed(whole))
      const operations = type === opCode.multi ? readMultiRequest(frame).length : undefined
      refused.set(xid, { code: refusal, operations })
      // Something the server answers in its turn, so that replies keep their order.
      const writer = new Writer()
      writer.int(xid)
      writer.int(opCode.exists)
      writer.ustring('/')
      writer.boolean(false)
      upstream.write(framed(writer.written()))
    })
    onFrames(upstream, (frame, isFirst) => {
      const whole = bytesOf(frame)
      if (isFirst) return client.write(framed(whole))
      const xid = frame.int()
      const zxid = frame.long()
      const found = refused.get(xid)
      if (found === undefined) return client.write(framed(whole))
      refused.delete(xid)
      const { number } = keeperCodes[found.code]
      const writer = new Writer()
      writer.int(xid)
      writer.long(zxid)
      writer.int(found.operations === undefined ? number : 0)
      if (found.operations !== undefined) {
        // The last operation is the one that is refused.
        const type = opCode.error
        const results = Array.from({ length: found.operations }, (_, i) => ({
          type,
          err: i === (found.operations as number) - 1 ? number : 0,
        }))
        writeMultiResponse(writer, results)
      }
      client.write(framed(writer.written()))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    connectString: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests
    },
    reset(code) {
      refusal = code
      requests = 0
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function onFrames(socket: Socket, take: (frame: Reader, isFirst: boolean) => unknown): void {
  const framer = new Framer()
  let isFirst = true
  socket.on('data', (chunk) => {
    framer.push(chunk)
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      take(frame, isFirst)
      isFirst = false
    }
  })
}

function bytesOf(frame: Reader): Uint8Array {
  return frame.bytes.slice(frame.pos, frame.end)
}

function framed(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeInt32BE(body.length)
  frame.set(body, 4)
  return frame
}
