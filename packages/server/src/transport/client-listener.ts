/** Accepts clients, within limits, and flushes their connections once a turn. */
import type { Id } from '@lightkeeper/protocol'
import {
  Deque,
  ExpiryQueue,
  formatAddress,
  type Link,
  type LinkEvents,
  type Listener,
  type Log,
  parseAddress,
  RepeatedLines,
  type Runtime,
  type Timer,
} from '@lightkeeper/runtime'
import { FourLetterWords, type WordSources } from '../admin/four-letter.ts'
import type { ServerView } from '../admin/view.ts'
import { ipIdOf } from '../auth/ip.ts'
import type { ServerConfig } from '../config/config.ts'
import type { Replica } from '../replica.ts'
import type { ServerStats } from '../stats.ts'
import { type PeerCertificate, parseCertificate } from '../tls/certificate.ts'
import type { Credentials } from '../tls/credentials.ts'
import { DerError } from '../tls/der.ts'
import type { Turn } from '../turn.ts'
import { ClientConnection } from './client-connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Departures } from './departures.ts'
import { EventFrames } from './event-frames.ts'
import { Farewells } from './farewells.ts'
import { Handshakes } from './handshakes.ts'
import { HeldBytes } from './held-bytes.ts'
import { Lobby } from './lobby.ts'
import { type Share, Slices } from './slices.ts'

/** How long a client that was told good-bye may take to close its side, also while the server stops, milliseconds. */
const farewellMs = 5_000
const lastFarewellMs = 1_000
const sessionlessTickMs = 1_000

/** What a listener needs where the settings ask for TLS. */
export interface Secured {
  readonly credentials: Credentials
  /** Whether an address failed so often that its handshakes are refused for a while. */
  isBarred(remoteHost: string): boolean
  /** The identities that a verified certificate proves; undefined, which is logged, refuses the connection. */
  identitiesOf(certificate: PeerCertificate, remoteHost: string): readonly Id[] | undefined
}

interface Certified {
  readonly certificate: PeerCertificate
  readonly identities: readonly Id[]
}

export class ClientListener implements ConnectionHost<ClientConnection>, ServerView {
  readonly config: ServerConfig
  readonly limits: ServerConfig
  readonly stats: ServerStats
  readonly log: Log
  readonly repeated: RepeatedLines
  readonly connections = new Set<ClientConnection>()
  readonly secureConnections = new Set<ClientConnection>()
  readonly slices: Slices
  readonly wordShare: Share = { turn: -1, usedMs: 0, usedRequests: 0, endedAt: 0 }
  readonly held: HeldBytes
  readonly events = new EventFrames()
  readonly words: FourLetterWords
  readonly startedAt: number
  readonly trace = { mask: 306n }
  readonly #runtime: Runtime
  #replica: Replica | undefined
  readonly #byHost = new Map<string, number>()
  /** Connections to be closed unless something happens: no handshake yet, or told good-bye. */
  readonly #impatience: ExpiryQueue<ClientConnection>
  #dirty: ClientConnection[] = []
  /** Connections that had their slice of this turn, in the order in which they are served on. */
  readonly #awaiting = new Deque<ClientConnection>()
  readonly #departures: Departures
  readonly #farewells: Farewells
  readonly #turn: Turn
  /** The server stops: no request is read any more, those that were read are answered. */
  isDraining = false
  /** Called once, when no connection is left. */
  #drained: (() => void) | undefined
  /** For connections while nobody serves clients. */
  readonly #lobby: Lobby
  readonly #secured: Secured | undefined
  readonly #handshakes: Handshakes | undefined
  /** The port without TLS, or with and without it. */
  #listener: Listener | undefined
  /** The port for TLS alone. */
  #secureListener: Listener | undefined
  #timer: Timer | undefined
  #turnStartedAt = 0
  #turns = 0
  #answeredBefore = 0

