/** The ways to log in by SASL, as users hand them over. What the tokens say is a mechanism's business. */
import type { Random } from '@lightkeeper/runtime'

/** A way to log in. One object serves a client for its life; every connection gets an exchange of its own. */
export interface SaslMechanism {
  /** Its registered name: `DIGEST-MD5`, `GSSAPI`. */
  readonly name: string
  /**
   * Begins an exchange. Rejecting with a KeeperError AUTH_FAILED ends the client; any other error ends the connection, and the
   * next one tries again.
   */
  start(context: SaslContext): SaslExchange | Promise<SaslExchange>
}

export interface SaslContext {
  /** Host name of the server, as the connect string has it. */
  readonly host: string
  readonly random: Random
}

export interface SaslExchange {
  /** The first token; empty for a mechanism in which the server speaks first. */
  readonly first: Uint8Array
  /** Answers a token of the server. Fails as `start` does. */
  respond(challenge: Uint8Array): SaslStep | Promise<SaslStep>
}

export interface SaslStep {
  /** To be sent; undefined for nothing, which only a finished exchange may have. */
  readonly token?: Uint8Array | undefined
  /** Both ends are satisfied once `token`, where there is one, is accepted; what the server says to it is not looked at. */
  readonly isDone: boolean
}
