/** Why a lock, a term or an item has ended: the reasons of their signals. */

export type EndCode =
  /** Its owner released it. */
  | 'RELEASED'
  /** Another client deleted its znode, or the znode was deleted with its session. */
  | 'DELETED'
  /** No server has answered for so long that the session may end, or the session has ended. */
  | 'SESSION_LOST'
  /** Another client asks for it. It is still held. */
  | 'REVOKED'
  /** A candidate with a higher priority waits. The term continues. */
  | 'CHALLENGED'
  /** The item moves to another member, or this member leaves. */
  | 'MOVED'

/** The reason of a signal whose lock, term or item has ended. `code` says why. */
export class EndedError extends Error {
  override readonly name = 'EndedError'
  /** Why it has ended; the code to match. */
  readonly code: EndCode
  /** The znode of the contender or candidate; for CHALLENGED that of the election, for MOVED that of the partitioner. */
  readonly path: string

  constructor(code: EndCode, path: string, message: string, cause?: unknown) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.path = path
  }

  /** For logs. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, code: this.code, path: this.path, message: this.message }
  }
}
