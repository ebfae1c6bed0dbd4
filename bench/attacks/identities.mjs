// @ts-check
/** Clients that try to be somebody. */
import { opCode } from '@lightkeeper/protocol'
import { connectFrame, requestFrame } from '../../test/support/frames.mjs'
import { socketTo } from '../support/door.mjs'
import { dial } from '../support/wire.mjs'
import { during, pause } from './kit.mjs'

/** @param {string} scheme @param {string} credentials @returns {import('./kit.mjs').Body} */
const credentialsOf = (scheme, credentials) => (writer) => {
  writer.int(0)
  writer.ustring(scheme)
  writer.buffer(new TextEncoder().encode(credentials))
}

/** @type {readonly import('./kit.mjs').Attack[]} */
export const identities = [
  {
    name: '7 20,000 identities; schemes of a megabyte',
    async setUp(port) {
      return async () => {
        const attacker = await dial(port)
        for (let i = 0; i < 20_000 && !attacker.isClosed; i++) {
          attacker.send(opCode.auth, (writer) => {
            writer.int(0)
            writer.ustring('digest')
            writer.buffer(new TextEncoder().encode(`user${i}:secret`))
          })
          if (i % 500 === 0) await pause(1)
        }
        for (let i = 0; i < 20; i++) {
          const other = await dial(port)
          other.send(opCode.auth, (writer) => {
            writer.int(0)
            writer.ustring('\u001b'.repeat(900_000))
            writer.buffer(new Uint8Array(3))
          })
          await pause(50)
          other.destroy()
        }
        await pause(1_000)
        attacker.destroy()
      }
    },
  },
  {
    name: 'H12 wrong passwords, unknown schemes, again and again',
    async setUp(port) {
      return async () => {
        await during(4_000, async (round) => {
          const attacker = await dial(port)
          for (let i = 0; i < 200; i++) attacker.send(opCode.auth, credentialsOf('digest', `super:guess${round}-${i}`))
          attacker.send(opCode.auth, credentialsOf('nonsense', 'x'))
          await pause(5)
          attacker.destroy()
        })
      }
    },
  },
  {
    name: 'H12 logins: wrong passwords, garbage, tokens of a megabyte',
    needs: 'sasl',
    async setUp(port) {
      const text = (/** @type {string} */ token) => new TextEncoder().encode(token)
      const wrong = 'charset=utf-8,username="bystander",realm="zk-sasl-md5",nonce="x",cnonce="x",nc=00000001,qop=auth'
      const tokens = [
        text(`${wrong},digest-uri="zookeeper/zk-sasl-md5",response=00000000000000000000000000000000`),
        text('a='.repeat(2_000)),
        text('"'.repeat(4_000)),
        new Uint8Array(1_000_000),
      ]
      return async () => {
        await during(4_000, async (round) => {
          const socket = socketTo(port)
          socket.on('error', () => {})
          socket.resume()
          socket.write(connectFrame())
          for (let i = 0; i < 50; i++) {
            socket.write(requestFrame(1, opCode.sasl, (writer) => writer.buffer(new Uint8Array(0))))
            const token = tokens[(round + i) % tokens.length] ?? new Uint8Array(0)
            socket.write(requestFrame(1, opCode.sasl, (writer) => writer.buffer(token)))
          }
          await pause(5)
          socket.destroy()
        })
      }
    },
  },
]
