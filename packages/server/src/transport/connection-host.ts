/** What a connection needs of the server around it, besides the desk that serves it. */
import type { Log, RepeatedLines } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import type { ServerStats } from '../stats.ts'
import type { EventFrames } from './event-frames.ts'
import type { HeldBytes } from './held-bytes.ts'
import type { Share, Slices } from './slices.ts'

export type ConnectionLimits = Pick<
  ServerConfig,
  'juteMaxbuffer' | 'connectionOutstandingLimit' | 'slowReaderPauseBytes' | 'slowReaderCutBytes'
>

/** Four-letter words, as far as a connection sees them. */
export interface Words {
  /** Bytes of the word that `bytes`, four of them or more, begin with, and of its argument; 0 where they are no word. */
  length(bytes: Uint8Array): number
  /** `bytes` are as long as `length` says. */
  answer(bytes: Uint8Array): string | Promise<string>
}

/** `C` is the connection itself, which tells about itself. */
export interface ConnectionHost<C> {
  readonly limits: ConnectionLimits
  readonly stats: ServerStats
  readonly log: Log
  /** Warnings about clients that would come again and again: a line for each address, then how often. */
  readonly repeated: RepeatedLines
  readonly slices: Slices
  /** The share of a turn that all four-letter words have together: an answer may be much work. */
  readonly wordShare: Share
  readonly held: HeldBytes
  readonly events: EventFrames
  readonly words: Words
  /** Many watch events wait to be sent: a client with an unanswered request is not read, since it may cause more of them. */
  readonly owesEvents: boolean
  /** The server stops: no request is read any more. */
  readonly isDraining: boolean
  /** The connection said who it is; from here on its session's timeout rules. */
  handshakeStarted(connection: C): void
  /** The connection has something to send: it is asked to do so once, at the end of the turn. */
  flushLater(connection: C): void
  /** The connection had its slice: it is served on when the others had theirs. */
  serveLater(connection: C): void
  /** Everything was written: the connection is asked to end its side, soon. */
  endLater(connection: C): void
  /** The connection waits for its client to close. */
  hungUp(connection: C): void
  closed(connection: C, reason: Error | undefined): void
}
