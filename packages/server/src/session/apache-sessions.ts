/**
 * Ids and passwords of sessions as Apache makes them. A client may move from this server to one of Apache's, which checks the password
 * by itself. The password is a checksum of the id, not a secret (SessionTrackerImpl.java, ZooKeeperServer.java: generatePasswd).
 */
import { SessionKeys, secretBytes } from './session-keys.ts'

/** No id is ours, so every password is the one that Apache derives. */
export class ApacheSessionKeys extends SessionKeys {
  constructor() {
    super(new Uint8Array(secretBytes))
  }

  override isOurs(): boolean {
    return false
  }
}

/** Closes the range of session ids, so it is never given. */
const lowest = -(2n ** 63n)

export class ApacheSessionIds {
  #next: bigint

  /** The low byte of `sid` is the first one of every id; `wall` is milliseconds since 1970. */
  constructor(sid: number, wall: number) {
    const time = BigInt.asUintN(64, BigInt(Math.floor(wall)) << 24n) >> 8n
    this.#next = BigInt.asIntN(64, time | (BigInt(sid & 0xff) << 56n))
  }

  /** An id that was not given before, and is not in `taken`. */
  next(taken: { has(id: bigint): boolean }): bigint {
    for (;;) {
      const id = this.#next
      this.#next = BigInt.asIntN(64, id + 1n)
      // 0 in a connect request asks for a new session.
      if (id !== lowest && id !== 0n && !taken.has(id)) return id
    }
  }
}
