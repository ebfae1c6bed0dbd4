/** Every option, with unit and default. */
import type { Acl, ZnodePath } from '@lightkeeper/protocol'
import type { Log, LogLevel, Runtime } from '@lightkeeper/runtime'
import type { SaslMechanism } from './auth/sasl.ts'
import type { Tls } from './auth/tls.ts'
import type { Codec } from './codec.ts'
import type { ReadyRequest } from './ready-request.ts'

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
  /** How long `connect` tries before it rejects, milliseconds. No effect with `lazy`. Default 10000. */
  readonly connectTimeout?: number
  /**
   * `connect` resolves at once, whether or not a server can be reached, and the client goes on trying until it is closed. It is in
   * state `connecting` until then. Calls wait, each within its own `timeout` (or `requestTimeout`), and streams begin when a server
   * answers. Refused credentials lead to state `authFailed`, and calls fail with AUTH_FAILED. Default false.
   */
  readonly lazy?: boolean
  /** Gives up connecting; with `lazy` the client is closed then. Once connected it has no effect: use `close`. */
  readonly signal?: AbortSignal | undefined
  /**
   * A token of `detach()`: goes on with that session instead of opening one. Where it has expired meanwhile a new one is
   * opened, the state `expired` in between; `onExpired: 'close'` rejects instead. Default none.
   */
  readonly attach?: string
  /** Sent after every connect, before any request. Default none. */
  readonly auth?: readonly AuthOption[]
  /**
   * TLS on every connection: `true`, options of node:tls, or a function giving them, called before each connection so that
   * certificates reload. Host names are checked and sent (SNI) unless the options say otherwise. Default none.
   */
  readonly tls?: Tls | undefined
  /** Log in by SASL on every connection, before `auth` and any request: `digestMd5({ … })`, or a mechanism of yours. Default none. */
  readonly sasl?: SaslMechanism | undefined
  /** What to do when the session has expired: open a new one, or stay closed. Default `renew`. */
  readonly onExpired?: 'renew' | 'close'
  /**
   * Servers to be on where possible, `host:port` each as in the connect string, or a function that says so of each: those of the own zone.
   * They are tried first, and gone back to after a failover. Default none.
   */
  readonly preferred?: readonly string[] | ((server: string) => boolean)
  /**
   * Milliseconds after a failover until the client moves, with its session, to a preferred server, or to any with equal chance:
   * else one server keeps the clients of all that were restarted. Between once and twice this time, never while `hold()` is in
   * force or requests are on their way. Default 300000; 0 for never.
   */
  readonly rebalanceAfter?: number
  /**
   * Pings from a thread of their own, which has the socket: a busy event loop then keeps its session, for `patience`
   * milliseconds at a time and no longer, so that a program that hangs still loses its locks. `true` for 60000. Costs a message
   * between threads each way; options of TLS must not be functions then. Default false.
   */
  readonly heartbeatThread?: boolean | { readonly patience: number }
  /** Accept a server that has lost its quorum and can only be read. Default false. */
  readonly readOnly?: boolean
  /** Requests held while there is no connection; more are refused at once. Default 10000. */
  readonly queueLimit?: number
  /**
   * Limit of every call that names none, milliseconds, kept to within a few seconds: no promise stays open for ever, whatever
   * happens to the servers. Default 60000; Infinity for none.
   */
  readonly requestTimeout?: number
  /**
   * Waits between attempts to connect: a random part of a bound that doubles, and is never more than a tenth of the session timeout,
   * so that a session is not lost over a wait. Default 100 to 10000 milliseconds.
   */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number }
  /** Largest request sent, bytes; a server's `jute.maxbuffer`. Default 1048575. */
  readonly requestBytesMax?: number
  /** Largest reply accepted, bytes. Default 4 MiB. */
  readonly replyBytesMax?: number
  /**
   * Hears what the client does: connections and attempts, states of the session with their reasons, what it heals. A function gets
   * `(level, message, facts)`, its facts safe for JSON; what it throws becomes one warning. A level prints lines of that level and above on
   * standard error: `error` for what ends the client, `warn` for what is lost, `info` for every connection, `debug` for every attempt.
   * Default: the environment's `LIGHTKEEPER_LOG`, which is such a level; without it nothing.
   */
  readonly log?: Log | LogLevel | undefined
  /** Parts of the host to replace: a simulated network, a hand-stepped clock, a log. Default Node's. */
  readonly runtime?: Partial<Runtime>
}

/** What is written to a znode: bytes, text as UTF-8, or null for no data at all. */
export type Data = Uint8Array | string | null

