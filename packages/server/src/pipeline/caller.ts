/** A client connection as the pipeline sees it. */
import type { Id, TxnHeader, Writer } from '@lightkeeper/protocol'
import type { Deque } from '@lightkeeper/runtime'
import type { ConnectionStats } from '../admin/connection-stats.ts'
import type { Session } from '../session/session-table.ts'
import type { Txn } from '../tree/txn.ts'
import type { Watcher } from '../watch/watches.ts'

export interface Caller extends Watcher {
  /** Where replies and events are written; leaves at the end of the turn. */
  readonly writer: Writer
  /** Requests not answered yet, oldest first. Replies leave in this order, whatever finishes first. */
  readonly unanswered: Deque<Unanswered>
  /** Reads among them that wait, and the bytes that their replies will take, about. */
  waitingReads: number
  waitingBytes: number
  /** Host part of the client's address. */
  readonly remoteHost: string
  /** Replaced, never changed in place: a request keeps the list that held when it was received. */
  identities: readonly Id[]
  session: Session<Caller> | undefined
  readonly stats: ConnectionStats
  /** False once the link is gone or was cut: nothing written would arrive. */
  readonly isOpen: boolean
  /** The handshake is over: requests may be read. */
  established(): void
  /** Sends what was written and then `bytes`, which stay as they are: the middle of a frame. */
  passOn(bytes: Uint8Array): void
  /** A frame was completed in `writer`. */
  wrote(): void
  /** What waits may be answered by now: it will be asked for at the end of the turn. */
  answerLater(): void
  /** Sends what was written, then closes. Nothing more is read. */
  hangUp(): void
  /** Serving this client threw `error`: closes it at once, with a line in the log. */
  fail(error: unknown): void
}

/** A write on its way to the log. */
export interface Proposal {
  readonly kind: 'proposal'
  /** Whom to answer; undefined for the server's own (expiry, reaping). */
  readonly caller: Caller | undefined
  /** Opcode of the request. */
  readonly type: number
  readonly header: TxnHeader
  readonly txn: Txn
  /** The tree's digest once this is applied; undefined where digests are off. */
  readonly digest: bigint | undefined
  /** Operations and watch events that applying it takes, about. */
  readonly work: number
  /** Whether the connect request carried the readOnly flag; for createSession only. */
  readonly withReadOnlyFlag: boolean
}

/** A request that waits for earlier ones of its connection. */
export interface Waiting {
  readonly kind: 'waiting'
  readonly xid: number
  readonly type: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** The size of the reply, about. */
  readonly expectedBytes: number
  readonly identities: readonly Id[]
}

/**
 * Stands for writes of other connections that are still on their way: in front of everything on a connection that took up a
 * session, since what was written over the one before must be seen, and in front of every `sync`.
 */
export interface Barrier {
  readonly kind: 'barrier'
  /** Open once everything up to here is applied. */
  readonly zxid: bigint
}

/** A reply that is decided but must not overtake. */
export interface Decided {
  readonly kind: 'decided'
  readonly xid: number
  readonly zxid: bigint | undefined
  readonly err: number
  /** What stands behind the header, if anything. */
  readonly body?: Uint8Array
  /** Close the connection behind it. */
  readonly isLast: boolean
}

export type Unanswered = Proposal | Waiting | Decided | Barrier
