/** Every option, with unit and default. */
import type { Acl } from '@lightkeeper/protocol'
import type { Runtime } from '@lightkeeper/runtime'

/** Credentials as they are, or a function asked anew before every connection. */
export type Credentials = string | Uint8Array | (() => string | Uint8Array | Promise<string | Uint8Array>)

export interface AuthOption {
  /** `digest`, with credentials `user:password`; or a scheme the server was taught. */
  readonly scheme: string
  readonly credentials: Credentials
}

export interface ConnectOptions {
  /** Session timeout to ask for, milliseconds; the server may grant another. Default 30000. */
  readonly sessionTimeout?: number
  /** How long `connect` tries before it rejects, milliseconds. Default 10000. */
  readonly connectTimeout?: number
  /** Gives up connecting. Once connected it has no effect: use `close`. */
  readonly signal?: AbortSignal | undefined
  /** Sent after every connect, before any request. Default none. */
  readonly auth?: readonly AuthOption[]
  /** What to do when the session has expired: open a new one, or stay closed. Default `renew`. */
  readonly onExpired?: 'renew' | 'close'
  /** Accept a server that has lost its quorum and can only be read. Default false. */
  readonly readOnly?: boolean
  /** Requests held while there is no connection; more are refused at once. Default 10000. */
  readonly queueLimit?: number
  /** Timeout of every request that names none, milliseconds. Default none. */
  readonly requestTimeout?: number | undefined
  /** Waits between attempts to connect: a random part of a bound that doubles. Default 100 to 10000 milliseconds. */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number }
  /** Largest request sent, bytes; a server's `jute.maxbuffer`. Default 1048575. */
  readonly requestBytesMax?: number
  /** Largest reply accepted, bytes. Default 4 MiB. */
  readonly replyBytesMax?: number
  /** Parts of the host to replace: a simulated network, a hand-stepped clock, a log. Default Node's. */
  readonly runtime?: Partial<Runtime>
}

/** Options of every call. */
export interface CallOptions {
  /** Rejects with the signal's reason. The request may have been executed all the same. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call rejects with TIMEOUT. Default: `requestTimeout` of the client. */
  readonly timeout?: number | undefined
}

export interface ReadOptions extends CallOptions {
  /** Leave a one-shot watch: the result gets `changed`, a promise of the event. Default false. */
  readonly watch?: boolean
}

export interface CreateOptions extends CallOptions {
  /** Default `persistent`. A TTL is in milliseconds and needs a server that has TTL znodes enabled. */
  readonly mode?: 'persistent' | 'ephemeral' | 'container' | { readonly ttl: number }
  /** Append a counter of the parent to the name. Default false. */
  readonly sequential?: boolean
  /**
   * Put a unique mark in front of the name, so that a create whose reply was lost is found instead of repeated. Default false.
   * Layout of Curator: `_c_<uuid>-name`.
   */
  readonly protected?: boolean
  /** Create missing parents, as persistent znodes or as containers. Default false. */
  readonly parents?: boolean | 'container'
  /** Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
}

export interface VersionOptions extends CallOptions {
  /** Expected version; the call fails with BAD_VERSION if it is another. Default: any. */
  readonly version?: number
}

export interface DeleteOptions extends VersionOptions {
  /** Delete what is below it first. Not atomic. Default false. */
  readonly recursive?: boolean
}
