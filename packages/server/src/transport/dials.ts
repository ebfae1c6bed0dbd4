/**
 * Dials of one server at its addresses. Each of them succeeds or fails by itself, so that an address where nobody answers delays none of
 * the others (ZOOKEEPER-3756). The first one that opens is kept.
 */
import type { Clock, Link, LinkEvents, Network, Timer } from '@lightkeeper/runtime'

/** How long the address that answered last is dialed alone, milliseconds: as a rule the others need not be tried. */
const headStartMs = 50

export interface DialHooks {
  /** The first dial has opened, and the others were given up. Returns where its events go. */
  opened(link: Link, address: string): Pick<LinkEvents, 'data' | 'closed'>
  /** One dial has failed; others may be under way. Undefined where the other end closed it in order. */
  failed(address: string, reason: Error | undefined): void
}

export class Dials {
  readonly #addresses: readonly string[]
  readonly #network: Network
  readonly #clock: Clock
  readonly #hooks: DialHooks
  /** By address: those that are under way. */
  readonly #dials = new Map<string, { readonly link: Link; readonly timer: Timer }>()
  #first: string
  #headStart: Timer | undefined

  /** `first`: the address to dial first. */
  constructor(
    addresses: readonly string[],
    { network, clock }: { readonly network: Network; readonly clock: Clock },
    hooks: DialHooks,
    first = addresses[0] as string,
  ) {
    this.#addresses = addresses
    this.#network = network
    this.#clock = clock
    this.#hooks = hooks
    this.#first = first
  }

  /** The address that answered last, or is to be dialed first. It changes behind `opened`. */
  get first(): string {
    return this.#first
  }

  /** Dials each address that is not being dialed. A dial that takes longer than `timeoutMs` has failed. */
  dial(timeoutMs: number): void {
    if (this.#dials.has(this.#first)) {
      if (this.#headStart === undefined) this.#dialOthers(timeoutMs)
      return
    }
    this.dialAt(this.#first, timeoutMs)
    if (this.#addresses.length === 1 || this.#headStart !== undefined) return
    this.#headStart = this.#clock.after(headStartMs, () => this.#dialOthers(timeoutMs - headStartMs))
  }

  /** Dials one address, unless that is under way. */
  dialAt(address: string, timeoutMs: number): void {
    if (this.#dials.has(address)) return
    let events: Pick<LinkEvents, 'data' | 'closed'> | undefined
    let isLate = false
    const timer = this.#clock.after(Math.max(1, timeoutMs), () => {
      isLate = true
      link.destroy()
    })
    const link: Link = this.#network.connect(address, {
      opened: () => {
        if (this.#dials.get(address)?.link !== link) return
        timer.cancel()
        this.#dials.delete(address)
        this.giveUp()
        events = this.#hooks.opened(link, address)
        this.#first = address
      },
      data: (chunk) => events?.data(chunk),
      closed: (reason) => {
        timer.cancel()
        if (events !== undefined) {
          events.closed(reason)
          return
        }
        if (this.#dials.get(address)?.link !== link) return
        this.#dials.delete(address)
        if (address === this.#first && this.#headStart !== undefined) this.#dialOthers(timeoutMs)
        this.#hooks.failed(address, isLate ? new Error(`no answer for ${timeoutMs} ms`) : reason)
      },
    })
    this.#dials.set(address, { link, timer })
  }

  /** Ends the dials that are under way, without a word. */
  giveUp(): void {
    this.#headStart?.cancel()
    this.#headStart = undefined
    const all = [...this.#dials.values()]
    this.#dials.clear()
    for (const { link, timer } of all) {
      timer.cancel()
      link.destroy()
    }
  }

  #dialOthers(timeoutMs: number): void {
    this.#headStart?.cancel()
    this.#headStart = undefined
    for (const address of this.#addresses) if (address !== this.#first) this.dialAt(address, timeoutMs)
  }
}
