/** Why something that was held is held no more: the reason of the signals of locks, terms and members. */

export type EndCode =
  /** By its own owner. */
  | 'RELEASED'
  /** Somebody deleted its znode, or that went with its session. */
  | 'DELETED'
  /** No server has answered for so long that the session may end, or it has ended. */
  | 'SESSION_LOST'
  /** Somebody else asks for it. It is still held. */
  | 'REVOKED'
  /** A candidate of a higher priority waits. The term goes on. */
  | 'CHALLENGED'
  /** The item is to be worked on by another member, or this member leaves. */
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
