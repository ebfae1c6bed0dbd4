// @ts-check
/** A raw connection for benchmarks: it sends any frame and reports the error numbers of replies. */
import { Framer, opCode, openAcl, writeCreateRequest } from '@lightkeeper/protocol'
import { connectFrame, requestFrame } from '../../test/support/frames.mjs'
import { logIn, socketTo } from './door.mjs'

/** @typedef {import('@lightkeeper/protocol').Writer} Writer */

/**
 * A connection through the door, with a session of `timeOut` milliseconds (default 30 000). `reply` gets the error number of each reply to `send` and to
 * frames written to the socket; watch events are left out.
 * @param {number} port
 * @param {{ reply?: (err: number) => void, closed?: () => void, timeOut?: number, from?: string }} [hooks] `from` is its own address
 */
export async function dial(port, hooks = {}) {
  const { timeOut = 30_000 } = hooks
  const socket = socketTo(port, hooks.from)
  const framer = new Framer(1 << 30)
  /** @type {((err: number, body?: import('@lightkeeper/protocol').Reader) => void)[]} */
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
      if (one !== undefined) one(err, next)
      else hooks.reply?.(err)
    }
  })
  socket.write(connectFrame({ timeOut }))
  await handshake
  await logIn(
    (type, write) =>
      new Promise((resolve, reject) => {
        waiting.push((err, body) => {
          if (err === 0 && body !== undefined) resolve(Uint8Array.from(body.buffer() ?? []))
          else reject(new Error(`the login failed with ${err}`))
        })
        socket.write(requestFrame(1, type, write))
      }),
  )
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
