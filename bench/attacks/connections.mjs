// @ts-check
/** Connections that say nothing, too little, or what is no request; and very many of them. */
import { opCode, openAcl, writeCreateRequest } from '@lightkeeper/protocol'
import { connectFrame, requestFrame } from '../../test/support/frames.mjs'
import { socketTo } from '../support/door.mjs'
import { dial } from '../support/wire.mjs'
import { during, pause } from './kit.mjs'

/** A socket that takes whatever happens to it. @param {number} port */
function plainSocket(port) {
  const socket = socketTo(port)
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/** @param {number} value */
function int(value) {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value)
  return bytes
}

/** @type {readonly import('./kit.mjs').Attack[]} */
export const connections = [
  {
    name: 'H1 lengths of frames: negative, 2 GB, above the limit',
    async setUp(port) {
      const lengths = [-1, 0x7fff_ffff, -0x8000_0000, 1_048_577, 0x00ff_ffff]
      return async () => {
        await during(3_000, async (round) => {
          const first = plainSocket(port)
          first.write(int(lengths[round % lengths.length] ?? 0))
          first.write(new Uint8Array(100))
          const second = plainSocket(port)
          second.write(connectFrame())
          second.write(int(lengths[(round + 1) % lengths.length] ?? 0))
          await pause(5)
          first.destroy()
          second.destroy()
        })
      }
    },
  },
  {
    name: 'H2 lengths and counts inside of requests: 2 billion, -2',
    async setUp(port) {
      /** Requests whose inner length or count is `wrong`. @type {[number, (wrong: number) => import('./kit.mjs').Body][]} */
      const bodies = [
        [opCode.getData, (wrong) => (writer) => writer.int(wrong)],
        [opCode.setWatches, (wrong) => (writer) => (writer.long(0n), writer.int(wrong))],
        [opCode.setWatches2, (wrong) => (writer) => (writer.long(0n), writer.int(0), writer.int(wrong))],
        [opCode.create, (wrong) => (writer) => (writer.ustring('/x'), writer.int(wrong))],
        [opCode.create, (wrong) => (writer) => (writer.ustring('/x'), writer.int(0), writer.int(wrong))],
        [opCode.setACL, (wrong) => (writer) => (writer.ustring('/x'), writer.int(wrong))],
        [
          opCode.multi,
          (wrong) => (writer) => (writer.int(1), writer.boolean(false), writer.int(-1), writer.int(wrong)),
        ],
        [opCode.auth, (wrong) => (writer) => (writer.int(0), writer.int(wrong))],
      ]
      return async () => {
        await during(3_000, async (round) => {
          const [type, body] = bodies[round % bodies.length] ?? [opCode.ping, () => () => {}]
          const attacker = await dial(port)
          for (const wrong of [0x7fff_ffff, -2, -0x8000_0000, 0x0fff_ffff]) attacker.send(type, body(wrong))
          await pause(5)
          attacker.destroy()
        })
      }
    },
  },
  {
    name: 'H3 garbage, truncated frames, wrong lengths',
    async setUp(port) {
      return async () => {
        for (let i = 0; i < 400; i++) {
          const socket = socketTo(port)
          socket.on('error', () => {})
          const bytes = requestFrame(1, 1 + (i % 120), (writer) =>
            writeCreateRequest(writer, { path: '/x', data: null, acl: openAcl, flags: i }),
          )
          for (let at = 4; at < bytes.length; at++) if ((at * 31 + i) % 7 === 0) bytes[at] = (i * at) & 0xff
          socket.write(bytes.subarray(0, 8 + (i % (bytes.length - 8))))
          await pause(5)
          socket.destroy()
        }
      }
    },
  },
  {
    name: 'H3 1,000 connections that stop within a request',
    async setUp(port) {
      const whole = requestFrame(1, opCode.create, (writer) =>
        writeCreateRequest(writer, { path: '/x', data: new Uint8Array(900), acl: openAcl, flags: 0 }),
      )
      return async () => {
        const sockets = []
        for (let i = 0; i < 1_000; i++) {
          const socket = plainSocket(port)
          if (i % 2 === 0) socket.write(connectFrame())
          socket.write((i % 2 === 0 ? whole : connectFrame()).subarray(0, 1 + (i % 40)))
          sockets.push(socket)
          if (i % 20 === 0) await pause(5)
        }
        await pause(3_000)
        for (const socket of sockets) socket.destroy()
      }
    },
  },
  {
    name: 'H4 1,000 connections that send a byte a second',
    async setUp(port) {
      return async () => {
        const bytes = connectFrame()
        const sockets = Array.from({ length: 1_000 }, () => plainSocket(port))
        await pause(500)
        for (let sent = 0; sent < 8; sent++) {
          for (const socket of sockets) socket.write(bytes.subarray(sent, sent + 1))
          await pause(1_000)
        }
        for (const socket of sockets) socket.destroy()
      }
    },
  },
  {
    name: 'H7 connections by the thousand, without a handshake',
    boundMiB: [64, 135],
    async setUp(port) {
      return async () => {
        /** @type {import('node:net').Socket[]} */
        const held = []
        await during(5_000, async () => {
          for (let i = 0; i < 10; i++) held.push(plainSocket(port))
          while (held.length > 2_000) held.shift()?.destroy()
          await pause(2)
        })
        for (const socket of held) socket.destroy()
      }
    },
  },
  {
    name: 'H15 requests where none may be: after the close, opcode 99',
    async setUp(port) {
      return async () => {
        await during(3_000, async (round) => {
          const attacker = await dial(port)
          if (round % 3 === 0) attacker.send(opCode.closeSession)
          if (round % 3 === 1) attacker.send(99)
          for (let i = 0; i < 200; i++) {
            attacker.send(opCode.create, (writer) =>
              writeCreateRequest(writer, { path: '/after', data: null, acl: openAcl, flags: 0 }),
            )
            attacker.send(i % 2 === 0 ? opCode.closeSession : opCode.ping)
          }
          await pause(2)
          attacker.destroy()
        })
      }
    },
  },
]
