// @ts-check
/** Clients that try to be somebody. */
import { opCode } from '@lightkeeper/protocol'
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
]
