/**
 * Seam: a small HTTP server, for pages that operators and monitoring programs ask. Requests are few and small. What a peer sends is
 * bounded by `HttpOptions`, and a handler that throws ends its own request alone.
 */

export interface HttpRequest {
  /** `GET`, `POST` and the like, in capitals. */
  readonly method: string
  /** Path and query as the peer sent them: `/commands/ruok?x=1`. */
  readonly target: string
  /** The peer's IP address. Headers that claim another one are not believed. */
  readonly remoteHost: string
  /** The value of a header, by its name in small letters; undefined where there is none. */
  header(name: string): string | undefined
  /** The body, piece by piece. It may be left unread. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Text, or bytes that come piece by piece. A body that throws cuts the connection, so that the peer sees a broken answer. */
  readonly body: string | AsyncIterable<Uint8Array>
}

export interface HttpOptions {
  /** A connection on which nothing moves for so long is closed, milliseconds. */
  readonly idleTimeoutMs: number
  /** Connections at once; more are closed at once. */
  readonly connectionsMax: number
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
