/**
 * One client's connection: bytes to frames, frames to the desk, replies out in one write per turn. Nobody may make us hold
 * more than a bounded amount of memory, nor take more than a slice of a turn, and whatever is thrown while a connection is
 * served ends that connection alone. What requests mean is the desk's business.
 */
import {
  type Acl,
  type EventType,
  type Id,
  opCode,
  type Reader,
  readConnectRequest,
  Writer,
} from '@lightkeeper/protocol'
import type { Link, LinkEvents } from '@lightkeeper/runtime'
import type { DigestMd5Login } from '../auth/sasl/digest-md5-login.ts'
import { ConnectionStats } from '../connection-stats.ts'
import type { Caller } from '../pipeline/caller.ts'
import type { Desk } from '../pipeline/desk.ts'
import { ReplyQueue } from '../pipeline/reply-queue.ts'
import { isReading } from '../pipeline/requests.ts'
import type { Session } from '../session/session.ts'
import type { PeerCertificate } from '../tls/certificate.ts'
import { logCloseReason } from './close-reason.ts'
import type { ConnectionHost } from './connection-host.ts'
import { countedFrom, type Holder } from './held-bytes.ts'
import { Intake } from './intake.ts'
import { Opening } from './opening.ts'
import type { Share } from './slices.ts'

/** Written bytes are passed to the link at the latest when this many wait. */
const flushBytes = 64 * 1024
/** A request or a reply of this size may have taken long. */
const largeBytes = 16 * 1024
/** Bytes of unanswered requests above which a connection is not read. */
const takenBytesMax = 4 << 20

export class ClientConnection implements Caller, LinkEvents, Holder {
  readonly writer = new Writer(1024)
  readonly replies = new ReplyQueue<Caller>()
  watchCount = 0
  watchBytes = 0
  readonly remoteHost: string
  readonly remote: string
  identities: readonly Id[]
  login: DigestMd5Login | undefined
  /** What the client proved in the TLS handshake; undefined without TLS or without a certificate. */
  certificate: PeerCertificate | undefined
  session: Session | undefined
  knowsReadOnly = false
  /** Frames received and written, for the monitoring commands. */
  received = 0
  sent = 0
  readonly stats: ConnectionStats
  readonly #link: Link
  readonly #host: ConnectionHost<ClientConnection>
  readonly #desk: Desk
  readonly #intake: Intake
  /** The first bytes of the connection, until it is known whether they are a four-letter word. */
  #opening: Opening | undefined
  #state: 'handshake' | 'waiting' | 'serving' | 'closing' = 'handshake'
  #isClosed = false
  #isCut = false
  #isPumping = false
  #isPaused = false
  #isDirty = false
  /** The link asked to wait until it is drained, and will say when it is. */
  #isFull = false
  /** A reply was written, and not passed on yet. */
  hasReply = false
  /** A four-letter word is being answered. */
  #isAnswering = false
  /** A four-letter word that was not answered yet. */
  #word: Uint8Array | undefined
  /** Had its slice; served again when the others had theirs. */
  #awaitsTurn = false
  #share: Share = { turn: -1, usedMs: 0, usedRequests: 0, endedAt: 0 }
  /** Bytes of requests since there was last none unanswered. */
  #takenBytes = 0
  /** Where the frame that is written begins; below 0 where a part of it was passed on already. */
  #writtenBefore = 0
  /** The largest piece among what waits in the link, bytes; 0 where nothing waits. */
  #largestQueued = 0

  /** `wall` is wall-clock milliseconds. */
  constructor(
    link: Link,
    remoteHost: string,
    identities: readonly Id[],
    wall: number,
    host: ConnectionHost<ClientConnection>,
    desk: Desk,
  ) {
    this.#link = link
    this.remote = link.remote
    this.remoteHost = remoteHost
    this.identities = identities
    this.#host = host
    this.#desk = desk
    this.stats = new ConnectionStats(wall)
    this.#opening = new Opening(host.words)
    this.#intake = new Intake(host.limits.juteMaxbuffer)
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.#isCut
  }

  /** Whether requests are read now. */
  get isReading(): boolean {
    return !this.#isPaused && this.#state !== 'waiting' && this.#state !== 'closing'
  }

  get queuedBytes(): number {
    return this.#link.queuedBytes
  }

  // -- in -------------------------------------------------------------------------------------------------------------

  data(chunk: Uint8Array): void {
    if (this.#state === 'closing') return
    try {
      this.#intake.add(this.#opening === undefined ? chunk : this.#opened(this.#opening, chunk))
    } catch (error) {
      this.fail(error)
      return
    }
    this.#pump()
  }

  /** Keeps a four-letter word; returns what is to be read as frames. */
  #opened(opening: Opening, chunk: Uint8Array): Uint8Array {
    const opened = opening.add(chunk)
    if (opened === undefined) return new Uint8Array(0)
    this.#opening = undefined
    if (!opened.isWord) return opened.bytes
    // Nothing more is read, an end of the stream neither, until the answer is there. All words have one share of a turn.
    this.#state = 'waiting'
    this.#isAnswering = true
    this.#word = opened.bytes
    this.#share = this.#host.wordShare
    this.received++
    return new Uint8Array(0)
  }

