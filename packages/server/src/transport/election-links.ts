/**
 * Links between election ports, which carry notifications (QuorumCnxManager.java). Two servers share one link, dialed by the one with
 * the larger sid: the other one dials, says who it is, closes, and is dialed. A slow or dead server never delays another one: each has
 * a link of its own, and at most one message waits for it, since a newer notification replaces an older one.
 */
import {
  beginsQuorumAuth,
  Framer,
  MalformedFrameError,
  type Notification,
  notificationBytesMax,
  parseInitialMessage,
  Reader,
  readNotification,
  Writer,
  writeInitialMessage,
} from '@lightkeeper/protocol'
import { type Link, type LinkEvents, type Listener, RepeatedLines, type Runtime } from '@lightkeeper/runtime'
import { joined } from '../joined.ts'
import { Dials, Route } from './dials.ts'
import { frameOf, otherProtocol } from './election-bytes.ts'
import { listenPatiently } from './listen-patiently.ts'
import { dismiss, LinkLogin, type MemberLogins } from './member-logins.ts'
import type { PeerProof } from './member-network.ts'
import { Pace } from './pace.ts'
import { Strangers } from './strangers.ts'

/** A member sends a few notifications in an election. What comes faster waits, so that nobody keeps this server busy with them. */
const pace = { messages: 100, everyMs: 100 }
/** A member is not two servers before its open link was replaced so often within the time, milliseconds: one may be restarted. */
const replacementsMax = 10
const replacementsMs = 60_000
/** So many dials in a row without an answer are no accident, as the end of a member is. */
const silentEndsMax = 3
/**
 * A looking server repeats its vote, and others answer it. Over a link without an answer for so long there may be nobody any more: a
 * machine that lost its power, or a firewall that forgot the connection, ends it without a word. Milliseconds.
 */
const silenceMs = 10_000

export interface ElectionLinksOptions {
  readonly sid: number
  /** Where others reach this server's election port, `host:port` each: they dial back to it. */
  readonly ownAddresses: readonly string[]
  /** Members may have several addresses: this one tells all of its own, in the form for several. */
  readonly hasSeveral: boolean
  /** Where the election port listens, `host:port` each. */
  readonly listenAddresses: readonly string[]
  /** The election ports of the other members, `host:port` each, by sid. */
  readonly peers: ReadonlyMap<number, readonly string[]>
  /** How long a dial may take, and an accepted link to say who it is, milliseconds. */
  readonly connectTimeoutMs: number
  /** After so many milliseconds without an answer a member is dialed at its other addresses; undefined: as one that has no others. */
  readonly recheckMs: number | undefined
  /** Undefined where no certificate is checked against the number of a server. */
  readonly proof?: PeerProof | undefined
  /** Undefined where members do not log in to each other. */
  readonly logins?: MemberLogins | undefined
}

/** A member that is not this server. */
interface Peer {
  readonly sid: number
  readonly route: Route
  readonly dials: Dials
  /** How long a link may bring no answer, milliseconds. */
  readonly silenceMs: number
  /** A dial that is open, while it is not known whether its link is kept. */
  greeting: Link | undefined
  /** Open, and known to belong to this member. */
  link: Link | undefined
  /** The last message for it, as a frame. A new link begins with it: the old one may have lost it. */
  last: Uint8Array | undefined
  /** `last` was not written to `link` yet. */
  isWaiting: boolean
  /** When the last message was for it, and since when messages of this series have no answer, milliseconds; undefined: there was one. */
  sentAt: number
  unansweredSince: number | undefined
  /** It was said that it cannot be reached. */
  isSaidAway: boolean
  /** How many dials in a row it has closed without having said anything, over them or by a dial of its own. */
  silentEnds: number
  /** When an open link of it was replaced by another one that it had dialed, milliseconds. */
  replacements: readonly number[]
}

/** The member that an accepted link belongs to. */
interface Known {
  readonly peer: Peer
  readonly reading: Pace
}

export class ElectionLinks {
  readonly #options: ElectionLinksOptions
  readonly #runtime: Runtime
  readonly #heard: (from: number, notification: Notification) => void
  readonly #peers: ReadonlyMap<number, Peer>
  readonly #repeated: RepeatedLines
  readonly #links = new Set<Link>()
  readonly #strangers = new Strangers()
  readonly #listeners: Listener[] = []
  #isClosed = false

