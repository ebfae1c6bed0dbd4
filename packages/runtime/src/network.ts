/** Seam: byte streams between peers. Every outcome, failure included, arrives through `LinkEvents`. */

import type { TlsOptions } from './tls-options.ts'
import type { TlsContext, TlsServerOptions } from './tls-server.ts'

export interface Network {
  /**
   * Opens a stream to `address`, `host:port` or `[v6]:port`. Returns at once and calls no event before it has returned.
   * A failure to resolve, connect or agree on TLS is `closed` with a reason, without `opened`.
   */
  connect(address: string, events: LinkEvents, options?: LinkOptions): Link
  /**
   * Addresses of a service, `host:port` each, from its DNS SRV records: the lowest priority number first, ordered by
   * weight within one priority. Rejects if the name cannot be resolved.
   */
  service(name: string): Promise<string[]>
  /**
   * Accepts streams at `address`; port 0 takes a free one. `accept` is called for each and returns where its events go.
   * Rejects if the address cannot be used.
   */
  listen(address: string, accept: (link: Link) => LinkEvents, options?: ListenOptions): Promise<Listener>
  /**
   * Prepares what `startTls` of an accepted link needs. Undefined where this host accepts no TLS.
   * @throws Error for what cannot be used: a key that does not belong to its certificate, for example.
   */
  readonly tlsContext?: ((options: TlsServerOptions) => TlsContext) | undefined
}

export interface LinkOptions {
  /** Use TLS; `opened` comes when the peer has proved its identity. Undefined: no TLS. */
  readonly tls?: TlsOptions | undefined
  /** The name that the peer must prove, also sent as SNI. Default: the host of the address. */
  readonly serverName?: string | undefined
  /**
   * Give the link a thread of its own, so that `keepAlive` works while the program is busy. A host without threads
   * ignores this.
   */
  readonly hasThread?: boolean | undefined
}

/** A frame that keeps a connection alive while nothing else is sent. */
export interface KeepAlive {
  /** A whole frame, so that it fits between any two writes. */
  readonly frame: Uint8Array
  /** Time without a write after which it is sent, milliseconds. */
  readonly everyMs: number
  /** How long the program may be busy, milliseconds: a program that hangs must not be kept alive. */
  readonly patienceMs: number
}

export interface ListenOptions {
  /** Streams waiting to be accepted; the system's default where undefined. */
  readonly backlog?: number | undefined
}

export interface Listener {
  /** The bound address, `host:port`, with the real port. */
  readonly address: string
  /** Stops accepting. Streams already accepted stay. Resolves when the address is free again. */
  close(): Promise<void>
}

export interface Link {
  /** The peer, `host:port`; IPv4 peers of a dual-stack listener without their `::ffff:` prefix. */
  readonly remote: string
  /** Bytes written and not yet handed to the system; they grow when the peer is slow. */
  readonly queuedBytes: number
  /**
   * Queues `chunk`, which the link may keep until `queuedBytes` is 0; a caller that reads 0 right after the call may
   * reuse it. False asks the caller to wait for `drained`. Ignored after the link has closed.
   */
  write(chunk: Uint8Array): boolean
  /**
   * Sends a frame now and then from here on, and reports each by `kept`. Works only if the link has a thread of its
   * own.
   */
  readonly keepAlive?: ((plan: KeepAlive) => void) | undefined
  /**
   * Turns an accepted link into one with TLS: from here on `data` and `write` concern what is inside. `received` are all
   * bytes that came until now, at least the first record of the handshake. `opened` comes when the handshake is over; a
   * failure is `closed` with a reason. Once at most, and nothing is written before `opened`. A paused link goes on.
   */
  readonly startTls?: ((context: TlsContext, received: readonly Uint8Array[]) => void) | undefined
  /**
   * The certificate of the peer, DER, from `opened` on: only where it was asked for and its chain was verified.
   * Undefined without TLS or without a certificate.
   */
  readonly peerCertificate?: Uint8Array | undefined
  /** Stops `data` until `resume`, so that the peer has to wait. One or two more calls may still come. */
  pause(): void
  /** Ends `pause`. */
  resume(): void
  /** Delivers what was written, then closes. */
  end(): void
  /** Closes now, dropping what was queued. */
  destroy(): void
}

export interface LinkEvents {
  /**
   * A connecting link is open, or an accepted one has finished the handshake of `startTls`. Other accepted links are
   * open from the start.
   */
  opened?(): void
  /** The bytes are the receiver's to keep. */
  data(chunk: Uint8Array): void
  /** The frame of `keepAlive` was sent at `at`, monotonic milliseconds of this host's clock. */
  kept?(at: number): void
  /** Everything queued was handed to the system, after a `write` that returned false. */
  drained?(): void
  /**
   * The peer of an accepted link has finished sending and waits for our answer. True keeps our side open until `end` or
   * `destroy` is called; otherwise the link ends by itself.
   */
  ended?(): boolean
  /** Called exactly once, as the last event, and never during a call to the link. An orderly close has no `reason`. */
  closed(reason?: Error): void
}
