/**
 * Dials of one server at its addresses. Each of them succeeds or fails by itself, so that an address where nobody answers delays none of
 * the others (ZOOKEEPER-3756). The first one that opens is kept.
 */
import type { Clock, Link, LinkEvents, Network, Timer } from '@lightkeeper/runtime'

/** How long the address that answered last is dialed alone, milliseconds: as a rule the others need not be tried. */
const headStartMs = 50

/**
 * Where a server is dialed first: at the address that opened last, as long as the server spoke there. Something else may accept
 * connections in its place, and it must not hide the other addresses.
 */
export class Route {
  readonly addresses: readonly string[]
  #first: string
  #isUnheard = false

  constructor(addresses: readonly string[]) {
    this.addresses = addresses
    this.#first = addresses[0] as string
  }

  get first(): string {
    return this.#first
  }

  /** The server has spoken. */
  heard(): void {
    this.#isUnheard = false
  }

  /** A connection to this address is open. */
  opened(address: string): void {
    this.#first = address
    this.#isUnheard = true
  }

  /** Another series of dials begins. */
  begin(): void {
    if (!this.#isUnheard) return
    this.#isUnheard = false
    const next = (this.addresses.indexOf(this.#first) + 1) % this.addresses.length
    this.#first = this.addresses[next] as string
  }
}

export interface DialHooks {
  /** A dial has opened, and the others were given up. `first` was dialed before the others. Returns where its events go. */
  opened(link: Link, address: string, first: string): Pick<LinkEvents, 'data' | 'closed'>
  /** One dial has failed; others may be under way. Undefined where the other end closed it in order. */
  failed(address: string, reason: Error | undefined): void
}

export class Dials {
  readonly #route: Route
  readonly #network: Network
  readonly #clock: Clock
  readonly #hooks: DialHooks
  /** By address: those that are under way. */
  readonly #dials = new Map<string, { readonly link: Link; readonly timer: Timer }>()
  #headStart: Timer | undefined

  constructor(
    route: Route,
    { network, clock }: { readonly network: Network; readonly clock: Clock },
    hooks: DialHooks,
  ) {
    this.#route = route
    this.#network = network
    this.#clock = clock
    this.#hooks = hooks
  }

  /** Dials each address that is not being dialed. A dial that takes longer than `timeoutMs` has failed. */
  dial(timeoutMs: number): void {
    if (this.#dials.size === 0) this.#route.begin()
    const { first, addresses } = this.#route
    if (this.#dials.has(first)) {
      if (this.#headStart === undefined) this.#dialOthers(timeoutMs)
      return
    }
    this.dialAt(first, timeoutMs)
    if (addresses.length === 1 || this.#headStart !== undefined) return
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
        const { first } = this.#route
        this.#route.opened(address)
        events = this.#hooks.opened(link, address, first)
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
        if (address === this.#route.first && this.#headStart !== undefined) this.#dialOthers(timeoutMs)
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
    const { addresses, first } = this.#route
    for (const address of addresses) if (address !== first) this.dialAt(address, timeoutMs)
  }
}