  /** `heard` gets every readable notification of a member. */
  constructor(
    options: ElectionLinksOptions,
    runtime: Runtime,
    heard: (from: number, notification: Notification) => void,
  ) {
    this.#options = options
    this.#runtime = runtime
    this.#heard = heard
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
    this.#peers = new Map(
      [...options.peers].map(([sid, addresses]) => {
        const route = new Route(addresses)
        const peer: Peer = {
          sid,
          route,
          dials: new Dials(route, runtime, {
            opened: (...opened) => this.#opened(peer, ...opened),
            failed: (address, reason) => this.#dialFailed(peer, address, reason),
          }),
          silenceMs: addresses.length > 1 ? (options.recheckMs ?? silenceMs) : silenceMs,
          greeting: undefined,
          link: undefined,
          last: undefined,
          isWaiting: false,
          sentAt: Number.NEGATIVE_INFINITY,
          unansweredSince: undefined,
          isSaidAway: false,
          silentEnds: 0,
          replacements: [],
        }
        return [sid, peer]
      }),
    )
  }

  /** @throws Error where the election port cannot be had at any address. */
  async listen(): Promise<void> {
    const { listenAddresses, sid } = this.#options
    const { network } = this.#runtime
    const accept = (link: Link): LinkEvents => this.#accepted(link)
    const opened = await Promise.allSettled(listenAddresses.map((address) => network.listen(address, accept)))
    const failed = new Map<string, Error>()
    for (const [i, each] of opened.entries()) {
      if (each.status === 'fulfilled') this.#listeners.push(each.value)
      else failed.set(listenAddresses[i] as string, each.reason as Error)
    }
    if (failed.size === listenAddresses.length) {
      const [cause] = failed.values()
      // A wrong `myid` on this machine ends here: the address is that of another machine, or of another server of this one.
      const problem =
        `the election port of this member, ${listenAddresses.join(' and ')} of its line server.${sid}, cannot be opened: ` +
        `${cause?.message}; end the program that has the port, or correct myid, which is ${sid}, or the line`
      throw new Error(problem, { cause })
    }
    for (const [address, cause] of failed) void this.#listenLater(address, cause)
  }

  /** One address that cannot be had, as where a network card is out of order, keeps no member from the others. */
  async #listenLater(address: string, cause: Error): Promise<void> {
    const say = (error: Error): void => {
      const message = 'the election port of this member cannot be opened at one of its addresses; it is tried again'
      this.#repeated.tell(`listen ${address}`, message, { address, cause: error.message })
    }
    say(cause)
    const listener = await listenPatiently(address, this.#runtime, {
      isWanted: () => !this.#isClosed,
      accept: (link) => this.#accepted(link),
      failed: say,
    })
    if (listener !== undefined) this.#listeners.push(listener)
  }

  /** Sends to a member, as soon as there is a link. A message that was not sent yet is replaced. */
  send(sid: number, notification: Notification): void {
    const peer = this.#peers.get(sid)
    if (peer === undefined || this.#isClosed) return
    peer.last = frameOf(notification)
    peer.isWaiting = true
    const now = this.#runtime.clock.now()
    if (now - peer.sentAt > silenceMs) peer.unansweredSince = undefined
    peer.unansweredSince ??= now
    peer.sentAt = now
    if (peer.link === undefined) this.#dial(peer)
    else if (now - peer.unansweredSince > peer.silenceMs) this.#renew(peer)
    else this.#write(peer)
  }

  #renew(peer: Peer): void {
    peer.unansweredSince = this.#runtime.clock.now()
    const before = peer.link
    peer.link = undefined
    before?.destroy()
    this.#dial(peer)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const peer of this.#peers.values()) peer.dials.giveUp()
    for (const link of [...this.#links]) link.destroy()
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }

  #write(peer: Peer): void {
    const { link, last } = peer
    // What the peer has not taken yet is in the way of nothing but the next message to it.
    if (link === undefined || last === undefined || link.queuedBytes > notificationBytesMax) return
    peer.isWaiting = false
    link.write(last)
  }

  #dial(peer: Peer): void {
    if (peer.greeting !== undefined || this.#isClosed) return
    peer.dials.dial(this.#options.connectTimeoutMs)
  }

  #dialFailed(peer: Peer, address: string, reason: Error | undefined): void {
    if (this.#isClosed) return
    if (reason !== undefined) this.#say(peer, address, reason)
    else this.#endedSilently(peer, address)
  }

  /** A dial is open: this server says who it is. */
  #opened(peer: Peer, link: Link, address: string, first: string): Pick<LinkEvents, 'data' | 'closed'> {
    const { sid, ownAddresses, hasSeveral, connectTimeoutMs } = this.#options
    if (address !== first) {
      const message = 'a member does not answer at an address where it was looked for; it is reached at another one'
      this.#repeated.tell(`${peer.sid} ${first}`, message, { server: peer.sid, address, silentAddress: first })
    }
    const timer = this.#runtime.clock.after(connectTimeoutMs, () => link.destroy())
    const reading = this.#readingOf(peer, link)
    let login: LinkLogin | undefined
    const ready = (): void => {
      login = undefined
      if (peer.sid > sid) {
        // It dials back, to the address in the message, and closes this link; the timer ends it where that does not come.
        link.end()
        return
      }
      timer.cancel()
      peer.greeting = undefined
      this.#use(peer, link)
    }
    peer.greeting = link
    this.#links.add(link)
    const writer = new Writer(64)
    writeInitialMessage(writer, { sid, addresses: ownAddresses }, hasSeveral ? 'v2' : 'v1')
    link.write(writer.written())
    login = this.#loginAt(peer, address, link, (rest) => {
      ready()
      reading.received(rest)
    })
    if (login === undefined) ready()
    else login.begin()
    return {
      data: (chunk) => (login === undefined ? reading.received(chunk) : login.received(chunk)),
      closed: (reason) => {
        timer.cancel()
        reading.stop()
        this.#links.delete(link)
        if (peer.greeting === link) peer.greeting = undefined
        if (peer.link === link) peer.link = undefined
        if (login !== undefined) login.closed()
        else this.#dialFailed(peer, address, reason)
      },
    }
  }

  /** The login at a member that is dialed; undefined where this server does not log in. */
  #loginAt({ sid }: Peer, address: string, link: Link, passed: (rest: Uint8Array) => void): LinkLogin | undefined {
    const machine = this.#options.logins?.dialing()
    return (
      machine &&
      new LinkLogin(machine, link, {
        passed,
        failed: (cause) => {
          link.destroy()
          if (this.#isClosed) return
          const message = 'this server could not log in to the election port of a member; it is tried again'
          this.#repeated.tell(`${sid} ${cause}`, message, { server: sid, address, cause })
        },
      })
    )
  }

  /** Once until it is reached. */
  #say(peer: Peer, address: string, reason: Error): void {
    if (peer.isSaidAway) return
    peer.isSaidAway = true
    const message = 'a member cannot be reached at its election port; it is tried again'
    const { sid } = peer
    this.#repeated.tell(`${sid}`, message, { server: sid, address, cause: reason.message })
  }

  /** A member that refuses this server closes the link; only its own log says why. */
  #endedSilently(peer: Peer, address: string): void {
    peer.silentEnds++
    if (peer.silentEnds < silentEndsMax) return
    const message = 'a member closes each connection to its election port at once; it is tried again'
    const { sid } = peer
    const cause = 'see its log: it may want TLS or a login, or have no line for this server'
    this.#repeated.tell(`${sid}`, message, { server: sid, address, cause })
  }

  /** The newest link counts: a member that was restarted dials while its old link seems open. */
  #use(peer: Peer, link: Link): void {
    if (peer.isSaidAway) {
      peer.isSaidAway = false
      this.#runtime.log('info', 'a member that could not be reached is there', { server: peer.sid })
    }
    const before = peer.link
    peer.link = link
    before?.destroy()
    peer.unansweredSince = this.#runtime.clock.now()
    this.#write(peer)
  }

  #accepted(link: Link): LinkEvents {
    if (this.#isClosed) {
      link.destroy()
      return { data() {}, closed() {} }
    }
    this.#links.add(link)
    this.#strangers.add(link)
    const timer = this.#runtime.clock.after(this.#options.connectTimeoutMs, () => link.destroy())
    let bytes: Uint8Array = new Uint8Array(0)
    let login: LinkLogin | undefined
    let state: Known | 'anonymous' | 'over' = 'anonymous'
    const known = (next: Known | 'over'): void => {
      this.#strangers.remove(link)
      timer.cancel()
      state = next
    }
    const greet = (from: number, rest: Uint8Array): void => {
      const peer = this.#greet(link, from)
      const next = peer && { peer, reading: this.#readingOf(peer, link) }
      known(next ?? 'over')
      const member = this.#peers.get(from)
      if (member !== undefined) this.#spoke(member)
      if (next === undefined) return
      this.#use(next.peer, link)
      next.reading.received(rest)
    }
    return {
      data: (chunk) => {
        if (state === 'over') return
        if (state !== 'anonymous') {
          state.reading.received(chunk)
          return
        }
        if (login !== undefined) {
          login.received(chunk)
          return
        }
        bytes = joined(bytes, chunk)
        const said = this.#parse(link, bytes)
        if (said === undefined) return
        if (said === 'unreadable') {
          known('over')
          link.destroy()
          return
        }
        const rest = bytes.subarray(said.end)
        const { logins } = this.#options
        if (logins === undefined) {
          greet(said.sid, rest)
          return
        }
        login = new LinkLogin(logins.accepting(), link, {
          passed: (behind) => greet(said.sid, behind),
          failed: (why) => {
            // It is counted until it is closed.
            state = 'over'
            logins.refused(link.remote, why, said.sid)
            dismiss(link, this.#runtime.clock)
          },
        })
        login.received(rest)
      },
      closed: () => {
        // One with a smaller number that does not log in says who it is and closes: it waits to be dialed.
        if (state === 'anonymous') login?.closed()
        this.#links.delete(link)
        const before = state
        known('over')
        if (typeof before !== 'object') return
        before.reading.stop()
        if (before.peer.link === link) before.peer.link = undefined
      },
    }
  }

  #parse(link: Link, bytes: Uint8Array): { readonly sid: number; readonly end: number } | 'unreadable' | undefined {
    try {
      const parsed = parseInitialMessage(bytes)
      return parsed && { sid: parsed.message.sid, end: parsed.end }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      const facts = { remote: link.remote, cause: otherProtocol(bytes) ?? error.message }
      const message = 'closing a connection to the election port: it is not from a member'
      // Each try has another port.
      this.#repeated.tell(link.remote.replace(/:\d+$/, ''), message, facts)
      return 'unreadable'
    }
  }

  /** The member, if it may keep this link; otherwise the link is closed. */
  #greet(link: Link, from: number): Peer | undefined {
    const { sid } = this.#options
    const peer = this.#peers.get(from)
    const facts = { server: from, remote: link.remote }
    if (from === sid) {
      this.#repeated.tell('same', 'another server has the same myid as this one; give each server its own', facts)
    } else if (peer === undefined) {
      const message = 'refused a server that has no server.N line here; the lines must be the same on all servers'
      this.#repeated.tell(`${from}`, message, facts)
    } else {
      const cause = this.#options.proof?.(link, from)
      if (cause !== undefined) {
        this.#repeated.tell(`${from} certificate`, 'refused a server, whose certificate is that of another', {
          ...facts,
          cause,
        })
        link.destroy()
        return undefined
      }
      if (peer.link !== undefined) this.#replaced(peer, peer.link, link)
      if (from > sid) return peer
    }
    // A member that has logged in must hear that it did.
    if (this.#options.logins === undefined) link.destroy()
    else dismiss(link, this.#runtime.clock)
    if (peer !== undefined) {
      // It cannot keep its dial, and perhaps it was restarted: this server dials it anew.
      this.#renew(peer)
    }
    return undefined
  }

  /** Two servers with one myid dial in turn, since only the link of one is kept. */
  #replaced(peer: Peer, before: Link, link: Link): void {
    const now = this.#runtime.clock.now()
    peer.replacements = [...peer.replacements.filter((at) => at > now - replacementsMs), now]
    if (peer.replacements.length < replacementsMax) return
    const message = 'two servers seem to have the same myid: each of them connects in place of the other'
    this.#repeated.tell(`${peer.sid}`, message, { server: peer.sid, one: before.remote, another: link.remote })
  }

  /** Takes what comes over a link of this member. */
  #readingOf(peer: Peer, link: Link): Pace {
    const frames = new Framer(notificationBytesMax)
    const reading: Pace = new Pace(link, this.#runtime.clock, pace, (chunk) => {
      this.#received(peer, link, frames, reading, chunk)
    })
    return reading
  }

  #spoke(peer: Peer): void {
    peer.silentEnds = 0
    peer.route.heard()
  }

  /** Without a chunk it takes what is left of the last one. */
  #received(peer: Peer, link: Link, frames: Framer, reading: Pace, chunk: Uint8Array | undefined): void {
    this.#spoke(peer)
    try {
      if (chunk !== undefined) frames.push(chunk)
      while (reading.goesOn()) {
        const frame = frames.next()
        if (frame === undefined) return
        this.#read(peer, frame)
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      if (chunk !== undefined && this.#options.logins === undefined && beginsQuorumAuth(chunk) === true) {
        const message = 'closing a connection to the election port: the other server logs in, and logins are off here'
        this.#repeated.tell(`${peer.sid}`, message, { server: peer.sid, toSet: 'quorum.auth.enableSasl' })
      }
      link.destroy()
    }
  }

  /** An unreadable notification is dropped; the frames around it are still good (ZOOKEEPER-2186, 3769). */
  #read(peer: Peer, frame: Reader): void {
    peer.unansweredSince = undefined
    let notification: Notification
    try {
      notification = readNotification(frame)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      const facts = { server: peer.sid, cause: error.message }
      this.#repeated.tell(`${peer.sid}`, 'dropped a notification that cannot be read', facts)
      return
    }
    this.#heard(peer.sid, notification)
  }
}
