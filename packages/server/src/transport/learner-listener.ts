/** The quorum port of a leader: it accepts learners while this server leads. A server that does not lead refuses them. */
import type { QuorumPacket } from '@lightkeeper/protocol'
import { type Link, type LinkEvents, type Listener, RepeatedLines, type Runtime } from '@lightkeeper/runtime'
import { LearnerLink, type LearnerLinkLimits } from './learner-link.ts'
import { listenPatiently } from './listen-patiently.ts'
import { Outboxes } from './outbox.ts'
import { Strangers } from './strangers.ts'

export interface LearnerListenerHooks {
  accepted(id: number, link: LearnerLink): void
  packet(id: number, packet: QuorumPacket, now: number): void
  closed(id: number, link: LearnerLink, why: Error | undefined): void
}

export class LearnerListener {
  readonly #addresses: readonly string[]
  readonly #runtime: Runtime
  readonly #limits: LearnerLinkLimits
  readonly #nextId: () => number
  readonly #hooks: LearnerListenerHooks
  readonly #repeated: RepeatedLines
  readonly #strangers = new Strangers()
  readonly #outboxes: Outboxes
  /** Ends when the port is as it was asked last. */
  #changing: Promise<void> = Promise.resolve()
  #isOpen = false
  readonly #listeners = new Map<string, Listener>()
  /**
   * Those that were closed and may not have reported their end: a host may wait for the last connection, and the port must open again for
   * the next term before that.
   */
  readonly #closing = new Set<Promise<void>>()

  /** `nextId` gives each link a number. */
  constructor(
    addresses: readonly string[],
    runtime: Runtime,
    limits: LearnerLinkLimits,
    nextId: () => number,
    hooks: LearnerListenerHooks,
  ) {
    this.#addresses = addresses
    this.#runtime = runtime
    this.#limits = limits
    this.#nextId = nextId
    this.#hooks = hooks
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
    this.#outboxes = new Outboxes(runtime.clock)
  }

  /** Opens the port at each address; where another process has it, tries again until it is closed. */
  open(): void {
    this.#isOpen = true
    this.#change()
  }

  /** Resolves when the port is free again. Links stay. */
  async close(): Promise<void> {
    this.#isOpen = false
    this.#change()
    await this.#changing
    await Promise.all(this.#closing)
  }

  #change(): void {
    this.#changing = this.#changing.then(() => (this.#isOpen ? this.#listen() : this.#unlisten()))
  }

  async #listen(): Promise<void> {
    await Promise.all(this.#addresses.map((address) => this.#listenAt(address)))
  }

  /** An address that cannot be had, as where a network card is out of order, keeps nobody from the others. */
  async #listenAt(address: string): Promise<void> {
    if (this.#listeners.has(address)) return
    const listener = await listenPatiently(address, this.#runtime, {
      isWanted: () => this.#isOpen,
      accept: (link) => this.#accepted(link),
      failed: ({ message: cause }) => {
        const message =
          this.#addresses.length === 1
            ? 'the quorum port of this leader cannot be opened, so no member can follow it; it is tried again'
            : 'the quorum port of this leader cannot be opened at one of its addresses; it is tried again'
        this.#repeated.tell(`listen ${address}`, message, { address, cause })
      },
    })
    if (listener !== undefined) this.#listeners.set(address, listener)
  }

  #unlisten(): void {
    for (const listener of this.#listeners.values()) {
      const closing = listener.close().finally(() => void this.#closing.delete(closing))
      this.#closing.add(closing)
    }
    this.#listeners.clear()
  }

  #accepted(link: Link): LinkEvents {
    if (!this.#isOpen) {
      link.destroy()
      return { data() {}, closed() {} }
    }
    const id = this.#nextId()
    const learner: LearnerLink = new LearnerLink(link, this.#runtime.clock, this.#limits, this.#outboxes, {
      known: () => this.#strangers.remove(link),
      packet: (packet, now) => this.#hooks.packet(id, packet, now),
      closed: (why) => this.#hooks.closed(id, learner, why),
    })
    this.#strangers.add(link)
    this.#hooks.accepted(id, learner)
    return {
      ...learner.events,
      closed: (reason) => {
        this.#strangers.remove(link)
        learner.events.closed(reason)
      },
    }
  }
}
