/**
 * Streams between simulated hosts. Bytes arrive late, in order, and cut into pieces at any place. Faults have names: `reset` ends a
 * connection with an error, `cut` holds everything back until `heal` (what TCP does in a partition that ends), `vanish` drops a
 * host's connections without informing the peer, which then has a half-open link. A machine without power answers nothing; when it is
 * back, it resets what comes for its former connections.
 */
import type { Link, LinkEvents, Listener, Network } from '@lightkeeper/runtime'
import type { SeededRandom } from './random.ts'

/** What the network needs from its world. */
interface Surroundings {
  readonly random: SeededRandom
  after(delayMs: number, task: () => void): { cancel(): void }
  isPaused(host: string): boolean
  /** Whether the machine lost its power, and no process has begun on it since. */
  isOff(host: string): boolean
  /** `events` as a process of `host` gets them; the process may be stopped or dead. */
  received(host: string, events: LinkEvents): LinkEvents
}

/** A network in memory: it delays chunks, and cuts links when a test asks for it. */
export class SimNetwork {
  /** The fixed part of the latency of a chunk, milliseconds. */
  latencyMs = 0.5
  /** The largest random part of the latency of a chunk, milliseconds. */
  jitterMs = 1
  /** Above this number of bytes under way a writer is asked to wait. */
  highWaterBytes = 64 * 1024
  /**
   * Whether an attempt to connect through a cut is repeated as a kernel does, 1, 3, 7 … seconds after the first packet. Otherwise
   * it succeeds within 50 ms after `heal`.
   */
  losesFirstPackets = false
  readonly #world: Surroundings
  readonly #listeners = new Map<string, { readonly host: string; accept(link: Link): LinkEvents }>()
  readonly #ends = new Set<LinkEnd>()
  readonly #cuts = new Set<string>()
  readonly #refusals = new Set<string>()
  readonly #silences = new Set<string>()
  readonly #holds: ((from: string, to: string) => boolean)[] = []
  #nextPort = 40_000

  constructor(world: Surroundings) {
    this.#world = world
  }

