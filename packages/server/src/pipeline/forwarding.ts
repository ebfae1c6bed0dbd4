/**
 * The orderer of a member that follows a leader: it passes on everything that changes something, and finds the transactions that answer
 * its own requests (LearnerZooKeeperServer.java, CommitProcessor.java).
 *
 * The leader answers the requests of one learner in the order in which they were sent: a write by a transaction with the session and the
 * xid of the request, a sync by SYNC, which says nothing of its request. So one queue has all of them, and only its head is compared. A
 * transaction of another server may have the same session and xid, when a session has moved. [obs, quorum §9.3]
 */
import {
  eachMultiOperation,
  type Id,
  intBytes,
  keeperCodes,
  MalformedFrameError,
  opCode,
  type QuorumPacket,
  Reader,
  readCreateRequest,
  readCreateTTLRequest,
  readDeleteRequest,
  readReconfigRequest,
  readSetACLRequest,
  readSetDataRequest,
  type TxnHeader,
  Writer,
} from '@lightkeeper/protocol'
import { Deque } from '@lightkeeper/runtime'
import { Session } from '../session/session.ts'
import type { Touches } from '../session/touches.ts'
import type { Txn } from '../tree/txn.ts'
import type { Caller } from './caller.ts'
import type { Answers, Orderer } from './orderer.ts'
import { RecordBlocks } from './record-blocks.ts'
import type { Ticket } from './reply-queue.ts'

const marshallingError = keeperCodes.MARSHALLING_ERROR.number
const sessionMoved = keeperCodes.SESSION_MOVED.number
const none = new Uint8Array(0)
/** The path of a sync, which no leader reads: its answer waits for every earlier write. */
const anyPath = Uint8Array.of(0, 0, 0, 1, 0x2f)

/**
 * Reads the body of a write to its end. A leader must never get a body that it cannot read: one of 3.9 answers it with a transaction
 * whose zxid was used before, and may stop committing (ZOOKEEPER-4575).
 */
const readers: Readonly<Record<number, (body: Reader) => unknown>> = {
  [opCode.create]: readCreateRequest,
  [opCode.create2]: readCreateRequest,
  [opCode.createContainer]: readCreateRequest,
  [opCode.createTTL]: readCreateTTLRequest,
  [opCode.delete]: readDeleteRequest,
  [opCode.setData]: readSetDataRequest,
  [opCode.setACL]: readSetACLRequest,
  [opCode.reconfig]: readReconfigRequest,
  [opCode.multi]: (body) => eachMultiOperation(body, () => {}),
}

/** A request that the leader has, oldest first. */
interface Forwarded {
  readonly ticket: Ticket<Caller>
  readonly session: bigint
  readonly cxid: number
  readonly type: number
  readonly bytes: number
}

/** A transaction from the leader. */
export interface Answering {
  readonly header: TxnHeader
  readonly txn: Txn
  /** The request of a client here that it answers; known when the transaction is committed. */
  ticket: Ticket<Caller> | undefined
}

export interface ForwardingHooks {
  send(packet: QuorumPacket): void
  /** Zxid of the last transaction that the leader has committed. */
  committedZxid(): bigint
  /** Zxid of the last transaction in the tree. */
  appliedZxid(): bigint
}

export class Forwarding implements Orderer {
  readonly isReadOnly = false
  readonly #answers: Answers
  readonly #touches: Touches
  readonly #hooks: ForwardingHooks
  readonly #forwarded = new Deque<Forwarded>()
  /** What the leader has not answered. Made once, since connections ask after every frame. */
  readonly forwarded = { requests: 0, bytes: 0 }
  /** Transactions that are not known to be committed. */
  readonly #proposed = new Deque<Answering>()
  /** Syncs that the leader has answered, and the transactions that must be applied before. */
  readonly #barriers = new Deque<{ readonly ticket: Ticket<Caller>; readonly zxid: bigint }>()
  /** Who waits to hear whether a session lives, by session, in the order of the questions. */
  readonly #revalidations = new Map<bigint, { timeoutMs: number; done: (session: Session | undefined) => void }[]>()
  readonly #reader = new Reader(none)
  readonly #blocks = new RecordBlocks()

  constructor(answers: Answers, touches: Touches, hooks: ForwardingHooks) {
    this.#answers = answers
    this.#touches = touches
    this.#hooks = hooks
  }

  // -- what the desk asks ---------------------------------------------------------------------------------------------

