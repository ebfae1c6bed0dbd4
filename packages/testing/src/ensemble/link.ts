/** A connection of a member whose cable can be pulled out, in one direction or in both. What is held back arrives afterwards. */
import type { Link, LinkEvents, TlsContext } from '@lightkeeper/runtime'

/** Above so many bytes held back a writer is asked to wait, as by a system whose buffer is full. */
const heldBytesMax = 64 * 1024

export interface LinkHost {
  /** Whether nothing passes in this direction. */
  isHeld(way: 'in' | 'out'): boolean
  /** Whether the process of this end is stopped. */
  isPaused(): boolean
  /** Runs `task` as a part of the process. */
  run(task: () => void): void
  /** The same at the end of the turn. */
  later(task: () => void): void
  /** The link is over. */
  over(): void
}

const nobody: LinkEvents = { data() {}, closed() {} }

export class CuttableLink implements Link {
  /** What the link below reports. */
  readonly events: LinkEvents
  readonly #address: string
  readonly #host: LinkHost
  #inner: Link | undefined
  #user: LinkEvents = nobody
  /** Opens the link below, which waits for the cable. */
  #dial: (() => Link) | undefined
  /** This end is over: nothing is reported any more. */
  #isOver = false
  #isPausedByUser = false
  #wantsDrain = false
  #heldBytes = 0
  #out: (() => void)[] = []
  #in: (() => void)[] = []

  constructor(address: string, host: LinkHost) {
    this.#address = address
    this.#host = host
    this.events = {
      opened: () => this.#receive(() => this.#user.opened?.()),
      data: (chunk) => this.#receive(() => this.#user.data(chunk)),
      kept: (at) => this.#receive(() => this.#user.kept?.(at)),
      drained: () => this.#host.run(() => this.#user.drained?.()),
      ended: () => {
        this.#receive(() => {
          if (this.#user.ended?.() !== true) this.end()
        })
        return true
      },
      closed: (reason) =>
        this.#receive(() => {
          const user = this.#user
          this.#finish()
          user.closed(reason)
        }),
    }
  }

  dial(user: LinkEvents, dial: () => Link): void {
    this.#user = user
    if (this.#host.isHeld('out') || this.#host.isHeld('in')) this.#dial = dial
    else this.#inner = dial()
  }

  /** `accept` gives the events of a link that came from outside. */
  accepted(inner: Link, accept: () => LinkEvents): void {
    this.#inner = inner
    this.#host.run(() => {
      this.#user = accept()
    })
    this.settle()
  }

  get remote(): string {
    return this.#inner?.remote ?? this.#address
  }

  get queuedBytes(): number {
    return this.#heldBytes + (this.#inner?.queuedBytes ?? 0)
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#inner?.peerCertificate
  }

  startTls(context: TlsContext, received: readonly Uint8Array[]): void {
    this.#inner?.startTls?.(context, received)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver) return true
    if (this.#inner !== undefined && this.#out.length === 0 && !this.#host.isHeld('out'))
      return this.#inner.write(chunk)
    this.#heldBytes += chunk.length
    this.#out.push(() => {
      this.#heldBytes -= chunk.length
      this.#inner?.write(chunk)
    })
    if (this.#heldBytes < heldBytesMax) return true
    this.#wantsDrain = true
    return false
  }

  pause(): void {
    this.#isPausedByUser = true
    this.#inner?.pause()
  }

  resume(): void {
    this.#isPausedByUser = false
    this.settle()
  }

  end(): void {
    if (!this.#isOver) this.#send(() => this.#inner?.end())
  }

  destroy(): void {
    if (this.#isOver) return
    const user = this.#user
    this.sever()
    // Never during a call to the link.
    this.#host.later(() => user.closed())
  }

  /** The process of this end is gone; the other end hears of it as soon as the cable is in. */
  sever(): void {
    this.#isOver = true
    this.#user = nobody
    this.#dial = undefined
    this.#in = []
    this.#out = []
    this.#heldBytes = 0
    this.#send(() => {
      this.#inner?.destroy()
      this.#finish()
    })
  }

  /** Does what cables and process permit by now. */
  settle(): void {
    const host = this.#host
    if (this.#dial !== undefined && !host.isHeld('out') && !host.isHeld('in')) {
      const dial = this.#dial
      this.#dial = undefined
      this.#inner = dial()
    }
    if (!host.isHeld('out') && this.#dial === undefined) {
      for (const act of this.#out.splice(0)) act()
      if (this.#wantsDrain) {
        this.#wantsDrain = false
        host.run(() => this.#user.drained?.())
      }
    }
    if (host.isHeld('in') || host.isPaused()) {
      this.#inner?.pause()
      return
    }
    for (const act of this.#in.splice(0)) host.run(act)
    if (!this.#isPausedByUser) this.#inner?.resume()
  }

  #send(act: () => void): void {
    if (this.#out.length > 0 || this.#dial !== undefined || this.#host.isHeld('out')) this.#out.push(act)
    else act()
  }

  #receive(act: () => void): void {
    if (this.#isOver) return
    if (this.#in.length > 0 || this.#host.isHeld('in')) this.#in.push(act)
    else this.#host.run(act)
  }

  #finish(): void {
    this.#isOver = true
    this.#user = nobody
    this.#host.over()
  }
}
