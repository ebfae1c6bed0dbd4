/**
 * The connection of a learner to its leader: packets in both directions, and images. The bytes after SNAP are an image, in pieces of
 * any size; its receiver sets the pace.
 */
import {
  imageEndMark,
  MalformedFrameError,
  type QuorumPacket,
  QuorumPacketStream,
  Writer,
  writeQuorumPacket,
} from '@lightkeeper/protocol'
import type { Link, LinkEvents, Runtime, Timer } from '@lightkeeper/runtime'
import { joined } from '../joined.ts'
import { Dials, type Route } from './dials.ts'
import { LoginError } from './member-logins.ts'

/**
 * A leader that was just elected may not listen yet. Apache's learner tries five times, 100 ms apart; here the first waits are shorter,
 * since a leader of ours listens at once, and all of them together take longer.
 */
const retriesMs = [10, 20, 40, 80, 160, 320]
/** How long the other addresses may still answer when one of them has refused all tries, milliseconds. */
const othersMs = 1_000
const writerBytes = 4096
/** So much of an image may wait for the disk before the leader is held back. */
const aheadBytes = 256 * 1024

export interface LeaderLinkHooks {
  opened(): void
  /**
   * Packets come one by one; after `takeImage` none comes until the image is over. `now` is when the bytes came, monotonic milliseconds:
   * many packets may come at once.
   */
  packet(packet: QuorumPacket, now: number): void
  /** The last event. `why` says why the link could not be opened, or is over; undefined where the leader closed it in order. */
  closed(why: Error | undefined): void
}

export interface ImageReceiver {
  /**
   * Takes bytes of an image. Resolves to the number of bytes that belong to it: all of `bytes` until its end.
   * @throws NotKeptError, or SnapshotDamage where they are no image.
   */
  push(bytes: Uint8Array): Promise<number>
  readonly isDone: boolean
}

/** Why the bytes of an image are not taken: the disk of this member, and not the leader or the way to it. */
export class NotKeptError extends Error {
  override readonly name = 'NotKeptError'
}

export class LeaderLink {
  readonly #route: Route
  readonly #dials: Dials
  readonly #runtime: Runtime
  readonly #hooks: LeaderLinkHooks
  readonly #stream: QuorumPacketStream
  readonly #deadline: number
  #link: Link | undefined
  #timer: Timer | undefined
  /** Failed dials by address, and the retries that are due. */
  readonly #tries = new Map<string, number>()
  readonly #retries = new Map<string, Timer>()
  /** Why an address was given up. */
  #why: Error | undefined
  #writer = new Writer(writerBytes)
  #isFlushDue = false
  #isOver = false
  /** Set while the bytes of an image come. */
  #image: { readonly receiver: ImageReceiver; readonly done: () => void } | undefined
  /** Bytes that came while the image took earlier ones. */
  readonly #chunks: Uint8Array[] = []
  #waitingBytes = 0
  #isTaking = false
  /** The bytes of the end mark that have come. */
  #ending: Uint8Array = new Uint8Array(0)

  /** `packetBytesMax`: largest packet, which may change. `timeoutMs`: how long all tries together may take. */
  constructor(route: Route, runtime: Runtime, packetBytesMax: () => number, timeoutMs: number, hooks: LeaderLinkHooks) {
    this.#runtime = runtime
    this.#route = route
    this.#hooks = hooks
    this.#stream = new QuorumPacketStream(packetBytesMax)
    this.#deadline = runtime.clock.now() + timeoutMs
    const ofDials = {
      opened: (link: Link) => this.#opened(link),
      failed: (address: string, reason: Error | undefined) => this.#failed(address, reason),
    }
    this.#dials = new Dials(route, runtime, ofDials)
    this.#dials.dial(timeoutMs)
  }

