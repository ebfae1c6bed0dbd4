/**
 * A leader's connection to one learner: packets in both directions; images and long parts of the history at the pace of the learner.
 * What is sent meanwhile waits behind them. A learner that does not take its bytes is dropped, so it never costs more than its budget.
 */
import { MalformedFrameError, type QuorumPacket, QuorumPacketStream, Writer } from '@lightkeeper/protocol'
import { type Clock, Deque, type Link, type LinkEvents, type Timer } from '@lightkeeper/runtime'
import type { Outbox, Outboxes, Sender } from './outbox.ts'

const writerBytes = 4 * 1024
/** A packet without its data has about as many bytes. */
const packetBytes = 32
/** The first packet of a learner says who it is, in 40 bytes. A stranger must not make this server hold more. */
const firstPacketBytesMax = 1024
/** How long an ended connection may take to send its rest, milliseconds. */
const lingerMs = 1_000

export interface LearnerLinkLimits {
  /** Largest packet of a learner, bytes. It may change. */
  readonly packetBytesMax: number
  /** How many bytes may wait for a learner. */
  readonly budgetBytes: number
  /** How long a learner may take no byte of an image or of history, milliseconds. */
  readonly stallMs: number
}

export interface LearnerLinkHooks {
  /** The first packet came. */
  known?(): void
  /** `now` is when the bytes came, monotonic milliseconds: many packets may come at once. */
  packet(packet: QuorumPacket, now: number): void
  /** The last event. `why` is undefined where the learner closed it in order. Not called after `close` or `destroy`. */
  closed(why: Error | undefined): void
}

/** The bytes of an image, or of the packets of a part of the history. */
export type Pieces = AsyncIterable<Uint8Array>
/**
 * Begins a stream. `isTaken` says whether the bytes of all earlier pieces are on their way, so that their memory may be used again: new
 * memory for each piece of a large image would keep the collector busy, and all others waiting.
 */
export type OpenStream = (isTaken: () => boolean) => Pieces

interface Stream {
  readonly open: OpenStream
  /** Everything is written. */
  readonly done: (() => void) | undefined
}

export class LearnerLink implements Sender {
  readonly remote: string
  readonly #link: Link
  readonly #clock: Clock
  readonly #limits: LearnerLinkLimits
  readonly #hooks: LearnerLinkHooks
  readonly #outboxes: Outboxes
  #outbox: Outbox
  #incoming = new QuorumPacketStream(firstPacketBytesMax)
  #isKnown = false
  /** Bytes of this turn: first those of the writer, then those of the outbox from `#from` to `#to`. */
  readonly #writer = new Writer(writerBytes)
  #from = 0
  #to = 0
  #isFlushDue = false
  /** What waits behind the stream that is under way. */
  readonly #waiting = new Deque<QuorumPacket | Stream>()
  #waitingBytes = 0
  #isStreaming = false
  #drained: (() => void) | undefined
  #isOver = false
  #timer: Timer | undefined
  /** When it was opened, milliseconds since 1970. */
  readonly establishedAt: number
  /** Packets in both directions; those of an image or of history in one go are not counted. */
  received = 0
  sent = 0
  /** Packets with a request of a client. */
  requests = 0

  /** `outboxes` are those of all links of this leader. */
  constructor(link: Link, clock: Clock, limits: LearnerLinkLimits, outboxes: Outboxes, hooks: LearnerLinkHooks) {
    this.remote = link.remote
    this.#link = link
    this.#clock = clock
    this.#limits = limits
    this.#outboxes = outboxes
    this.#outbox = outboxes.followers
    this.#hooks = hooks
    this.establishedAt = clock.wall()
  }

  /** Where the bytes of the connection go. */
  readonly events: LinkEvents = {
    data: (chunk) => this.#received(chunk),
    drained: () => this.#drained?.(),
    closed: (reason) => this.#end(reason),
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#link.peerCertificate
  }

  /** It has sent a packet, so it is a member, or speaks like one. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** What waits behind an image or a part of the history, packets. */
  get queuedPackets(): number {
    return this.#waiting.length
  }

