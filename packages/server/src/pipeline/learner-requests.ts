/**
 * What a leader does with the requests of its learners (LearnerHandler.java, PrepRequestProcessor.java). Each REQUEST but a sync becomes
 * exactly one transaction with its session and xid, since its learner waits for that; what is refused becomes a failed one.
 */
import { keeperCodes, MalformedFrameError, opCode, type QuorumPacket, Reader, Writer } from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import { Session } from '../session/session.ts'
import type { Primary } from './primary.ts'
import { requestOf } from './requests.ts'
import { Unsettled } from './unsettled.ts'

const sessionExpired = keeperCodes.SESSION_EXPIRED.number
const unimplemented = keeperCodes.UNIMPLEMENTED.number
const none = new Uint8Array(0)
/** An entry of a PING: a session and its timeout. */
const touchBytes = 12

/**
 * How many bytes of requests of one learner may wait to be applied. A learner of ours stops at a tenth of it, unless hundreds of its clients
 * send a megabyte each. It cannot be made to wait: its acknowledgements come by the same connection.
 */
const unsettledBytesMax = 256 << 20

export interface LearnerRequestsHooks {
  /** Zxid of the last transaction in the tree. */
  appliedZxid(): bigint
  /** The link gets SYNC when everything that was ordered until now is committed. */
  sync(link: number): void
  answer(link: number, packet: QuorumPacket): void
}

export class LearnerRequests {
  readonly #primary: Primary
  readonly #clock: Clock
  readonly #hooks: LearnerRequestsHooks
  readonly #bytesMax: number
  /** The term began here: everything before is applied, and no transaction has this zxid. */
  readonly #begin: bigint
  readonly #reader = new Reader(none)
  readonly #unsettled = new WeakMap<object, Unsettled>()

  constructor(primary: Primary, clock: Clock, hooks: LearnerRequestsHooks, bytesMax = unsettledBytesMax) {
    this.#primary = primary
    this.#clock = clock
    this.#hooks = hooks
    this.#bytesMax = bytesMax
    this.#begin = primary.lastZxid
  }

  /** `owner` stands for the link: sessions belong to it. Returns what is wrong with the packet, or undefined. */
  take(owner: object, link: number, packet: QuorumPacket): string | undefined {
    const reader = this.#reader.reset(packet.data ?? none, 0, packet.data?.length ?? 0)
    try {
      switch (packet.type) {
        case 'REQUEST':
          this.#request(owner, link, reader, packet)
          return this.#count(owner, packet.data?.length ?? 0)
        case 'REVALIDATE':
          this.#revalidate(owner, link, reader)
          return undefined
        case 'PING':
          this.#touch(reader)
          return undefined
        default:
          return `${packet.type} is no request`
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return `${packet.type} cannot be read: ${error.message}`
    }
  }

  #count(owner: object, bytes: number): string | undefined {
    let unsettled = this.#unsettled.get(owner)
    if (unsettled === undefined) {
      unsettled = new Unsettled()
      this.#unsettled.set(owner, unsettled)
    }
    const applied = this.#hooks.appliedZxid()
    const settled = applied > this.#begin ? applied : this.#begin
    const sum = unsettled.add(bytes, this.#primary.lastZxid, settled)
    return sum > this.#bytesMax ? `it sends more than is committed: ${sum} bytes of its requests wait` : undefined
  }

  #request(owner: object, link: number, reader: Reader, { authinfo }: QuorumPacket): void {
    const id = reader.long()
    const cxid = reader.int()
    const type = reader.int()
    const primary = this.#primary
    switch (type) {
      case opCode.sync:
        this.#hooks.sync(link)
        return
      case opCode.createSession:
        this.#openSession(owner, id, reader.int())
        return
      case opCode.closeSession:
        // Of a session that is over too: the learner waits for a transaction.
        primary.endSession(primary.sessions.get(id) ?? new Session(id, 0), cxid)
        return
      default: {
        const session = primary.sessions.get(id)
        if (session === undefined) primary.refuse(id, cxid, sessionExpired)
        else if (requestOf(type)?.kind !== 'write') primary.refuse(id, cxid, unimplemented)
        else {
          const err = primary.write(owner, session, cxid, type, reader, authinfo ?? [], undefined)
          if (err !== 0) primary.refuse(id, cxid, err)
        }
      }
    }
  }

  #openSession(owner: object, id: bigint, timeoutMs: number): void {
    const { sessions } = this.#primary
    const session = sessions.get(id) ?? new Session(id, 0)
    if (session.isClosing) {
      this.#primary.refuse(id, 0, sessionExpired)
      return
    }
    session.timeoutMs = Math.max(1, timeoutMs)
    this.#primary.openSession(owner, session, undefined)
  }

  /** The session belongs to the learner from now on, if it lives. */
  #revalidate(owner: object, link: number, reader: Reader): void {
    const id = reader.long()
    const timeoutMs = Math.max(1, reader.int())
    const { sessions } = this.#primary
    const writer = new Writer(9)
    writer.long(id)
    writer.boolean(sessions.takeOver(sessions.get(id), timeoutMs, owner, this.#clock.now()))
    this.#hooks.answer(link, { type: 'REVALIDATE', zxid: -1n, data: writer.written(), authinfo: null })
  }

  /** Clients of the learner have sent something. */
  #touch(reader: Reader): void {
    const { sessions } = this.#primary
    const now = this.#clock.now()
    while (reader.remaining >= touchBytes) {
      const session = sessions.get(reader.long())
      const timeoutMs = reader.int()
      if (session === undefined || timeoutMs <= 0) continue
      session.timeoutMs = timeoutMs
      sessions.touch(session, now)
    }
  }
}
