/** A client's connection, as the pipeline sees it. */
import type { Writer } from '@lightkeeper/protocol'
import type { Identified } from '../auth/authentication.ts'
import type { ConnectionStats } from '../connection-stats.ts'
import type { Session } from '../session/session.ts'
import type { Watcher } from '../watch/watches.ts'
import type { ReplyQueue } from './reply-queue.ts'

export interface Caller extends Watcher, Identified {
  /** The buffer for replies and events; its content is sent at the end of the turn. */
  readonly writer: Writer
  readonly replies: ReplyQueue<Caller>
  session: Session | undefined
  /** Whether the connect request had the readOnly field; then the response has it too. */
  knowsReadOnly: boolean
  readonly stats: ConnectionStats
  /** False once the link is gone or was cut: nothing written would arrive. */
  readonly isOpen: boolean
  /** The handshake is over: requests may be read. */
  established(): void
  /** Sends the buffer, then `bytes` without copying them: the middle of a frame. */
  passOn(bytes: Uint8Array): void
  /** A frame was completed in `writer`. */
  wrote(): void
  /** A waiting request may have its answer now: the queue is checked again at the end of the turn. */
  answerLater(): void
  /** Sends what was written, then closes. Nothing more is read. */
  hangUp(): void
  /** Serving this client threw `error`: closes the connection at once, with a line in the log. */
  fail(error: unknown): void
}
