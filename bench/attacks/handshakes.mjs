// @ts-check
/** Attacks below the wire protocol, on a port with TLS: handshakes that are never finished, too many of them, and what is none. */
import { createConnection } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { doorInUse } from '../support/door.mjs'
import { during, pause } from './kit.mjs'

/** A socket without TLS that takes whatever happens to it. @param {number} port */
function bare(port) {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/** The first record that a client sends. @returns {Promise<Uint8Array>} */
function firstRecord() {
  return new Promise((resolve) => {
    const sink = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(new Uint8Array(chunk))
        done()
      },
    })
    connectTls({ socket: sink, servername: 'localhost', rejectUnauthorized: false }).on('error', () => {})
  })
}

/** @type {readonly import('./kit.mjs').Attack[]} */
export const handshakes = [
  {
    name: 'H7 handshakes begun and left, by the thousand',
    needs: 'tls',
    async setUp(port) {
      const record = await firstRecord()
      return async () => {
        /** @type {import('node:net').Socket[]} */
        const held = []
        await during(5_000, async () => {
          for (let i = 0; i < 4; i++) {
            const socket = bare(port)
            socket.write(record)
            held.push(socket)
          }
          while (held.length > 2_000) held.shift()?.destroy()
          await pause(2)
        })
        for (const socket of held) socket.destroy()
      }
    },
  },
  {
    name: 'H7 whole handshakes, 32 at a time, again and again',
    needs: 'tls',
    async setUp(port) {
      const { ca } = doorInUse()
      return async () => {
        const end = performance.now() + 5_000
        const one = () =>
          new Promise((resolve) => {
            const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca }, () => socket.destroy())
            socket.on('error', () => {})
            socket.on('close', resolve)
          })
        const again = async () => {
          while (performance.now() < end) await one()
        }
        await Promise.all(Array.from({ length: 32 }, again))
      }
    },
  },
  {
    name: 'H4 1,000 handshakes of a byte a second',
    needs: 'tls',
    async setUp(port) {
      const record = await firstRecord()
      return async () => {
        const sockets = Array.from({ length: 1_000 }, () => bare(port))
        await pause(500)
        for (let sent = 0; sent < 8; sent++) {
          for (const socket of sockets) socket.write(record.subarray(sent, sent + 1))
          await pause(1_000)
        }
        for (const socket of sockets) socket.destroy()
      }
    },
  },
  {
    name: 'H3 no handshakes: plain words, wrong lengths, garbage behind a first record',
    needs: 'tls',
    async setUp(port) {
      const record = await firstRecord()
      const garbage = Uint8Array.from({ length: 16_000 }, (_, i) => (i * 31) & 0xff)
      const openings = [
        [new TextEncoder().encode('mntr')],
        [Uint8Array.of(0x16, 3, 1, 0xff, 0xff), garbage],
        [record, garbage, garbage, garbage],
        [Uint8Array.of(0x16, 3, 1, 0x40, 0x00), garbage, garbage],
        [record.map((byte, i) => (i > 9 && i % 5 === 0 ? byte ^ 0xff : byte))],
      ]
      return async () => {
        await during(4_000, async (round) => {
          const socket = bare(port)
          for (const piece of openings[round % openings.length] ?? []) socket.write(piece)
          await pause(4)
          socket.destroy()
        })
      }
    },
  },
]
