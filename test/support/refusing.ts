/** A server that refuses every write: a TCP proxy that answers with an error of one code, and counts what clients ask. */

import type { AddressInfo } from 'node:net'
import { createConnection, createServer, type Socket } from 'node:net'
import {
  type KeeperCode,
  keeperCodes,
  opCode,
  type Reader,
  readMultiRequest,
  writeMultiResponse,
  writePathWatchRequest,
} from '@lightkeeper/protocol'
import { Frames, frameOf, requestFrame } from './frames.mjs'
import { writeOpcodes } from './opcodes.ts'

export interface RefusingProxy extends AsyncDisposable {
  readonly connectString: string
  /** Requests since the last `reset`, without pings. */
  readonly requests: number
  /** Refuses writes with `code` from now on; undefined passes them. The count begins anew. */
  reset(code: KeeperCode | undefined): void
}

const writes = new Set(writeOpcodes)

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
      if (isFirst) return pass(upstream, bytesOf(frame))
      const whole = bytesOf(frame)
      const xid = frame.int()
      const type = frame.int()
      if (xid < 0) return pass(upstream, whole)
      requests++
      if (refusal === undefined || !writes.has(type)) return pass(upstream, whole)
      const operations = type === opCode.multi ? readMultiRequest(frame).length : undefined
      refused.set(xid, { code: refusal, operations })
      // Something the server answers in its turn, so that replies keep their order.
      upstream.write(
        requestFrame(xid, opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/', watch: false })),
      )
    })
    onFrames(upstream, (frame, isFirst) => {
      const whole = bytesOf(frame)
      if (isFirst) return pass(client, whole)
      const xid = frame.int()
      const zxid = frame.long()
      const found = refused.get(xid)
      if (found === undefined) return pass(client, whole)
      refused.delete(xid)
      const { number } = keeperCodes[found.code]
      const { operations } = found
      client.write(
        frameOf((writer) => {
          writer.int(xid)
          writer.long(zxid)
          writer.int(operations === undefined ? number : 0)
          if (operations === undefined) return
          // The last operation is the one that is refused.
          const errors = Array.from({ length: operations }, (_, i) => (i === operations - 1 ? number : 0))
          writeMultiResponse(
            writer,
            errors.map((err) => ({ type: opCode.error, err })),
          )
        }),
      )
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
  const frames = new Frames()
  let isFirst = true
  socket.on('data', (chunk) => {
    frames.push(chunk)
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      take(frame, isFirst)
      isFirst = false
    }
  })
}

function pass(socket: Socket, body: Uint8Array): void {
  socket.write(frameOf((writer) => writer.raw(body)))
}

function bytesOf(frame: Reader): Uint8Array {
  return frame.bytes.slice(frame.pos, frame.end)
}
