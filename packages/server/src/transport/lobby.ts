/**
 * Connections while nobody serves clients, because a member looks for a leader. It answers four-letter words, as Apache does. A handshake
 * waits for the end of the election, if that began a short time ago: clients that come while all servers look, as all of them do after the
 * death of a leader, need not try again and again. Apache closes such a connection, and so does this server where the election takes long:
 * other members may have a leader.
 */
import type { Clock, Link, LinkEvents } from '@lightkeeper/runtime'
import type { FourLetterWords } from '../admin/four-letter.ts'
import { joined } from '../joined.ts'
import { Opening } from './opening.ts'
import { Strangers } from './strangers.ts'

const patienceMs = 2_000
/** How long after its begin an election is worth to wait for, milliseconds. */
const electionMs = 1_000
/** Where more connections have said nothing, the oldest ones are closed; where more would wait, these are. */
const silentMax = 1_000
const guestsMax = 10_000
/** What a client may send before it is answered: a handshake, and perhaps its identities. */
const bytesMax = 4_096

/** A client that waits. */
export interface Guest {
  readonly link: Link
  /** Passes on what came, and everything from now on. */
  enter(events: LinkEvents): void
}

export class Lobby {
  readonly #words: FourLetterWords
  readonly #clock: Clock
  readonly #guests = new Set<Guest>()
  readonly #silent = new Strangers(silentMax)
  /** Connections that are here, whatever they have said. */
  readonly #links = new Set<Link>()
  /** Whether somebody serves clients by now, who lets in those that wait. */
  readonly #isServed: () => boolean
  /** Until when a handshake waits; monotonic milliseconds. */
  #until: number

  /** `isServed` is asked when a client begins to wait: where it is true, `take` follows soon. */
  constructor(words: FourLetterWords, clock: Clock, isServed: () => boolean) {
    this.#words = words
    this.#clock = clock
    this.#isServed = isServed
    this.#until = clock.now() + electionMs
  }

  get count(): number {
    return this.#links.size
  }

  /** An election begins. */
  begin(): void {
    this.#until = this.#clock.now() + electionMs
  }

  /** Removes and returns those that wait, in the order in which they came. */
  take(): Guest[] {
    const guests = [...this.#guests]
    this.#guests.clear()
    return guests
  }

  /** Closes all connections that are here. */
  close(): void {
    for (const link of [...this.#links]) link.destroy()
  }

  /** `left` is called when it is gone, unless it has entered. */
  accept(link: Link, left: () => void): LinkEvents {
    this.#silent.add(link)
    this.#links.add(link)
    let timer = this.#clock.after(patienceMs, () => link.destroy())
    const opening = new Opening(this.#words)
    let state: 'silent' | 'waiting' | 'over' = 'silent'
    let bytes: Uint8Array = new Uint8Array(0)
    let host: LinkEvents | undefined
    const guest: Guest = {
      link,
      enter: (events) => {
        timer.cancel()
        this.#links.delete(link)
        state = 'over'
        host = events
        host.data(bytes)
      },
    }
    const wait = (first: Uint8Array): void => {
      // A connection of the election may bring its handshake when that is over.
      const leftMs = this.#isServed() ? patienceMs : this.#until - this.#clock.now()
      if (leftMs <= 0 || this.#guests.size >= guestsMax || first.length > bytesMax) {
        link.destroy()
        return
      }
      state = 'waiting'
      bytes = first
      this.#guests.add(guest)
      timer.cancel()
      timer = this.#clock.after(leftMs, () => link.destroy())
    }
    return {
      data: (chunk) => {
        if (host !== undefined) host.data(chunk)
        else if (state === 'waiting') {
          // It is read on, so that a client that gives up is not let in later: that would take its session from another server.
          bytes = joined(bytes, chunk)
          if (bytes.length > bytesMax) link.destroy()
        } else if (state === 'silent') {
          const opened = opening.add(chunk)
          if (opened === undefined) return
          this.#silent.remove(link)
          state = 'over'
          if (opened.isWord) void this.#answer(link, opened.bytes)
          else wait(opened.bytes)
        }
      },
      drained: () => host?.drained?.(),
      ended: () => host?.ended?.() === true,
      closed: (reason) => {
        this.#silent.remove(link)
        state = 'over'
        timer.cancel()
        this.#guests.delete(guest)
        if (host !== undefined) {
          host.closed(reason)
          return
        }
        this.#links.delete(link)
        left()
      },
    }
  }

  async #answer(link: Link, word: Uint8Array): Promise<void> {
    try {
      link.write(new TextEncoder().encode(await this.#words.answer(word)))
      link.end()
    } catch {
      link.destroy()
    }
  }
}
