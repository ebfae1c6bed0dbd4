// @ts-check
/** A raw connection for benchmarks: it sends any frame and reports the error numbers of replies. */
import { createConnection } from 'node:net'
import { Framer, opCode, openAcl, writeCreateRequest } from '@lightkeeper/protocol'
import { connectFrame, requestFrame } from '../../test/support/frames.mjs'

/** @typedef {import('@lightkeeper/protocol').Writer} Writer */

/**
 * A connection with a session of `timeOut` milliseconds (default 30 000). `reply` gets the error number of each reply to `send` and to
 * frames written to the socket; watch events are left out.
 * @param {number} port
 * @param {{ reply?: (err: number) => void, closed?: () => void, timeOut?: number }} [hooks]
 */
export async function dial(port, hooks = {}) {
  const { timeOut = 30_000 } = hooks
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
  socket.write(connectFrame({ timeOut }))
  await handshake
  return {
    socket,
    get isClosed() {
      return isClosed
    },
    /** @param {number} type @param {(writer: Writer) => void} [write] */
    send(type, write) {
      socket.write(requestFrame(1, type, write))
    },
    /** @param {number} type @param {(writer: Writer) => void} [write] @returns {Promise<number>} NaN where the connection ended */
    call(type, write) {
      if (isClosed) return Promise.resolve(Number.NaN)
      return new Promise((resolve) => {
        waiting.push(resolve)
        socket.write(requestFrame(1, type, write))
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
