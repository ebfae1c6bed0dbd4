// @ts-check
/** Four-letter words, where all of them are allowed. */
import { opCode } from '@lightkeeper/protocol'
import { socketTo } from '../support/door.mjs'
import { dial } from '../support/wire.mjs'
import { at, atMost, during } from './kit.mjs'

/** Asks a word; the answer is read to its end, or not at all. @param {number} port @param {string} word @param {boolean} reads */
function ask(port, word, reads) {
  const socket = socketTo(port)
  const over = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  if (reads) socket.resume()
  socket.write(word)
  return { socket, over }
}

/** @type {readonly import('./kit.mjs').Attack[]} */
export const words = [
  {
    name: 'H9 words in a loop, with 200,000 watches to tell of',
    boundMiB: [129, 149],
    async setUp(port) {
      for (let client = 0; client < 2; client++) {
        const watcher = await dial(port)
        for (let from = 0; from < 100_000; from += 5_000) {
          const calls = Array.from({ length: 5_000 }, (_, i) =>
            watcher.call(opCode.exists, at(`/watched/${client}-${from + i}`, true)),
          )
          await Promise.all(calls)
        }
      }
      const all = ['wchp', 'wchc', 'wchs', 'cons', 'dump', 'mntr', 'stat', 'conf', 'wchpgarbage', 'wch']
      return async () => {
        await during(5_000, async (round) => {
          const asked = all.map((word, i) => ask(port, word, (round + i) % 4 !== 0))
          await atMost(Promise.all(asked.filter((_, i) => (round + i) % 4 !== 0).map(({ over }) => over)), 200)
          for (const { socket } of asked) socket.destroy()
        })
      }
    },
  },
]