  /** Sent at the end of the turn, with everything else of this turn. */
  send(packet: QuorumPacket): void {
    if (this.#isOver) return
    writeQuorumPacket(this.#writer, packet)
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    this.#runtime.clock.turnEnd(() => this.#flush())
  }

  /** The bytes after the packet that is being passed on are an image. `done` is called when it is over and packets come again. */
  takeImage(receiver: ImageReceiver, done: () => void): void {
    this.#image = { receiver, done }
  }

  /** Closes after everything earlier was sent. `closed` is not called any more. */
  close(): void {
    if (this.#isOver) return
    this.#flush()
    this.#isOver = true
    this.#endDials()
    this.#link?.end()
    // The other end may never close its side.
    this.#timer = this.#runtime.clock.after(1_000, () => this.#link?.destroy())
  }

  destroy(): void {
    this.#isOver = true
    this.#endDials()
    this.#link?.destroy()
  }

  #opened(link: Link): Pick<LinkEvents, 'data' | 'closed'> {
    this.#endDials()
    this.#link = link
    this.#hooks.opened()
    return { data: (chunk) => this.#received(chunk), closed: (reason) => this.#end(reason) }
  }

  /** Each address is tried again by itself. */
  #failed(address: string, reason: Error | undefined): void {
    const { clock } = this.#runtime
    const tries = this.#tries.get(address) ?? 0
    const retryMs = reason instanceof LoginError ? undefined : retriesMs[tries]
    if (retryMs !== undefined && clock.now() + retryMs < this.#deadline) {
      this.#tries.set(address, tries + 1)
      const again = (): void => this.#dials.dialAt(address, this.#deadline - clock.now())
      this.#retries.set(address, clock.after(retryMs, again))
      return
    }
    this.#tries.set(address, Number.POSITIVE_INFINITY)
    // A login that was refused says more than a port that nobody listens at.
    if (!(this.#why instanceof LoginError)) this.#why = reason
    const over = [...this.#tries.values()].filter((each) => each === Number.POSITIVE_INFINITY).length
    // An address where nobody answers must not keep this member from looking for another leader.
    if (over === this.#route.addresses.length) this.#end(this.#why)
    else this.#timer ??= clock.after(othersMs, () => this.#end(this.#why))
  }

  #endDials(): void {
    this.#timer?.cancel()
    for (const timer of this.#retries.values()) timer.cancel()
    this.#dials.giveUp()
  }

  #flush(): void {
    this.#isFlushDue = false
    const link = this.#link
    // Nothing is sent before the link is open.
    if (this.#isOver || this.#writer.length === 0 || link === undefined) return
    link.write(this.#writer.written())
    if (link.queuedBytes > 0 || this.#writer.bytes.length > 16 * writerBytes) this.#writer.renew(writerBytes)
    else this.#writer.clear()
  }

  #end(why: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endDials()
    this.#link?.destroy()
    this.#hooks.closed(why)
  }

  #received(chunk: Uint8Array): void {
    if (this.#isOver) return
    if (this.#image === undefined && !this.#isTaking) {
      this.#takePackets(chunk)
      return
    }
    this.#chunks.push(chunk)
    this.#waitingBytes += chunk.length
    if (!this.#isTaking) void this.#takeImage()
    else if (this.#waitingBytes > aheadBytes) this.#link?.pause()
  }

  #takePackets(chunk: Uint8Array): void {
    const now = this.#runtime.clock.now()
    try {
      this.#stream.push(chunk)
      for (let packet = this.#stream.next(); packet !== undefined; packet = this.#stream.next()) {
        this.#route.heard()
        this.#hooks.packet(packet, now)
        if (this.#isOver) return
        if (this.#image === undefined) continue
        const rest = this.#stream.takeRest()
        if (rest.length > 0) {
          this.#chunks.unshift(rest)
          this.#waitingBytes += rest.length
        }
        void this.#takeImage()
        return
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      this.#end(error)
    }
  }

  /**
   * Passes bytes to the image until it is over, then the rest to the packets. What came meanwhile goes to the disk together: a slow disk
   * takes one large piece sooner than many small ones.
   */
  async #takeImage(): Promise<void> {
    if (this.#isTaking) return
    this.#isTaking = true
    try {
      while (this.#chunks.length > 0) {
        const chunk = joined(...this.#chunks.splice(0))
        this.#waitingBytes -= chunk.length
        await this.#takeChunk(chunk)
        if (this.#isOver) return
      }
      this.#link?.resume()
    } catch (error) {
      this.#end(error as Error)
    } finally {
      this.#isTaking = false
    }
  }

  async #takeChunk(chunk: Uint8Array): Promise<void> {
    const image = this.#image
    if (image === undefined) {
      this.#takePackets(chunk)
      return
    }
    const { receiver, done } = image
    const taken = receiver.isDone ? 0 : await receiver.push(chunk)
    if (this.#isOver || !receiver.isDone) return
    const rest = joined(this.#ending, chunk.subarray(taken))
    this.#ending = rest
    if (rest.length < imageEndMark.length) return
    if (imageEndMark.some((byte, i) => byte !== rest[i])) throw new MalformedFrameError('no end mark after an image', 0)
    this.#ending = new Uint8Array(0)
    this.#image = undefined
    done()
    if (!this.#isOver) this.#takePackets(rest.subarray(imageEndMark.length))
  }
}