  constructor(
    config: ServerConfig,
    runtime: Runtime,
    stats: ServerStats,
    sources: WordSources,
    turn: Turn,
    secured?: Secured,
  ) {
    this.config = config
    this.limits = config
    this.stats = stats
    this.log = runtime.log
    this.#runtime = runtime
    this.startedAt = runtime.clock.now()
    this.words = new FourLetterWords(this, sources, runtime)
    this.#lobby = new Lobby(this.words, runtime.clock, () => this.#letInLater())
    this.repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
    this.#turn = turn
    turn.atEnd(() => this.#endTurn())
    this.slices = new Slices(turn)
    this.#departures = new Departures(turn, this.events)
    this.#farewells = new Farewells(turn)
    this.held = new HeldBytes(runtime.clock, config)
    this.#impatience = new ExpiryQueue(sessionlessTickMs, runtime.clock.now())
    this.#secured = secured
    if (config.tls !== undefined && secured !== undefined) {
      const { clock, log } = runtime
      this.#handshakes = new Handshakes(config.tls, clock, log, stats, () => secured.credentials.context)
    }
  }

  /** Starts accepting at every address of the settings. Rejects when one of them cannot be had. */
  async listen(): Promise<void> {
    const { clientPort, clientPortAddress, secureClientPort, secureClientPortAddress } = this.config
    const handshakes = this.#handshakes
    // A port that is asked to be secure is never opened in another way.
    const needsTls = secureClientPort >= 0 || this.config.clientPortUnification
    if (needsTls && handshakes === undefined) throw new Error('TLS is asked for, and there are no certificates')
    if (clientPort >= 0) {
      this.#listener = await this.#open(
        formatAddress(clientPortAddress, clientPort),
        this.config.clientPortUnification
          ? (link) => this.#greet(link, handshakes as Handshakes, false)
          : (link) => this.#accept(link),
      )
    }
    if (secureClientPort >= 0) {
      this.#secureListener = await this.#open(formatAddress(secureClientPortAddress, secureClientPort), (link) =>
        this.#greet(link, handshakes as Handshakes, true),
      )
    }
    this.#armImpatience()
  }

  #open(address: string, accept: (link: Link) => LinkEvents): Promise<Listener> {
    const { clientPortListenBacklog } = this.config
    const options = clientPortListenBacklog > 0 ? { backlog: clientPortListenBacklog } : {}
    return this.#runtime.network.listen(address, accept, options)
  }

  /** Who serves clients; undefined while nobody does, and clients are refused. */
  get replica(): Replica | undefined {
    return this.#replica
  }

  /** Another term begins, or none: connections end with the one they were served in. */
  serve(replica: Replica | undefined): void {
    this.#replica = replica
    for (const connection of [...this.connections]) connection.cut()
    if (replica === undefined) this.#lobby.begin()
    else this.#letInLater()
  }

  /** Returns false where nobody serves clients. */
  #letInLater(): boolean {
    if (!this.#isServing) return false
    // What was committed before is applied by then.
    this.#runtime.clock.turnEnd(() => this.#letIn())
    return true
  }

  /** Those that came while nobody served clients. */
  #letIn(): void {
    if (!this.#isServing) return
    for (const { link, enter } of this.#lobby.take()) enter(this.#admit(link, hostOf(link)))
  }

  /**
   * Stops accepting and reading. Resolves when every request that was read is answered and every client has closed its side, which a
   * client that does not read never does: bound the wait, then call `close`.
   */
  drain(): Promise<void> {
    this.isDraining = true
    void this.#listener?.close()
    void this.#secureListener?.close()
    this.#handshakes?.stop()
    for (const { link } of this.#lobby.take()) link.destroy()
    return new Promise((resolve) => {
      this.#drained = resolve
      for (const connection of [...this.connections]) this.#hangUpAnswered(connection)
      if (this.connections.size === 0) resolve()
    })
  }

  #hangUpAnswered(connection: ClientConnection): void {
    if (connection.replies.length === 0) connection.hangUp()
  }

  /** Stops accepting and closes every connection; sessions are left as they are. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.held.stop()
    this.#secured?.credentials.stop()
    const closed = Promise.all([this.#listener, this.#secureListener].map(async (listener) => listener?.close()))
    this.#handshakes?.stop()
    this.#lobby.close()
    for (const connection of [...this.connections]) connection.cut()
    await closed
  }

  /** The port that was bound; the one of the settings before. -1 where there is none without TLS. */
  get port(): number {
    return this.#listener === undefined ? this.config.clientPort : parseAddress(this.#listener.address).port
  }

  /** The same of the port for TLS alone. */
  get securePort(): number {
    if (this.#secureListener === undefined) return this.config.secureClientPort
    return parseAddress(this.#secureListener.address).port
  }

  /** Connections without a session by the time at which they are closed, monotonic milliseconds, earliest first. */
  impatience(): [expiresAt: number, connections: ReadonlySet<ClientConnection>][] {
    return this.#impatience.buckets()
  }

  #accept(link: Link): LinkEvents {
    const isLooking = this.#replica === undefined && this.config.members !== undefined && !this.isDraining
    if (!isLooking && !this.#isServing) return refused(link)
    const host = this.#countIn(link, this.connections.size + this.#lobby.count)
    if (host === undefined) return refused(link)
    return isLooking ? this.#lobby.accept(link, () => this.#countOut(host)) : this.#admit(link, host)
  }

  /** A connection that may speak TLS, and must on a port for TLS alone. It counts from its first byte on, like every other. */
  #greet(link: Link, handshakes: Handshakes, isTlsPort: boolean): LinkEvents {
    if (!this.#isServing || this.#secured?.isBarred(hostOf(link))) return refused(link)
    const host = this.#countIn(link, this.connections.size + handshakes.count)
    if (host === undefined) return refused(link)
    return handshakes.accept(link, !isTlsPort, {
      admit: (opened) => {
        const { peerCertificate: der } = opened
        const certified = der === undefined ? undefined : this.#certified(der, opened.remote, host)
        if (this.#isServing && (der === undefined || certified !== undefined)) {
          const connection = this.#admit(opened, host, certified)
          if (isTlsPort) this.secureConnections.add(connection)
          return connection
        }
        this.#countOut(host)
        return refused(opened)
      },
      ended: () => this.#countOut(host),
    })
  }

  get #isServing(): boolean {
    return this.#replica !== undefined && !this.isDraining
  }

  /** The host of a connection that there is room for; undefined where there is none. `total` connections are there already. */
  #countIn(link: Link, total: number): string | undefined {
    const host = hostOf(link)
    const { maxClientCnxns, maxCnxns } = this.config
    const fromHost = this.#byHost.get(host) ?? 0
    if ((maxClientCnxns > 0 && fromHost >= maxClientCnxns) || (maxCnxns > 0 && total >= maxCnxns)) {
      this.stats.rejectedConnections++
      this.repeated.tell(host, 'too many connections, refusing another; see maxClientCnxns and maxCnxns', {
        client: link.remote,
        fromHost,
        maxClientCnxns,
        maxCnxns,
        total,
      })
      return undefined
    }
    this.#byHost.set(host, fromHost + 1)
    return host
  }

  #countOut(host: string): void {
    const left = (this.#byHost.get(host) ?? 1) - 1
    if (left === 0) this.#byHost.delete(host)
    else this.#byHost.set(host, left)
  }

  /** What a verified certificate proves; undefined where it is no identity here. */
  #certified(der: Uint8Array, remote: string, host: string): Certified | undefined {
    try {
      const certificate = parseCertificate(der)
      const identities = this.#secured?.identitiesOf(certificate, host)
      return identities === undefined ? undefined : { certificate, identities }
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      this.log('warn', 'closing a connection: its certificate cannot be read', { client: remote, cause: error.message })
      return undefined
    }
  }

  #admit(link: Link, host: string, certified?: Certified): ClientConnection {
    const ip: Id = { scheme: 'ip', id: ipIdOf(host) }
    const { desk } = this.#replica as Replica
    const identities = certified === undefined ? [ip] : [ip, ...certified.identities]
    const connection = new ClientConnection(link, host, identities, this.#runtime.clock.wall(), this, desk)
    if (certified !== undefined) connection.certificate = certified.certificate
    this.connections.add(connection)
    this.#impatience.touch(connection, this.#runtime.clock.now(), this.config.sessionlessCnxnTimeout)
    return connection
  }

  /** The connection said who it is; from here on its session's timeout rules. */
  handshakeStarted(connection: ClientConnection): void {
    this.#impatience.remove(connection)
  }

  endLater(connection: ClientConnection): void {
    this.#farewells.add(connection)
    this.#turn.askForEnd()
  }

  hungUp(connection: ClientConnection): void {
    if (!connection.isOpen) return
    this.#impatience.touch(connection, this.#runtime.clock.now(), this.isDraining ? lastFarewellMs : farewellMs)
  }

  closed(connection: ClientConnection, reason: Error | undefined): void {
    this.connections.delete(connection)
    this.secureConnections.delete(connection)
    this.stats.droppedConnections++
    this.#impatience.remove(connection)
    this.held.forget(connection)
    this.#countOut(connection.remoteHost)
    this.log('debug', 'connection closed', {
      client: connection.remote,
      session: connection.session?.id,
      reason: reason?.message,
    })
    if (this.connections.size === 0) this.#drained?.()
  }

  get owesEvents(): boolean {
    return this.#departures.isLoaded
  }

  /** Watch events of what was applied before wait to be sent. */
  get isBehind(): boolean {
    return this.#departures.isBehind
  }

  /** The connection has something to send: all of them do, once, at the end of the turn. */
  flushLater(connection: ClientConnection): void {
    if (this.#dirty.length === 0) {
      this.#turnStartedAt = this.#runtime.clock.now()
      this.#answeredBefore = this.stats.sent
      this.#turn.askForEnd()
    }
    this.#dirty.push(connection)
  }

  /** The connection had its slice: it is served on when the others had theirs. */
  serveLater(connection: ClientConnection): void {
    this.#awaiting.push(connection)
    this.#turn.askForEnd()
  }

  #endTurn(): void {
    this.slices.beginTurn()
    if (this.#dirty.length > 0) this.#flushAll()
    if (this.#departures.send()) this.#turn.askForEnd()
    if (this.#farewells.say()) this.#turn.askForEnd()
    for (let left = this.#awaiting.length; left > 0 && !this.slices.isTurnOver; left--)
      this.#awaiting.shift()?.takeTurn()
    if (this.#awaiting.length > 0) this.#turn.askForEnd()
  }

  #flushAll(): void {
    const dirty = this.#dirty
    this.#dirty = []
    // What may be under way at once is shared: another one comes first each time, or the last would wait for ever.
    const first = this.#turns++ % dirty.length
    for (let i = 0; i < dirty.length; i++) (dirty[(first + i) % dirty.length] as ClientConnection).resume()
    for (const connection of dirty) {
      if (connection.hasReply) connection.flush()
      else if (connection.letWait()) this.#departures.add(connection)
    }
    const { stats } = this
    const lastZxid = this.#replica?.lastZxid ?? -1n
    const now = this.#runtime.clock.now()
    const tookMs = now - this.#turnStartedAt
    for (const connection of dirty) if (connection.session !== undefined) connection.stats.left(now, tookMs, lastZxid)
    stats.answered(stats.sent - this.#answeredBefore, tookMs)
    if (this.isDraining) for (const connection of dirty) this.#hangUpAnswered(connection)
  }

  #armImpatience(): void {
    const { clock } = this.#runtime
    this.#timer = clock.after(Math.max(0, this.#impatience.nextExpiryAt - clock.now()), () => {
      for (const connection of this.#impatience.expire(clock.now())) {
        if (connection.session === undefined) this.stats.expiredSessionless++
        connection.cut()
      }
      this.#armImpatience()
    })
  }
}

function hostOf({ remote }: Link): string {
  return parseAddress(remote, 0).host
}

function refused(link: Link): LinkEvents {
  link.destroy()
  return { data() {}, closed() {} }
}
