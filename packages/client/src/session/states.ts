/**
 * States of a client:
 *
 *   connecting → (saslAuthenticated →) connected ⇄ disconnected → expired → connecting (a new epoch) | closed
 *        any → authFailed, closed (both final)
 */

export type SessionState =
  /** No session yet in this epoch. */
  | { readonly kind: 'connecting'; readonly epoch: number }
  /** Requests are served. `isNew` is false when the same session returned on another connection. */
  | {
      readonly kind: 'connected'
      /** The number of sessions of this client that have expired; 0 in the first session. */
      readonly epoch: number
      /** The id of the session, a signed 64-bit number. */
      readonly sessionId: bigint
      /** The address of the server, `host:port`. */
      readonly server: string
      /** The negotiated timeout, milliseconds. */
      readonly sessionTimeout: number
      /** Whether the session is new on this connection; false when the same session has returned. */
      readonly isNew: boolean
      /** Whether the server has lost its quorum and serves only reads; only with the option `readOnly`. */
      readonly readOnly: boolean
    }
  /** The connection is lost; the session may still live. From now on do not rely on a lock or a term. */
  | { readonly kind: 'disconnected'; readonly epoch: number; readonly sessionId: bigint; readonly reason: string }
  /**
   * The session is gone, with everything that belonged to it. Streams and other things that this client can create again continue
   * by themselves.
   */
  | {
      readonly kind: 'expired'
      /** The epoch of the session that has expired; the next session has the next one. */
      readonly epoch: number
      /** The id of the session that has expired. */
      readonly sessionId: bigint
      /** The cause of the end; and, if this program's event loop was blocked, for how long. */
      readonly reason: string
      /** What ended with the session and is not created again. */
      readonly lost: SessionLosses
    }
  /** The SASL login is done on the new connection. Identities and watches follow, then `connected`. */
  | { readonly kind: 'saslAuthenticated'; readonly epoch: number; readonly mechanism: string }
  /** A server refused an identity. `reason` says more about it, for scheme `sasl`. */
  | {
      readonly kind: 'authFailed'
      readonly epoch: number
      /** The scheme of the refused identity; `sasl` for a SASL login. */
      readonly scheme: string
      readonly reason?: string | undefined
    }
  | { readonly kind: 'closed'; readonly epoch: number }

/** What ended with a session and is not created again. */
export interface SessionLosses {
  /** Ephemerals that this client created in the session and did not delete, by the paths that the user knows. */
  readonly ephemerals: readonly string[]
  /** One-shot watches; each settled with type `none`. */
  readonly oneShotWatches: number
}

/** What `close` could not end. */
export interface Closing {
  /** Whether the session has ended, or there was none: then nothing is left. */
  readonly isEnded: boolean
  /** Ephemerals that servers keep for `leftForMs`, by the paths that the user knows. */
  readonly left: readonly string[]
  /** The time after which servers end the session by themselves: its timeout, milliseconds. 0 where it has ended. */
  readonly leftForMs: number
}

/** The names of the states of a session. */
export type SessionStateKind = SessionState['kind']

export function isFinal(state: SessionState): boolean {
  return state.kind === 'closed' || state.kind === 'authFailed'
}