/** Options of every call. */
export interface CallOptions {
  /** Rejects with the signal's reason. The request may have been executed all the same. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the whole call, until it rejects with TIMEOUT. Default: `requestTimeout` of the client. */
  readonly timeout?: number | undefined
}

export interface ReadOptions extends CallOptions {
  /**
   * Answer from a state that contains this transaction or a later one: the `zxid` of a Stat or change seen elsewhere, also by
   * another process. A server that is behind is brought up by `sync` first.
   */
  readonly atLeast?: bigint
  /** Leave a one-shot watch: the result gets `changed`, a promise of the event. Default false. */
  readonly watch?: boolean
}

export interface CreateOptions extends WriteOptions {
  /** Default `persistent`. A TTL is in milliseconds and needs a server that has TTL znodes enabled. */
  readonly mode?: 'persistent' | 'ephemeral' | 'container' | { readonly ttl: number }
  /** Append a counter of the parent to the name. Default false. */
  readonly sequential?: boolean
  /**
   * Put a unique mark in front of the name, so that a create whose reply was lost is found instead of repeated. Default false.
   * Layout of Curator: `_c_<uuid>-name`; with `bare` that of kazoo, 32 hex digits and the name right behind them.
   */
  readonly protected?: boolean | 'bare'
  /** Create missing parents, as persistent znodes or as containers. They do not get `acl`. Default false. */
  readonly parents?: boolean | 'container'
  /** The ACL of parents that are created. Default: everybody may do everything. */
  readonly parentsAcl?: readonly Acl[]
  /** The ACL of the znode itself. Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
  /**
   * A znode that is there already, with this data and of this kind (an ephemeral: of this session), is the success of the call,
   * whichever client made it; its ACL is not looked at. A sequential or protected create cannot be so. Default false: it fails with NODE_EXISTS.
   */
  readonly idempotent?: boolean
}

/** The znode and each parent that is missing, made in the same way. */
export interface EnsureOptions extends CallOptions, Pick<CreateOptions, 'acl' | 'parentsAcl'> {
  /** The kind of the znode and its parents. Default `persistent`. */
  readonly mode?: 'persistent' | 'container'
}

export interface WriteOptions extends CallOptions {
  /**
   * The state afterwards is all that counts. Where a reply was lost, a znode that holds what this call was to write is taken
   * for its success, also where another client may have written it. Default false: only what this client can be shown to have done
   * counts, and where that cannot be shown the call fails with outcome `unknown`.
   */
  readonly idempotent?: boolean
}

export interface VersionOptions extends WriteOptions {
  /** Expected version; the call fails with BAD_VERSION if it is another. Default: any. */
  readonly version?: number
}

export interface DeleteOptions extends VersionOptions {
  /** Delete what is below it first. Not atomic. Default false. */
  readonly recursive?: boolean
  /** A znode that is not there is the success of the call, whichever client deleted it. Default false: it fails with NO_NODE. */
  readonly idempotent?: boolean
}

export interface TransactionOptions extends WriteOptions {
  /**
   * Makes it certain what became of the transaction when its reply is lost: it creates an ephemeral under a unique name below
   * this znode as well, which shows it, and deletes it afterwards. The znode is created as a container where it is missing.
   */
  readonly marker?: ZnodePath
}

export interface UpdateOptions extends WriteOptions {
  /** How the znode is created where it does not exist. */
  readonly create?: Pick<CreateOptions, 'mode' | 'parents' | 'parentsAcl' | 'acl'>
}

export interface CopyOptions extends CallOptions {
  /** What becomes of ephemerals, which belong to a session: `refuse` the call, or `skip` them. Default `refuse`. */
  readonly ephemerals?: 'refuse' | 'skip'
}

/** One read of `readMany`. */
export type ManyRead = { readonly get: ZnodePath } | { readonly children: ZnodePath }

export interface WatchOptions<T = Uint8Array> {
  /** The znode and everything below it. Cannot be set together with `children`. Default false. */
  readonly recursive?: boolean
  /** The direct children of the znode, with their data, instead of the znode itself. Default false. */
  readonly children?: boolean
  /** How data is read. Default: bytes as they are. */
  readonly codec?: Codec<T>
  /**
   * A zxid up to which everything was handled before, by this process or another: of a `ready` or a change. What is there at the
   * start and was written later is delivered with `via: "resync"`. What was deleted meanwhile cannot be known.
   */
  readonly since?: bigint
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds between two self-audits while nothing happens, each comparing up to 200 znodes with what was delivered, so
   * that even an event a server lost is noticed. 0 for none. Default 60000.
   */
  readonly auditInterval?: number
  /** Asked through this, the stream says once more that it is up to date, by another `ready`. */
  readonly ready?: ReadyRequest
}
