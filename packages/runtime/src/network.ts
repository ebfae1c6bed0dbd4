/** Seam: byte streams between peers. Every outcome, failure included, arrives through `LinkEvents`. */

import type { TlsOptions } from './tls-options.ts'

export interface Network {
  /**
   * Opens a stream to `address`, `host:port` or `[v6]:port`. Returns at once and calls nothing before it returned; a failure
   * to resolve, connect or agree on TLS is `closed` with a reason, without `opened`.
   */
  connect(address: string, events: LinkEvents, options?: LinkOptions): Link
  /**
   * Addresses of a service, `host:port` each, by its DNS SRV records, lowest priority number first and by weight within it.
   * Rejects where the name cannot be resolved.
   */
  service(name: string): Promise<string[]>
  /**
   * Accepts streams at `address`; port 0 takes a free one. `accept` is called for each and returns where its events go.
   * Rejects when the address cannot be had.
   */
  listen(address: string, accept: (link: Link) => LinkEvents, options?: ListenOptions): Promise<Listener>
}

export interface LinkOptions {
  /** Speak TLS; `opened` comes when the peer has proved who it is. Plain where undefined. */
  readonly tls?: TlsOptions | undefined
  /** The name the peer must prove to have, and that is asked for by SNI. Default: the host of the address. */
  readonly serverName?: string | undefined
  /** A thread of its own, so that `keepAlive` works while the program is busy. A host that has none ignores it. */
  readonly hasThread?: boolean | undefined
}

/** What keeps a peer content while nothing else is sent. */
export interface KeepAlive {
  /** Whole, so that it fits between any two writes. */
  readonly frame: Uint8Array
  /** Time without a write after which it is sent, milliseconds. */
  readonly everyMs: number
  /** How long the program may be busy, milliseconds: a program that hangs is not to be kept alive. */
  readonly patienceMs: number
}

export interface ListenOptions {
  /** Streams waiting to be accepted; the system's default where undefined. */
  readonly backlog?: number | undefined
}

export interface Listener {
  /** What was bound, `host:port`, with the real port. */
  readonly address: string
  /** Stops accepting. Streams already accepted stay. Resolves when the address is free again. */
  close(): Promise<void>
}

export interface Link {
  /** The peer, `host:port`; IPv4 peers of a dual-stack listener without their `::ffff:` prefix. */
  readonly remote: string
  /** Bytes written and not yet handed to the system: what a slow peer makes us hold. */
  readonly queuedBytes: number
  /**
   * Queues `chunk`, which the link may keep until `queuedBytes` is 0; a caller that reads 0 straight after may reuse it.
   * False asks the caller to wait for `drained`. Ignored once closed.
   */
  write(chunk: Uint8Array): boolean
  /** Sends a frame now and then from here on, each told by `kept`. Only where the link has a thread of its own. */
  readonly keepAlive?: ((plan: KeepAlive) => void) | undefined
  /** Asks for no more `data` until `resume`; the peer feels it. A call or two may still come. */
  pause(): void
  resume(): void
  /** Delivers what was written, then closes. */
  end(): void
  /** Closes now, dropping what was queued. */
  destroy(): void
}

export interface LinkEvents {
  /** A connecting link is open. Never called for accepted links, which are open from the start. */
  opened?(): void
  /** The bytes are the receiver's to keep. */
  data(chunk: Uint8Array): void
  /** The frame of `keepAlive` was sent at `at`, monotonic milliseconds of this host's clock. */
  kept?(at: number): void
  /** Everything queued is gone, after a `write` that returned false. */
  drained?(): void
  /**
   * The peer of an accepted link sends no more and waits for what is to come. True keeps our side open, until `end` or `destroy` is
   * called; else the link ends by itself.
   */
  ended?(): boolean
  /** Called exactly once, last; never from within a call to the link. `reason` is absent for an orderly close. */
  closed(reason?: Error): void
}
