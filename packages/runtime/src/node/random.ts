/** Random numbers from the system. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../random.ts'

export function nodeRandom(): Random {
  return {
    below: (bound) => (bound <= 1 ? 0 : randomInt(bound)),
    bytes: (length) => new Uint8Array(randomBytes(length)),
  }
}
