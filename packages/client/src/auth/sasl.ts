/** The ways to log in by SASL, as users write them. Only the mechanism knows what its tokens mean. */
import type { Random } from '@lightkeeper/runtime'

/** A way to log in. A client uses one object for its whole life; every connection gets an exchange of its own. */
export interface SaslMechanism {
  /** The registered name of the mechanism: `DIGEST-MD5`, `GSSAPI`. */
  readonly name: string
  /**
   * Begins an exchange. A rejection with a KeeperError AUTH_FAILED ends the client; any other error ends the connection, and the
   * next connection tries again.
   */
  start(context: SaslContext): SaslExchange | Promise<SaslExchange>
}

/** What a SASL mechanism gets for one connection. */
export interface SaslContext {
  /** Host name of the server, as the connect string writes it. */
  readonly host: string
  /** Random bytes of the host, for nonces. */
  readonly random: Random
}

/** A login that is under way on one connection: one token after the other, until a step is done. */
export interface SaslExchange {
  /** The first token; empty where the server sends the first one. */
  readonly first: Uint8Array
  /** Answers a token of the server. Fails as `start` does. */
  respond(challenge: Uint8Array): SaslStep | Promise<SaslStep>
}

/** The answer to one token of the server. */
export interface SaslStep {
  /** The token to send; undefined for none, which is allowed only when the exchange is finished. */
  readonly token?: Uint8Array | undefined
  /**
   * Both ends are satisfied once the server accepts `token`, or at once where there is none. The server's answer to it is not read.
   */
  readonly isDone: boolean
}
