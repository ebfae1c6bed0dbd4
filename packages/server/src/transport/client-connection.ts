/**
 * One client's connection: bytes to frames, frames to the replica, replies out in one write per turn, and nobody may make us
 * hold more than a bounded amount of memory. What requests mean is the replica's business.
 */
import {
  type Acl,
  type EventType,
  Framer,
  type Id,
  keeperState,
  MalformedFrameError,
  opCode,
  permission,
  type Reader,
  readConnectRequest,
  specialXid,
  Writer,
} from '@lightkeeper/protocol'
import { Deque, type Link, type LinkEvents } from '@lightkeeper/runtime'
import type { Peer, Unanswered } from '../pipeline/peer.ts'
import { beginReply } from '../pipeline/replies.ts'
import type { Session } from '../session/session-table.ts'
import type { ClientListener } from './client-listener.ts'

/** Written bytes are passed to the link at the latest when this many wait. */
const flushBytes = 64 * 1024

export class ClientConnection implements Peer, LinkEvents {
  readonly writer = new Writer(1024)
  readonly unanswered = new Deque<Unanswered>()
  readonly remoteHost: string
  readonly remote: string
  identities: readonly Id[]
  session: Session<Peer> | undefined
  isOpen = true
  /** Frames received and written, for the monitoring commands. */
  received = 0
  sent = 0
  readonly #link: Link
  readonly #listener: ClientListener
  readonly #framer: Framer
  /** Chunks that came while nothing could be read. */
  readonly #chunks: Uint8Array[] = []
  /** The first bytes of the connection, until it is known whether they are a four-letter word. */
  #opening: Uint8Array | undefined = new Uint8Array(0)
  #state: 'handshake' | 'waiting' | 'serving' | 'closing' = 'handshake'
  #isPumping = false
  #isPaused = false
  #isDirty = false

  constructor(link: Link, remoteHost: string, identities: readonly Id[], listener: ClientListener) {
    this.#link = link
    this.remote = link.remote
    this.remoteHost = remoteHost
    this.identities = identities
    this.#listener = listener
    this.#framer = new Framer(listener.config.juteMaxbuffer)
  }

  // -- in -------------------------------------------------------------------------------------------------------------

  data(chunk: Uint8Array): void {
    if (this.#state === 'closing') return
    this.#chunks.push(this.#opening === undefined ? chunk : this.#opened(chunk))
    this.#pump()
  }

  /** Looks for a four-letter word in the first four bytes; returns what is to be read as frames. */
  #opened(chunk: Uint8Array): Uint8Array {
    const before = this.#opening as Uint8Array
    const bytes = before.length === 0 ? chunk : concatenate(before, chunk)
    if (bytes.length < 4) {
      this.#opening = bytes
      return new Uint8Array(0)
    }
    this.#opening = undefined
    const answer = this.#listener.fourLetterAnswer(String.fromCharCode(...bytes.subarray(0, 4)))
    if (answer === undefined) return bytes
    this.writer.raw(new TextEncoder().encode(answer))
    this.#markDirty()
    this.hangUp()
    return new Uint8Array(0)
  }

  /** Reads on as far as limits allow; called again when a limit no longer holds. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (this.#mayRead()) {
        const frame = this.#framer.next()
        if (frame !== undefined) {
          this.#frame(frame)
          continue
        }
        const chunk = this.#chunks.shift()
        if (chunk === undefined) break
        this.#framer.push(chunk)
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      this.#listener.log('warn', 'closing a connection that does not speak the protocol', {
        client: this.remote,
        problem: error.message,
      })
      this.cut()
    } finally {
      this.#isPumping = false
    }
    // A closing connection is read to its end, or its close would never be seen.
    this.#setPaused(this.#state !== 'closing' && !this.#mayRead())
  }

  #mayRead(): boolean {
    if (this.#state === 'waiting' || this.#state === 'closing') return false
    const { config, replica } = this.#listener
    const waiting = this.unanswered.length
    if (waiting >= config.connectionOutstandingLimit) return false
    if (waiting > 0 && replica.outstanding >= config.globalOutstandingLimit) return false
    return this.#link.queuedBytes < config.slowReaderPauseBytes
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#isPaused || !this.isOpen) return
    this.#isPaused = paused
    if (paused) this.#link.pause()
    else this.#link.resume()
  }

  #frame(frame: Reader): void {
    this.received++
    if (this.#state === 'handshake') {
      const request = readConnectRequest(frame)
      this.#state = 'waiting'
      this.#listener.handshakeStarted(this)
      this.#listener.replica.connect(this, request)
      return
    }
    const xid = frame.int()
    const type = frame.int()
    if (type === opCode.closeSession) this.#state = 'waiting'
    this.#listener.replica.submit(this, xid, type, frame)
  }

  drained(): void {
    this.#pump()
  }

  closed(reason?: Error): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#state = 'closing'
    this.#listener.connectionClosed(this, reason)
  }

  // -- out ------------------------------------------------------------------------------------------------------------

  established(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'serving'
    this.#pump()
  }

  notify(type: EventType, path: string, zxid: bigint, acl: readonly Acl[] | null): void {
    if (!this.isOpen) return
    if (acl !== null && !this.#listener.replica.access.allows(acl, permission.read, this.identities)) return
    const mark = beginReply(this.writer, specialXid.watchEvent, zxid, 0)
    this.writer.int(type)
    this.writer.int(keeperState.syncConnected)
    this.writer.ustring(path)
    this.writer.endFrame(mark)
    this.wrote()
  }

  wrote(): void {
    this.sent++
    this.#listener.replica.stats.sent++
    if (this.writer.length >= flushBytes) this.flush()
    else this.#markDirty()
  }

  #markDirty(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.#listener.flushLater(this)
  }

  /** Passes what was written to the link. */
  flush(): void {
    this.#isDirty = false
    if (!this.isOpen || this.writer.length === 0) return
    this.#link.write(this.writer.written())
    const queued = this.#link.queuedBytes
    if (queued === 0) {
      this.writer.clear()
      // A burst must not leave every connection with a large buffer.
      if (this.writer.bytes.length > 2 * flushBytes) this.writer.renew()
    } else this.writer.renew()
    if (queued > this.#listener.config.slowReaderCutBytes) {
      this.#listener.log('warn', 'closing a connection that does not read its replies', {
        client: this.remote,
        queuedBytes: queued,
      })
      this.cut()
    }
  }

  /** Requests may have been held back by a full queue of unanswered ones. */
  resume(): void {
    if (this.#isPaused || this.#chunks.length > 0) this.#pump()
  }

  hangUp(): void {
    if (!this.isOpen) return
    this.#state = 'closing'
    this.#chunks.length = 0
    this.flush()
    this.#setPaused(false)
    this.#link.end()
    this.#listener.hungUp(this)
  }

  /** Closes at once, dropping what was not sent. */
  cut(): void {
    this.#state = 'closing'
    this.#chunks.length = 0
    this.#link.destroy()
  }
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length)
  whole.set(a)
  whole.set(b, a.length)
  return whole
}