  write(ticket: Ticket<Caller>, session: Session, body: Reader): void {
    const { caller, xid, type } = ticket
    const { bytes, pos, end } = body
    try {
      readers[type]?.(this.#reader.reset(bytes, pos, end))
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      this.#answers.refused(ticket, marshallingError)
      return
    }
    this.#forward(ticket, session.id, xid, type, bytes.subarray(pos, end), caller.identities)
  }

  openSession(ticket: Ticket<Caller>, session: Session): void {
    this.#forward(ticket, session.id, 0, opCode.createSession, intBytes(session.timeoutMs), null)
  }

  closeSession(ticket: Ticket<Caller>, session: Session): void {
    session.isClosing = true
    this.#forward(ticket, session.id, ticket.xid, opCode.closeSession, none, ticket.caller.identities)
  }

  sync(ticket: Ticket<Caller>): void {
    const { caller, xid } = ticket
    this.#forward(ticket, caller.session?.id ?? 0n, xid, opCode.sync, anyPath, caller.identities)
  }

  /** The leader makes this server the owner of the session, also where it was made here before the leader changed. */
  revalidate(id: bigint, timeoutMs: number, done: (session: Session | undefined) => void): void {
    const waiting = this.#revalidations.get(id)
    if (waiting === undefined) this.#revalidations.set(id, [{ timeoutMs, done }])
    else waiting.push({ timeoutMs, done })
    const writer = new Writer(12)
    writer.long(id)
    writer.int(timeoutMs)
    this.#hooks.send({ type: 'REVALIDATE', zxid: -1n, data: writer.written(), authinfo: null })
  }

  touch(session: Session): void {
    if (!session.isClosing) this.#touches.add(session.id, session.timeoutMs)
  }

  #forward(
    ticket: Ticket<Caller>,
    session: bigint,
    cxid: number,
    type: number,
    body: Uint8Array,
    authinfo: readonly Id[] | null,
  ): void {
    const writer = this.#blocks.begin()
    writer.long(session)
    writer.int(cxid)
    writer.int(type)
    writer.raw(body)
    const data = this.#blocks.end()
    this.#forwarded.push({ ticket, session, cxid, type, bytes: body.length })
    this.forwarded.requests++
    this.forwarded.bytes += body.length
    this.#hooks.send({ type: 'REQUEST', zxid: -1n, data, authinfo })
  }

  // -- what the leader answers ----------------------------------------------------------------------------------------

  /** A transaction came, whose place in the order is known. The caller applies it when it is committed. */
  proposed(entry: Answering): void {
    this.#proposed.push(entry)
  }

  /**
   * Everything up to `zxid` is committed: the entries get the tickets that they answer. The leader answers in the order of its commits, not
   * of its proposals: a follower gets the proposal of a later write before the SYNC of an earlier sync.
   */
  committed(zxid: bigint): void {
    for (
      let next = this.#proposed.peek();
      next !== undefined && next.header.zxid <= zxid;
      next = this.#proposed.peek()
    ) {
      this.#proposed.shift()
      next.ticket = this.#take(next.header, next.txn)
    }
  }

  /** The request that a transaction answers; undefined where nobody here asked for it. */
  #take({ clientId, cxid }: TxnHeader, { type }: Txn): Ticket<Caller> | undefined {
    const head = this.#forwarded.peek()
    if (head === undefined || head.session !== clientId || head.cxid !== cxid || head.type === opCode.sync)
      return undefined
    if (type === opCode.closeSession && head.type !== opCode.closeSession) return undefined
    this.#shift()
    return head.ticket
  }

  #shift(): Forwarded | undefined {
    const head = this.#forwarded.shift()
    if (head === undefined) return undefined
    this.forwarded.requests--
    this.forwarded.bytes -= head.bytes
    return head
  }

  /** Returns what is wrong with the packet, or undefined. */
  answered({ type, data }: QuorumPacket): string | undefined {
    return type === 'SYNC' ? this.#synced() : this.#revalidated(data)
  }

  #synced(): string | undefined {
    const zxid = this.#hooks.committedZxid()
    this.committed(zxid)
    const head = this.#shift()
    if (head?.type !== opCode.sync) return 'SYNC, but a sync is not the oldest request'
    if (zxid <= this.#hooks.appliedZxid() && this.#barriers.length === 0) this.#answers.opened(head.ticket)
    else this.#barriers.push({ ticket: head.ticket, zxid })
    return undefined
  }

  #revalidated(data: Uint8Array | null): string | undefined {
    let id: bigint
    let isValid: boolean
    try {
      const reader = new Reader(data ?? none)
      id = reader.long()
      isValid = reader.boolean()
    } catch (error) {
      if (error instanceof MalformedFrameError) return `REVALIDATE cannot be read: ${error.message}`
      throw error
    }
    const waiting = this.#revalidations.get(id)
    const asked = waiting?.shift()
    if (waiting?.length === 0) this.#revalidations.delete(id)
    asked?.done(isValid ? new Session(id, asked.timeoutMs) : undefined)
    return undefined
  }

  /** A transaction is applied: barriers that waited only for it are open. */
  applied(zxid: bigint): void {
    for (let next = this.#barriers.peek(); next !== undefined && next.zxid <= zxid; next = this.#barriers.peek()) {
      this.#barriers.shift()
      this.#answers.opened(next.ticket)
    }
  }
}

/**
 * Whether a transaction says that the session belongs to another server by now. Then no answer is true, and the connection ends, as in
 * Apache (FinalRequestProcessor.java).
 */
export function isSessionMoved(txn: Txn): boolean {
  if (txn.type === opCode.error) return txn.err === sessionMoved
  return txn.type === opCode.multi && txn.txns.some((part) => part.type === opCode.error && part.err === sessionMoved)
}