  /** The network as seen from `host`; addresses are `name:port`, where the name is that of a host. */
  host(host: string): Network {
    return {
      connect: (address, events) => this.#connect(host, address, events),
      service: async (name) => {
        throw new Error(`${name}: there is no name service in a simulated network`)
      },
      listen: async (address, accept): Promise<Listener> => {
        const bound = `${host}:${address.split(':').at(-1)}`
        if (this.#listeners.has(bound))
          throw Object.assign(new Error(`address in use ${bound}`), { code: 'EADDRINUSE' })
        this.#listeners.set(bound, { host, accept })
        return { address: bound, close: async () => void this.#listeners.delete(bound) }
      },
    }
  }

  /** Resets every connection between two hosts; both sides get an error. */
  reset(a: string, b: string): void {
    for (const end of [...this.#ends]) if (end.isBetween(a, b)) end.fail(new Error('connection reset'))
  }

  /** Holds back everything between two hosts, including attempts to connect, until `heal`. */
  cut(a: string, b: string): void {
    this.#cuts.add(pair(a, b))
  }

  /** Attempts to connect are refused, as by a system without a listener, until `heal`. Existing connections stay. */
  refuse(a: string, b: string): void {
    this.#refusals.add(pair(a, b))
  }

  /**
   * Attempts to connect succeed and get no answer, as with a system whose program hangs. `heal` ends this for later
   * attempts.
   */
  silence(a: string, b: string): void {
    this.#silences.add(pair(a, b))
  }

  /** Ends what `cut` and `refuse` did between two hosts. */
  heal(a: string, b: string): void {
    this.#cuts.delete(pair(a, b))
    this.#refusals.delete(pair(a, b))
    this.#silences.delete(pair(a, b))
    this.settle()
  }

  /**
   * Holds back what `from` sends to `to` while `isHeld` says so: one direction, or one host against all others. After a change that
   * lets something pass, `settle` must be called.
   */
  holdWhere(isHeld: (from: string, to: string) => boolean): void {
    this.#holds.push(isHeld)
  }

  /** Delivers what may pass by now. */
  settle(): void {
    for (const end of [...this.#ends]) end.resumeDelivery()
  }

  /** The host loses its connections without notifying its peers, as after a power cut. */
  vanish(host: string): void {
    for (const end of [...this.#ends]) if (end.host === host) end.forget()
  }

  /**
   * Nothing on the host listens or is connected any more. If its system lives on, its peers are notified now; else what they send later
   * is answered with a reset as soon as the system is back.
   */
  crash(host: string, isSystemAlive: boolean): void {
    for (const [address, listener] of [...this.#listeners]) if (listener.host === host) this.#listeners.delete(address)
    for (const end of [...this.#ends]) {
      if (end.host !== host) continue
      const { peer } = end
      end.forget()
      if (!isSystemAlive) end.isLost = true
      else if (peer !== undefined) {
        this.#world.after(this.#latency(), () => peer.fail(new Error('connection reset by peer')))
      }
    }
  }

  /** Whether what `from` sends is held back from `to`. */
  isCut(from: string, to: string): boolean {
    return this.#cuts.has(pair(from, to)) || this.#holds.some((isHeld) => isHeld(from, to))
  }

  #connect(host: string, address: string, events: LinkEvents): Link {
    const world = this.#world
    const own = new LinkEnd(world, this, host, address.split(':')[0] ?? '', address)
    own.events = world.received(host, events)
    this.#ends.add(own)
    let retransmitMs = 1_000
    const attempt = (): void => {
      if (own.isClosed) return
      // Neither a stopped process accepts nor a machine that is off.
      const isCut = this.isCut(host, own.peerHost) || this.isCut(own.peerHost, host)
      if (isCut || world.isPaused(own.peerHost) || world.isOff(own.peerHost)) {
        world.after(this.losesFirstPackets ? retransmitMs : 50, attempt)
        retransmitMs *= 2
        return
      }
      if (this.#silences.has(pair(host, own.peerHost))) {
        own.open()
        return
      }
      const isRefused = this.#refusals.has(pair(host, own.peerHost))
      const listener = isRefused ? undefined : this.#listeners.get(address)
      if (listener === undefined) {
        own.fail(Object.assign(new Error(`connection refused ${address}`), { code: 'ECONNREFUSED' }))
        return
      }
      const far = new LinkEnd(
        world,
        this,
        listener.host,
        host,
        `10.0.0.${1 + (host.charCodeAt(host.length - 1) % 200)}:${this.#nextPort++}`,
      )
      this.#ends.add(far)
      own.peer = far
      far.peer = own
      far.events = world.received(listener.host, listener.accept(far))
      own.open()
    }
    world.after(this.#latency(), attempt)
    return own
  }

  /** The time that the next message takes, milliseconds. */
  latency(): number {
    return this.#latency()
  }

  #latency(): number {
    return this.latencyMs + (this.#world.random.below(1000) / 1000) * this.jitterMs
  }

  /** The end is closed: nothing finds it any more. */
  gone(end: LinkEnd): void {
    this.#ends.delete(end)
  }
}

/** The shortest time after which a system sends again what nobody acknowledged (TCP_RTO_MIN of Linux), milliseconds. */
const firstRetransmitMs = 200

type Message = { readonly kind: 'data'; readonly bytes: Uint8Array } | { readonly kind: 'end' }

class LinkEnd implements Link {
  readonly remote: string
  readonly host: string
  readonly peerHost: string
  events: LinkEvents | undefined
  peer: LinkEnd | undefined
  queuedBytes = 0
  isClosed = false
  /** The machine of this end lost it with its power: it answers what comes for it with a reset. */
  isLost = false
  readonly #world: Surroundings
  readonly #network: SimNetwork
  /** Written here, not arrived there yet; in order. */
  readonly #outgoing: Message[] = []
  #isDelivering = false
  #isPaused = false
  #wantsDrain = false
  #isEnding = false
  /** Until the next time the first message is sent to a machine that does not answer. */
  #retransmitMs = firstRetransmitMs

  constructor(world: Surroundings, network: SimNetwork, host: string, peerHost: string, remote: string) {
    this.#world = world
    this.#network = network
    this.host = host
    this.peerHost = peerHost
    this.remote = remote
  }

  isBetween(a: string, b: string): boolean {
    return (this.host === a && this.peerHost === b) || (this.host === b && this.peerHost === a)
  }

  open(): void {
    this.events?.opened?.()
    this.resumeDelivery()
  }

  write(chunk: Uint8Array): boolean {
    if (this.isClosed || this.#isEnding) return true
    // At any place: a receiver must not depend on where chunks end.
    let at = 0
    while (at < chunk.length) {
      const size = this.#world.random.oneIn(4) ? 1 + this.#world.random.below(chunk.length - at) : chunk.length - at
      this.#outgoing.push({ kind: 'data', bytes: chunk.slice(at, at + size) })
      at += size
    }
    this.queuedBytes += chunk.length
    this.resumeDelivery()
    if (this.queuedBytes < this.#network.highWaterBytes) return true
    this.#wantsDrain = true
    return false
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.peer?.resumeDelivery()
  }

  end(): void {
    if (this.isClosed || this.#isEnding) return
    this.#isEnding = true
    this.#outgoing.push({ kind: 'end' })
    this.resumeDelivery()
  }

  destroy(): void {
    if (this.isClosed) return
    const { peer } = this
    this.#close(undefined)
    if (peer !== undefined)
      this.#world.after(this.#network.latency(), () => peer.fail(new Error('connection reset by peer')))
  }

  /** Closes with an error; each end learns it at its own time. */
  fail(reason: Error | undefined): void {
    if (!this.isClosed) this.#close(reason)
  }

  /** Ends without notifying any program, including that of this host. */
  forget(): void {
    this.isClosed = true
    this.events = undefined
    this.#outgoing.length = 0
    this.#network.gone(this)
  }

  /** Sends the next message, unless one is under way or nothing may pass. */
  resumeDelivery(): void {
    if (this.#isDelivering || this.#outgoing.length === 0 || this.peer === undefined) return
    this.#isDelivering = true
    this.#world.after(this.#network.latency(), () => this.#arrive())
  }

  #arrive(): void {
    this.#isDelivering = false
    const { peer } = this
    const message = this.#outgoing[0]
    if (peer === undefined || message === undefined) return
    if (this.#network.isCut(this.host, this.peerHost) || peer.#isPaused) return
    if (peer.isLost) {
      this.#sendToLost()
      return
    }
    // A peer that vanished acknowledges nothing: what was written stays queued here.
    if (peer.isClosed) return
    this.#outgoing.shift()
    if (message.kind === 'data') {
      this.queuedBytes -= message.bytes.length
      peer.events?.data(message.bytes)
    } else {
      peer.fail(undefined)
      this.#close(undefined)
      return
    }
    if (this.#wantsDrain && this.queuedBytes === 0) {
      this.#wantsDrain = false
      this.events?.drained?.()
    }
    this.resumeDelivery()
  }

  /** Nobody answers while the machine is off; the system sends again, at longer and longer intervals. */
  #sendToLost(): void {
    if (this.isClosed) return
    if (!this.#world.isOff(this.peerHost)) {
      this.fail(new Error('connection reset by peer'))
      return
    }
    this.#isDelivering = true
    this.#world.after(this.#retransmitMs, () => this.#arrive())
    this.#retransmitMs *= 2
  }

  #close(reason: Error | undefined): void {
    this.isClosed = true
    this.#network.gone(this)
    const { events } = this
    // Never during a call to the link.
    this.#world.after(0, () => {
      if (this.events === undefined && events === undefined) return
      this.events = undefined
      events?.closed(reason)
    })
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
