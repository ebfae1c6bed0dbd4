/** Why a lock, a term or an item is not held any more: the reason of their signals. */

export type EndCode =
  /** Its owner gave it back. */
  | 'RELEASED'
  /** Another client deleted its znode, or the znode went with its session. */
  | 'DELETED'
  /** No server has answered for so long that the session may end, or it has ended. */
  | 'SESSION_LOST'
  /** Another client asks for it. It is still held. */
  | 'REVOKED'
  /** A candidate with a higher priority waits. The term goes on. */
  | 'CHALLENGED'
  /** The item moves to another member, or this member leaves. */
  | 'MOVED'

export class EndedError extends Error {
  override readonly name = 'EndedError'
  readonly code: EndCode
  readonly path: string

  constructor(code: EndCode, path: string, message: string, cause?: unknown) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.path = path
  }

  toJSON(): Record<string, unknown> {
    return { name: this.name, code: this.code, path: this.path, message: this.message }
  }
}
