/**
 * States of a client:
 *
 *   connecting → (saslAuthenticated →) connected ⇄ disconnected → expired → connecting (a new epoch) | closed
 *        any → authFailed, closed (both final)
 */

export type SessionState =
  /** No session yet in this epoch. */
  | { readonly kind: 'connecting'; readonly epoch: number }
  /** Requests are being served. `isNew` is false when the same session came back on another connection. */
  | {
      readonly kind: 'connected'
      readonly epoch: number
      readonly sessionId: bigint
      readonly server: string
      /** Negotiated, milliseconds. */
      readonly sessionTimeout: number
      readonly isNew: boolean
      readonly readOnly: boolean
    }
  /** The connection is lost; the session may still live. Whoever holds a lock or a term stops relying on it now. */
  | { readonly kind: 'disconnected'; readonly epoch: number; readonly sessionId: bigint; readonly reason: string }
  /** The session is gone, and what belonged to it. Streams, and whatever else this client can make anew, go on by themselves. */
  | {
      readonly kind: 'expired'
      readonly epoch: number
      readonly sessionId: bigint
      /** Who or what ended it, and for how long this program's own event loop was blocked, if it was. */
      readonly reason: string
      readonly lost: SessionLosses
    }
  /** The login by SASL is done on the connection being made; identities and watches follow, then `connected`. */
  | { readonly kind: 'saslAuthenticated'; readonly epoch: number; readonly mechanism: string }
  /** An identity was refused. `reason` is what is known beyond that, for scheme `sasl`. */
  | {
      readonly kind: 'authFailed'
      readonly epoch: number
      readonly scheme: string
      readonly reason?: string | undefined
    }
  | { readonly kind: 'closed'; readonly epoch: number }

/** What went with a session and is not made anew. */
export interface SessionLosses {
  /** Ephemerals this client made in it and did not delete, by the paths the user knows. */
  readonly ephemerals: readonly string[]
  /** One-shot watches; each settled with type `none`. */
  readonly oneShotWatches: number
}

/** What `close` has left behind. */
export interface Closing {
  /** Whether the session has ended, or there was none: then nothing is left. */
  readonly isEnded: boolean
  /** Ephemerals that servers keep for `leftForMs`, by the paths the user knows. */
  readonly left: readonly string[]
  /** Milliseconds after which the servers have ended the session by themselves: its timeout. 0 where it has ended. */
  readonly leftForMs: number
}

export type SessionStateKind = SessionState['kind']

export function isFinal(state: SessionState): boolean {
  return state.kind === 'closed' || state.kind === 'authFailed'
}
