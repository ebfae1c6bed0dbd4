// @ts-check
/** Connections of attackers and bystanders: frames out, the error numbers of replies in, and no manners. */
import { createConnection } from 'node:net'
import { Framer, opCode, openAcl, Writer, writeConnectRequest, writeCreateRequest } from '@lightkeeper/protocol'

/** @param {(writer: Writer) => void} write */
export function frame(write) {
  const writer = new Writer()
  const mark = writer.beginFrame()
  write(writer)
  writer.endFrame(mark)
  return writer.written().slice()
}

/** @param {number} type @param {(writer: Writer) => void} write @param {number} [xid] */
export function request(type, write = () => {}, xid = 1) {
  return frame((writer) => {
    writer.int(xid)
    writer.int(type)
    write(writer)
  })
}

/**
 * A connection with a session. `reply` hears the error number of each reply, events left out.
 * @param {number} port
 * @param {{ reply?: (err: number) => void, closed?: () => void, pings?: boolean }} [hooks]
 */
export async function dial(port, hooks = {}) {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true })
  const framer = new Framer(1 << 30)
  /** @type {((err: number) => void)[]} */
  const waiting = []
  let isOpen = false
  let isClosed = false
  /** @type {() => void} */
  let opened = () => {}
  const handshake = new Promise((resolve, reject) => {
    opened = () => resolve(undefined)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed before the handshake')))
  })
  handshake.catch(() => {})
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    hooks.closed?.()
    for (const each of waiting.splice(0)) each(Number.NaN)
  })
  socket.on('data', (chunk) => {
    framer.push(new Uint8Array(chunk))
    for (let next = framer.next(); next !== undefined; next = framer.next()) {
      if (!isOpen) {
        isOpen = true
        opened()
        continue
      }
      const xid = next.int()
      next.long()
      const err = next.int()
      if (xid < 0) continue
      const one = waiting.shift()
      if (one !== undefined) one(err)
      else hooks.reply?.(err)
    }
  })
  socket.write(
    frame((writer) =>
      writeConnectRequest(writer, {
        protocolVersion: 0,
        lastZxidSeen: 0n,
        timeOut: 30_000,
        sessionId: 0n,
        passwd: new Uint8Array(16),
        readOnly: false,
      }),
    ),
  )
  await handshake
  return {
    socket,
    get isClosed() {
      return isClosed
    },
    /** @param {number} type @param {(writer: Writer) => void} [write] */
    send(type, write) {
      socket.write(request(type, write))
    },
    /** @param {number} type @param {(writer: Writer) => void} [write] @returns {Promise<number>} NaN where the connection ended */
    call(type, write) {
      if (isClosed) return Promise.resolve(Number.NaN)
      return new Promise((resolve) => {
        waiting.push(resolve)
        socket.write(request(type, write))
      })
    },
    /** @param {string} path @param {Uint8Array | null} [data] */
    create(path, data = null) {
      return this.call(opCode.create, (writer) => writeCreateRequest(writer, { path, data, acl: openAcl, flags: 0 }))
    },
    destroy() {
      socket.destroy()
    },
  }
}
