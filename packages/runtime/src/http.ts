/**
 * Seam: a small HTTP server, for pages that operators and monitoring programs ask. Requests are few and small. What a peer sends is
 * bounded by `HttpOptions`, and a handler that throws ends its own request alone.
 */
import type { TlsContext } from './tls-server.ts'

export interface HttpRequest {
  /** `GET`, `POST` and the like, in capitals. */
  readonly method: string
  /** Path and query as the peer sent them: `/commands/ruok?x=1`. */
  readonly target: string
  /** The peer's IP address. Headers that claim another one are not believed. */
  readonly remoteHost: string
  /** Whether it came over TLS. */
  readonly isSecure: boolean
  /** The certificate of the peer, DER, where it was asked for and its chain was verified. */
  readonly peerCertificate: Uint8Array | undefined
  /** The value of a header, by its name in small letters; undefined where there is none. */
  header(name: string): string | undefined
  /** The body, piece by piece. It may be left unread. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface HttpAnswer {
  /** The status of HTTP. */
  readonly status: number
  /** The headers of the answer. */
  readonly headers: Readonly<Record<string, string>>
  /** Text, or bytes that come piece by piece. A body that throws cuts the connection, so that the peer sees a broken answer. */
  readonly body: string | AsyncIterable<Uint8Array>
}

export interface HttpOptions {
  /** A connection on which nothing moves for so long is closed, milliseconds. */
  readonly idleTimeoutMs: number
  /** Connections at once; more are closed at once. */
  readonly connectionsMax: number
  /** Speak TLS. Undefined: plaintext alone. */
  readonly tls?: HttpTls | undefined
}

export interface HttpTls {
  /** Called before each handshake, so that a new certificate is used at once. */
  context(): TlsContext
  /** Whether a peer that does not begin with a handshake is answered too, without TLS; otherwise its connection is closed. */
  readonly mayBePlain: boolean
  /** Time for a handshake, milliseconds. */
  readonly handshakeMs: number
  /** Gets the address of a peer whose handshake failed, and why. */
  failed(remoteHost: string, reason: string): void
}

export interface HttpListener {
  /** The address that was bound, `host:port`, with the real port. */
  readonly address: string
  /** Stops accepting and closes every connection. */
  close(): Promise<void>
}

export interface Http {
  /** Starts accepting at `address`, `host:port`. Rejects with the system's error where it cannot be had. */
  listen(
    address: string,
    answer: (request: HttpRequest) => Promise<HttpAnswer>,
    options: HttpOptions,
  ): Promise<HttpListener>
}