  #answer(word: Uint8Array): void {
    this.#word = undefined
    const answer = this.#host.words.answer(word)
    if (typeof answer === 'string') return this.#answerWord(answer)
    const failed = (error: unknown): void => this.fail(error)
    answer.then((text) => this.#answerWord(text), failed)
  }

  #answerWord(answer: string): void {
    if (!this.isOpen) return
    try {
      // Not by way of the writer: an answer may be long, and would be copied.
      this.passOn(new TextEncoder().encode(answer))
    } catch (error) {
      return this.fail(error)
    }
    this.hangUp()
  }

  /** Answers and reads on as far as limits allow; called again when a limit no longer holds. */
  #pump(): void {
    if (this.#isPumping) return
    const { slices } = this.#host
    try {
      if (!this.#awaitsTurn && this.#state !== 'closing') {
        if (slices.begin(this.#share)) this.#serve()
        else this.#awaitTurn()
      }
      // A closing connection is read to its end, or its close would never be seen.
      this.#setPaused(this.#state !== 'closing' && !this.#mayReceive())
    } catch (error) {
      this.fail(error)
    }
  }

  /** A connection that awaits its turn may bring a little: to pause its link and resume it costs more than to hold that. */
  #mayReceive(): boolean {
    if (this.#intake.isHolding || this.#awaitsTurn) return this.#awaitsTurn && !this.#intake.isFull
    return this.#mayRead()
  }

  #serve(): void {
    const { slices } = this.#host
    const desk = this.#desk
    const { replies } = this
    this.#isPumping = true
    try {
      if (this.#word !== undefined) return this.#answer(this.#word)
      for (;;) {
        if (replies.hasAnswer) {
          if (!this.#hasRoom()) break
          if (!slices.goesOn()) return this.#awaitTurn()
          desk.answerNext(this)
          continue
        }
        if (!this.#mayRead()) break
        const frame = this.#intake.take()
        if (frame === undefined) break
        if (!this.#mayServe(frame)) {
          this.#intake.putBack(frame)
          break
        }
        if (!slices.goesOn()) {
          this.#intake.putBack(frame)
          return this.#awaitTurn()
        }
        this.#frame(frame)
      }
    } finally {
      this.#isPumping = false
      slices.end(this.#share)
    }
  }

  #mayRead(): boolean {
    if (this.#state === 'waiting' || this.#state === 'closing' || this.#host.isDraining) return false
    const waiting = this.replies.length
    if (waiting > 0) {
      const { limits } = this.#host
      if (waiting >= limits.connectionOutstandingLimit || this.#takenBytes >= takenBytesMax) return false
      if (this.#desk.isLoaded || this.#host.owesEvents) return false
    } else this.#takenBytes = 0
    return this.#hasRoom()
  }

  /** Whether another reply may be made for this client. */
  #hasRoom(): boolean {
    const { queuedBytes } = this.#link
    const { limits, held } = this.#host
    if (queuedBytes >= limits.slowReaderPauseBytes && this.#isFull) return false
    return queuedBytes < countedFrom || !held.isTooMuch
  }

  /** Whether the frame may be served now. It is looked at again whenever something was answered, or there is room. */
  #mayServe(frame: Reader): boolean {
    if (this.#state !== 'serving') return true
    if (!this.replies.hasRoom && frame.remaining >= 8 && !isReading(frame.peekInt(4))) return false
    const { held } = this.#host
    if (!held.isTooMuch || this.#desk.expectedBytes(frame) < largeBytes) return true
    held.await(this)
    return false
  }

  #awaitTurn(): void {
    this.#awaitsTurn = true
    this.#host.serveLater(this)
  }

  /** The others had their turn. */
  takeTurn(): void {
    this.#awaitsTurn = false
    this.#pump()
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#isPaused || !this.isOpen) return
    this.#isPaused = paused
    if (paused) this.#link.pause()
    else this.#link.resume()
  }

  #frame(frame: Reader): void {
    this.received++
    const { remaining } = frame
    this.#takenBytes += remaining
    this.#host.stats.receivedBytes += remaining + 4
    if (remaining > largeBytes) this.#host.slices.look()
    if (this.#state === 'handshake') {
      const request = readConnectRequest(frame)
      this.stats.lastType = opCode.createSession
      this.#state = 'waiting'
      this.#host.handshakeStarted(this)
      this.#desk.connect(this, request)
      return
    }
    const xid = frame.int()
    const type = frame.int()
    this.stats.lastType = type
    if (xid >= 0) this.stats.lastCxid = xid
    if (type === opCode.closeSession) this.#state = 'waiting'
    this.#desk.submit(this, xid, type, frame)
  }

  /** Who asked by a word and says no more, as `nc` does, still waits for the answer. */
  ended(): boolean {
    return this.#isAnswering
  }

  drained(): void {
    this.#isFull = false
    try {
      this.#host.held.count(this)
    } catch (error) {
      this.fail(error)
    }
    this.#pump()
  }

  roomAgain(): void {
    this.answerLater()
  }

  closed(reason?: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#state = 'closing'
    this.#intake.clear()
    this.replies.clear()
    try {
      this.#host.closed(this, reason)
      this.#desk.disconnected(this)
    } catch (error) {
      this.#report(error)
    }
  }

  // -- out ------------------------------------------------------------------------------------------------------------

  established(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'serving'
    this.answerLater()
  }

  notify(type: EventType, path: string, zxid: bigint, acl: readonly Acl[] | null): void {
    if (!this.isOpen) return
    try {
      if (acl !== null && !this.#desk.mayRead(acl, this.identities)) return
      this.writer.raw(this.#host.events.frame(type, path, zxid))
      this.#host.stats.watchBytes += this.writer.length - this.#writtenBefore
      this.#wrote()
    } catch (error) {
      // It concerns this client alone: the change it would have heard of is everybody's.
      this.fail(error)
    }
  }

  wrote(): void {
    this.hasReply = true
    this.#host.stats.replySizes.add(this.writer.length - this.#writtenBefore)
    this.#wrote()
  }

  #wrote(): void {
    this.sent++
    this.#host.stats.sent++
    const { length } = this.writer
    if (length - this.#writtenBefore > largeBytes) this.#host.slices.look()
    this.#writtenBefore = length
    if (length >= flushBytes) this.flush()
    // Though nothing is left to send: what was held back until this reply is looked at again then.
    this.#markDirty()
  }

  passOn(bytes: Uint8Array): void {
    const passedBytes = this.writer.length - this.#writtenBefore + bytes.length
    if (this.writer.length > 0) this.#link.write(this.writer.written())
    this.#isFull = !this.#link.write(bytes)
    this.#host.slices.look()
    this.#writtenBefore = -passedBytes
    const queued = this.#link.queuedBytes
    this.#largestQueued = queued === 0 ? 0 : Math.max(this.#largestQueued, bytes.length)
    if (queued === 0) this.writer.clear()
    else this.writer.renew()
    if (queued >= countedFrom) this.#host.held.count(this)
  }

  answerLater(): void {
    if (this.isOpen) this.#markDirty()
  }

  #markDirty(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.#host.flushLater(this)
  }

  /** What was written is not passed on in this turn; false where there is nothing. */
  letWait(): boolean {
    this.#isDirty = false
    return this.isOpen && this.writer.length > 0
  }

  /** Passes what was written to the link. */
  flush(): void {
    this.#isDirty = false
    this.hasReply = false
    if (!this.isOpen || this.writer.length === 0) return
    try {
      this.#flush()
    } catch (error) {
      this.fail(error)
    }
  }

  #flush(): void {
    const queuedBefore = this.#link.queuedBytes
    this.#isFull = !this.#link.write(this.writer.written())
    this.#writtenBefore = 0
    const queued = this.#link.queuedBytes
    if (queued === 0) {
      this.#largestQueued = 0
      this.writer.clear()
      // A burst must not leave every connection with a large buffer.
      if (this.writer.bytes.length > 2 * flushBytes) this.writer.renew()
      return
    }
    this.writer.renew()
    // One reply may be larger than that, and counts until all of it was taken.
    if (queuedBefore - this.#largestQueued > this.#host.limits.slowReaderCutBytes)
      this.#cutAsSlow({ queuedBytes: queued })
    else if (queued >= countedFrom) this.#host.held.count(this)
    this.#largestQueued = Math.max(this.#largestQueued, queued - queuedBefore)
  }

  cutAsHolder(heldBytes: number): void {
    this.#cutAsSlow({ queuedBytes: this.#link.queuedBytes, heldForAll: heldBytes })
  }

  #cutAsSlow(facts: Readonly<Record<string, number>>): void {
    this.#warn('closing a connection that does not read its replies', facts)
    this.cut()
  }

  #warn(message: string, facts: Readonly<Record<string, string | number>>): void {
    this.#host.repeated.tell(this.remoteHost, message, { client: this.remote, ...facts })
  }

  /** At the end of a turn: what waited behind something answered is answered, what was held back is read. */
  resume(): void {
    if (!this.isOpen) return
    if (this.replies.length > 0 || this.#isPaused || !this.#intake.isEmpty) this.#pump()
  }

  hangUp(): void {
    if (!this.isOpen) return
    this.#state = 'closing'
    this.#intake.clear()
    this.flush()
    this.#host.endLater(this)
  }

  end(): void {
    this.#setPaused(false)
    this.#link.end()
    this.#host.hungUp(this)
  }

  /** Closes at once, dropping what was not sent. */
  cut(): void {
    this.#state = 'closing'
    if (this.#isCut) return
    this.#isCut = true
    this.#intake.clear()
    this.replies.clear()
    this.writer.renew(64)
    try {
      this.#host.held.forget(this)
      this.#link.destroy()
    } catch (error) {
      this.#report(error)
    }
  }

  /** Serving this connection threw: it is closed, and only it. */
  fail(error: unknown): void {
    if (!this.isOpen) return
    this.#report(error)
    this.cut()
  }

  #report(error: unknown): void {
    logCloseReason(this.#host, error, this, this.session?.id)
  }
}
