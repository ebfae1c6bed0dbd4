/** A network for tests of links: both ends are in this process, and bytes arrive when the test says so. */
import type { Link, LinkEvents, Listener, Network } from '@lightkeeper/runtime'

/** One end of a link. */
class End implements Link {
  readonly remote: string
  queuedBytes = 0
  events: LinkEvents | undefined
  other: End | undefined
  isClosed = false
  isPaused = false
  /** Set to keep the peer from getting anything. */
  isStuck = false
  readonly #network: HandNetwork

  constructor(network: HandNetwork, remote: string) {
    this.#network = network
    this.remote = remote
  }

  write(chunk: Uint8Array): boolean {
    if (this.isClosed) return true
    if (this.isStuck) {
      this.queuedBytes += chunk.length
      return false
    }
    const copy = chunk.slice()
    this.#network.later(() => {
      if (this.other?.isClosed === false) this.other.events?.data(copy)
    })
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.#network.later(() => this.destroy())
  }

  destroy(): void {
    if (this.isClosed) return
    for (const end of [this, this.other]) {
      if (end === undefined || end.isClosed) continue
      end.isClosed = true
      this.#network.later(() => end.events?.closed())
    }
  }
}

export class HandNetwork implements Network {
  readonly #listeners = new Map<string, (link: Link) => LinkEvents>()
  readonly #work: (() => void)[] = []
  /** Every link that was dialed, by the address, oldest first: the side that dialed. */
  readonly dialed: { readonly address: string; readonly end: End }[] = []
  /** Addresses where a dial opens never and fails never. */
  readonly silent = new Set<string>()

  later(task: () => void): void {
    this.#work.push(task)
  }

  /** Lets everything arrive that is under way. */
  settle(): void {
    for (let task = this.#work.shift(); task !== undefined; task = this.#work.shift()) task()
  }

  connect(address: string, events: LinkEvents): Link {
    const near = new End(this, address)
    near.events = events
    this.dialed.push({ address, end: near })
    if (this.silent.has(address)) return near
    this.later(() => {
      if (near.isClosed) return
      const accept = this.#listeners.get(address)
      if (accept === undefined) {
        near.isClosed = true
        events.closed(new Error('refused'))
        return
      }
      const far = new End(this, 'dialer:1')
      far.other = near
      near.other = far
      far.events = accept(far)
      if (!near.isClosed) events.opened?.()
    })
    return near
  }

  async service(): Promise<string[]> {
    return []
  }

  async listen(address: string, accept: (link: Link) => LinkEvents): Promise<Listener> {
    this.#listeners.set(address, accept)
    return { address, close: async () => void this.#listeners.delete(address) }
  }
}
