/** New session ids: those of one server differ from those of any other, and from those in the tree. */
import type { SessionKeys } from './session-keys.ts'

/** Numbers of sessions have 40 bits: 34 years of milliseconds. */
const numbers = 2 ** 40

export class SessionIds {
  readonly #keys: SessionKeys
  readonly #serverId: number
  #nextNumber: number

  /** The low byte of `serverId` is the first one of every id. `wall` is milliseconds since 1970. */
  constructor(keys: SessionKeys, serverId: number, wall: number) {
    this.#keys = keys
    this.#serverId = serverId
    // Wall time, since a monotonic clock repeats numbers after a reboot. A server opens fewer than one session a millisecond.
    this.#nextNumber = Math.floor(wall) % numbers
  }

  /** An id that was not given before, and is not in `taken`. */
  next(taken: { has(id: bigint): boolean }): bigint {
    for (;;) {
      const id = this.#keys.idOf(this.#serverId, this.#nextNumber)
      this.#nextNumber = (this.#nextNumber + 1) % numbers
      // 0 in a connect request asks for a new session.
      if (id !== 0n && !taken.has(id)) return id
    }
  }
}
