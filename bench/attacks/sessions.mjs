// @ts-check
/** Sessions: taken over, guessed, ended by the thousand, and one that owns very much. */
import { Framer, opCode, readConnectResponse, sessionPassword } from '@lightkeeper/protocol'
import { connectFrame } from '../../test/support/frames.mjs'
import { socketTo } from '../support/door.mjs'
import { dial } from '../support/wire.mjs'
import { atMost, createAll, during, pause } from './kit.mjs'

/**
 * The answer to a handshake, and its socket; undefined where there was none.
 * @param {number} port @param {Partial<import('@lightkeeper/protocol').ConnectRequest>} request
 */
function shake(port, request) {
  const socket = socketTo(port)
  /** @type {Promise<import('@lightkeeper/protocol').ConnectResponse | undefined>} */
  const answer = new Promise((resolve) => {
    const framer = new Framer()
    socket.on('error', () => {})
    socket.on('close', () => resolve(undefined))
    socket.on('data', (chunk) => {
      framer.push(new Uint8Array(chunk))
      const frame = framer.next()
      if (frame !== undefined) resolve(readConnectResponse(frame))
    })
  })
  socket.write(connectFrame(request))
  return { socket, answer }
}

/** @type {readonly import('./kit.mjs').Attack[]} */
export const sessions = [
  {
    name: 'H13 sessions guessed: ids nearby, computed passwords',
    async setUp(port) {
      const own = shake(port, {})
      const known = await own.answer
      const id = known?.sessionId ?? 0n
      return async () => {
        await during(4_000, async (round) => {
          const guesses = Array.from({ length: 10 }, (_, i) => {
            const sessionId = id + BigInt(round * 10 + i + 1)
            return shake(port, { sessionId, passwd: sessionPassword(sessionId) })
          })
          await atMost(Promise.all(guesses.map(({ answer }) => answer)), 1_000)
          for (const { socket } of guesses) socket.destroy()
        })
      }
    },
  },
  {
    name: 'H14 one session taken over by all of twenty, again and again',
    async setUp(port) {
      const { answer } = shake(port, { timeOut: 30_000 })
      const known = await answer
      const request = { sessionId: known?.sessionId ?? 0n, passwd: known?.passwd ?? new Uint8Array(16) }
      const timeouts = [0, -1, 0x7fff_ffff, 30_000]
      return async () => {
        await during(4_000, async (round) => {
          const timeOut = timeouts[round % timeouts.length] ?? 0
          const storm = Array.from({ length: 20 }, () => shake(port, { ...request, timeOut }))
          await atMost(Promise.all(storm.map(({ answer: each }) => each)), 1_000)
          for (const { socket } of storm) socket.destroy()
        })
      }
    },
  },
  {
    name: 'T36 3,000 sessions, each with ephemerals, closed at once',
    async setUp(port) {
      /** @type {Awaited<ReturnType<typeof dial>>[]} */
      const clients = []
      for (let i = 0; i < 30; i++) {
        clients.push(...(await Promise.all(Array.from({ length: 100 }, () => dial(port)))))
      }
      await Promise.all(clients.map((client, i) => createAll(client, [`/e${i}a`, `/e${i}b`, `/e${i}c`], 1)))
      return async () => {
        for (const client of clients) client.send(opCode.closeSession)
        await pause(4_000)
        for (const client of clients) client.destroy()
      }
    },
  },
  {
    name: '100,000 ephemerals of one session, which ends',
    async setUp(port) {
      const keeper = await dial(port)
      await keeper.create('/e')
      const owner = await dial(port)
      const paths = Array.from({ length: 100_000 }, (_, i) => `/e/an-ephemeral-${i}`)
      await createAll(owner, paths, 1)
      return async () => {
        await atMost(owner.call(opCode.closeSession), 10_000)
        await pause(2_000)
      }
    },
  },
]