  /** Bytes that the learner has not taken, as far as this server holds them. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#writer.length + this.#to - this.#from + this.#link.queuedBytes
  }

  /** Sent at the end of the turn, with everything else of this turn. */
  send(packet: QuorumPacket): void {
    if (this.#isOver) return
    this.sent++
    if (this.#isStreaming) {
      this.#waiting.push(packet)
      this.#waitingBytes += packetBytes + (packet.data?.length ?? 0)
      this.#checkBudget()
    } else this.#add(packet)
  }

  /** Sends what `open` returns behind everything earlier and before everything later, then calls `done`. */
  stream(open: OpenStream, done?: () => void): void {
    if (this.#isOver) return
    if (this.#isStreaming) this.#waiting.push({ open, done })
    else void this.#stream({ open, done })
  }

  /** Closes after everything earlier was sent, but for a stream and what waits behind it. `closed` is not called any more. */
  close(): void {
    if (this.#isOver) return
    this.flush()
    this.#over()
    this.#link.end()
    // The other end may never close its side.
    this.#timer = this.#clock.after(lingerMs, () => this.#link.destroy())
  }

  destroy(): void {
    this.#over()
    this.#link.destroy()
  }

  // -- sending --------------------------------------------------------------------------------------------------------

  #add(packet: QuorumPacket): void {
    const from = this.#outbox.add(packet)
    if (from !== this.#to) {
      // Others got something in between.
      this.#takeOut()
      this.#from = from
    }
    this.#to = this.#outbox.end
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.#outbox.flushLater(this)
  }

  #takeOut(): void {
    if (this.#to > this.#from) this.#writer.raw(this.#outbox.bytes(this.#from, this.#to))
    this.#from = this.#to
  }

  /** At the end of the turn; then the bytes of the outbox are those of the next one. */
  flush(): boolean {
    this.#write()
    this.#isFlushDue = false
    this.#from = 0
    this.#to = 0
    return this.#link.queuedBytes === 0
  }

  #write(): void {
    if (this.#isOver) return
    if (this.#writer.length > 0) {
      this.#takeOut()
      this.#link.write(this.#writer.written())
      if (this.#link.queuedBytes > 0 || this.#writer.bytes.length > 64 * writerBytes) this.#writer.renew(writerBytes)
      else this.#writer.clear()
    } else if (this.#to > this.#from) {
      this.#link.write(this.#outbox.bytes(this.#from, this.#to))
      this.#from = this.#to
    } else return
    this.#checkBudget()
  }

  #checkBudget(): void {
    if (this.heldBytes > this.#limits.budgetBytes)
      this.#end(new Error(`the learner does not take its bytes: ${this.heldBytes} wait for it`))
  }

  async #stream({ open, done }: Stream): Promise<void> {
    this.#isStreaming = true
    this.#write()
    try {
      for await (const piece of open(() => this.#link.queuedBytes === 0)) {
        if (this.#isOver) return
        const isSoon = piece.length === 0 || this.#link.write(piece)
        if (!isSoon && this.#link.queuedBytes > 0) await this.#drain()
        if (this.#isOver) return
      }
    } catch (error) {
      this.#end(error as Error)
      return
    }
    this.#isStreaming = false
    done?.()
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    while (!this.#isStreaming && !this.#isOver) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      if ('open' in next) {
        void this.#stream(next)
        return
      }
      this.#waitingBytes -= packetBytes + (next.data?.length ?? 0)
      this.#add(next)
    }
  }

  /** Resolves when the learner has taken everything, or the link is over. */
  #drain(): Promise<void> {
    return new Promise((resolve) => {
      let before = this.#link.queuedBytes
      const look = (): void => {
        const now = this.#link.queuedBytes
        if (now >= before) {
          this.#end(new Error(`the learner took nothing for ${this.#limits.stallMs} ms`))
          return
        }
        before = now
        timer = this.#clock.after(this.#limits.stallMs, look)
      }
      let timer = this.#clock.after(this.#limits.stallMs, look)
      this.#drained = () => {
        timer.cancel()
        this.#drained = undefined
        resolve()
      }
    })
  }

  // -- receiving ------------------------------------------------------------------------------------------------------

  #received(chunk: Uint8Array): void {
    if (this.#isOver) return
    const now = this.#clock.now()
    try {
      this.#incoming.push(chunk)
      for (let packet = this.#incoming.next(); packet !== undefined; packet = this.#incoming.next()) {
        if (!this.#isKnown) this.#becomeKnown(packet)
        this.received++
        if (packet.type === 'REQUEST') {
          this.requests++
          this.#outbox.asked(this)
        }
        this.#hooks.packet(packet, now)
        if (this.#isOver) return
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      this.#end(error)
    }
  }

  #becomeKnown({ type }: QuorumPacket): void {
    this.#isKnown = true
    this.#hooks.known?.()
    // Nothing has been sent to it yet.
    if (type === 'OBSERVERINFO') this.#outbox = this.#outboxes.observers
    const rest = this.#incoming.takeRest()
    this.#incoming = new QuorumPacketStream(() => this.#limits.packetBytesMax)
    this.#incoming.push(rest)
  }

  #end(why: Error | undefined): void {
    if (this.#isOver) {
      this.#timer?.cancel()
      return
    }
    this.#over()
    this.#link.destroy()
    this.#hooks.closed(why)
  }

  #over(): void {
    this.#isOver = true
    this.#waiting.clear()
    this.#waitingBytes = 0
    this.#drained?.()
  }
}
