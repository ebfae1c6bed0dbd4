/** Sessions whose clients have sent something: a learner reports them in its next answer to a PING (LearnerSessionTracker.java). */
import { Writer } from '@lightkeeper/protocol'

/** An entry: a session and its timeout. */
const entryBytes = 12

export class Touches {
  readonly #timeouts = new Map<bigint, number>()

  add(session: bigint, timeoutMs: number): void {
    this.#timeouts.set(session, timeoutMs)
  }

  /** The entries since the last call, as a PING has them. Never null, which ends the leader's connection. [obs, quorum §8.3] */
  take(): Uint8Array {
    const writer = new Writer(Math.max(1, this.#timeouts.size * entryBytes))
    for (const [session, timeoutMs] of this.#timeouts) {
      writer.long(session)
      writer.int(timeoutMs)
    }
    this.#timeouts.clear()
    return writer.written()
  }
}
