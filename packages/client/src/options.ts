/** Every option, with its unit and default. */
import type { Acl, ZnodePath } from '@lightkeeper/protocol'
import type { Log, LogLevel, Runtime } from '@lightkeeper/runtime'
import type { SaslMechanism } from './auth/sasl.ts'
import type { Tls } from './auth/tls.ts'
import type { Codec } from './codec.ts'
import type { ReadyRequest } from './ready-request.ts'

/** Credentials, or a function that is called before every connection. */
export type Credentials = string | Uint8Array | (() => string | Uint8Array | Promise<string | Uint8Array>)

/** A scheme of authentication and its credentials. The client sends them on every connection, before any request. */
export interface AuthOption {
  /** `digest`, with credentials `user:password`; or a scheme that the server knows by a plugin. */
  readonly scheme: string
  /** What the scheme needs, as text (sent as UTF-8) or bytes. A function is called before every connection, and may return a promise. */
  readonly credentials: Credentials
}

/** The options of `connect`. Times are in milliseconds. */
export interface ConnectOptions {
  /** The session timeout to ask for, milliseconds; the server may grant another one. Default 30000. */
  readonly sessionTimeout?: number
  /** How long `connect` tries before it rejects, milliseconds. No effect with `lazy`. Default 10000. */
  readonly connectTimeout?: number
  /**
   * `connect` resolves at once, whether or not a server can be reached. The client tries until it is closed, and is in state
   * `connecting` until it succeeds. Calls wait, each within its own `timeout` (or `requestTimeout`); streams begin when a server
   * answers. Refused credentials lead to state `authFailed`, and calls fail with AUTH_FAILED. Default false.
   */
  readonly lazy?: boolean
  /** Stops connecting; with `lazy` it closes the client. After the connection is made it has no effect: use `close`. */
  readonly signal?: AbortSignal | undefined
  /**
   * A token from `detach()`: continues that session instead of opening a new one. Where the session has expired, the client goes
   * through state `expired` and opens a new one; with `onExpired: 'close'`, `connect` rejects instead. Default none.
   */
  readonly attach?: string
  /** Identities that the client shows after every connect, before any request. Default none. */
  readonly auth?: readonly AuthOption[]
  /**
   * TLS on every connection: `true`, options of node:tls, or a function that returns them. The function is called before each
   * connection, so that certificates reload. Host names are checked and sent (SNI) unless the options say otherwise. Default none.
   */
  readonly tls?: Tls | undefined
  /**
   * Logs in by SASL on every connection, before `auth` and any request: `digestMd5({ … })`, or your own mechanism. Default none.
   */
  readonly sasl?: SaslMechanism | undefined
  /** What to do when the session has expired: open a new session, or stay closed. Default `renew`. */
  readonly onExpired?: 'renew' | 'close'
  /**
   * Preferred servers, for example those in the same zone: `host:port` each as in the connect string, or a function that says
   * whether a server is preferred. The client tries them first, and returns to them after a failover. Default none.
   */
  readonly preferred?: readonly string[] | ((server: string) => boolean)
  /**
   * Milliseconds from a failover until the client moves, with its session: to a preferred server, or to any server with equal
   * chance. Without this, one server would keep the clients of all servers that were restarted. The client waits between once and
   * twice this time. A move that ends on another server is tried again, each time after twice as long, at most 16 times as long.
   * It never moves while `hold()` is in force or requests are under way. Default 300000; 0 means never.
   */
  readonly rebalanceAfter?: number
  /**
   * Sends pings from a separate thread, which owns the socket. A busy event loop then keeps its session, for at most `patience`
   * milliseconds at a time, so that a program that hangs still loses its locks. `true` means 60000. Each request and each reply
   * costs a message between threads, and options of TLS must not be functions. Default false.
   */
  readonly heartbeatThread?: boolean | { readonly patience: number }
  /** Accepts a server that has lost its quorum and serves only reads. Default false. */
  readonly readOnly?: boolean
  /** How many requests may wait for a connection; more are refused at once. Default 10000. */
  readonly queueLimit?: number
  /**
   * The limit of every call without a timeout of its own, milliseconds, exact to a few seconds. So every promise settles, whatever
   * happens to the servers. Default 60000; Infinity means no limit.
   */
  readonly requestTimeout?: number
  /**
   * Waits between attempts to connect: a random part of a bound. The bound is `baseMs` first, then half of what was waited since the
   * connection was lost. It is never more than `maxMs`, nor than a tenth of the session timeout, so that the client does not lose
   * its session while it waits. Default 25 to 10000 milliseconds.
   */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number }
  /** Largest request that the client sends, bytes; corresponds to a server's `jute.maxbuffer`. Default 1048575. */
  readonly requestBytesMax?: number
  /** Largest reply that the client accepts, bytes. Default 4 MiB. */
  readonly replyBytesMax?: number
  /**
   * Receives what the client does: connections and attempts, states of the session with their reasons, problems that it solves. A
   * function gets `(level, message, facts)`; the facts are safe for JSON; what the function throws becomes one warning. A level
   * prints lines of that level and above on standard error: `error` for what ends the client, `warn` for losses, `info` for every
   * connection, `debug` for every attempt. Default: the environment variable `LIGHTKEEPER_LOG`, which is such a level; without it
   * no output.
   */
  readonly log?: Log | LogLevel | undefined
  /** Parts of the host to replace: a simulated network, a clock that a test sets, a log. Default: those of Node. */
  readonly runtime?: Partial<Runtime>
}

/** The data of a znode: bytes, text (written as UTF-8), or null for no data. */
export type Data = Uint8Array | string | null

/** The options of every call. */
export interface CallOptions {
  /** The call rejects with the reason of the signal. The request may have been executed nevertheless. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the whole call; after them it rejects with TIMEOUT. Default: `requestTimeout` of the client. */
  readonly timeout?: number | undefined
}

/** The options of every read. */
export interface ReadOptions extends CallOptions {
  /**
   * The answer must contain this transaction or be later: the `zxid` of a Stat or change that this or another process has seen. If
   * the server is behind, the client sends a `sync` first.
   */
  readonly atLeast?: bigint
  /** Leaves a one-shot watch: the result gets `changed`, a promise of the event. Default false. */
  readonly watch?: boolean
}

/** The options of `create`. */
export interface CreateOptions extends WriteOptions {
  /** Default `persistent`. A TTL is in milliseconds and needs a server with TTL znodes enabled. */
  readonly mode?: 'persistent' | 'ephemeral' | 'container' | { readonly ttl: number }
  /** Appends a counter of the parent to the name. Default false. */
  readonly sequential?: boolean
  /**
   * Puts a unique mark in front of the name, so that after a lost reply the client finds the znode instead of creating another one.
   * Default false.
   * Form of the mark: `_c_<uuid>-name` as in Curator; with `bare` that of kazoo: 32 hex digits, then the name.
   */
  readonly protected?: boolean | 'bare'
  /** Creates missing parents, as persistent znodes or as containers. They do not get `acl`. Default false. */
  readonly parents?: boolean | 'container'
  /** The ACL of parents that the call creates. Default: everybody may do everything. */
  readonly parentsAcl?: readonly Acl[]
  /** The ACL of the znode itself. Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
  /**
   * The call succeeds where a znode with this data and of this kind exists already (an ephemeral: of this session), whichever
   * client created it; the ACL is not compared. Not for sequential or protected creates. Default false: the call fails with
   * NODE_EXISTS.
   */
  readonly idempotent?: boolean
}

/** Options of `ensure`. It creates the znode and each missing parent in the same way. */
export interface EnsureOptions extends CallOptions, Pick<CreateOptions, 'acl' | 'parentsAcl'> {
  /** The kind of the znode and its missing parents. Default `persistent`. */
  readonly mode?: 'persistent' | 'container'
}

/** The options of every write. */
export interface WriteOptions extends CallOptions {
  /**
   * Only the resulting state counts. After a lost reply, the call succeeds where the znode holds the data of this call, even if
   * another client may have written it. Default false: the call succeeds only if its own write is proved; without a proof it fails
   * with outcome `unknown`.
   */
  readonly idempotent?: boolean
}

/** The options of writes that can expect a version. */
export interface VersionOptions extends WriteOptions {
  /** Expected version; the call fails with BAD_VERSION if the znode has another one. Default: any. */
  readonly version?: number
}

/** The options of `delete`. */
export interface DeleteOptions extends VersionOptions {
  /** Deletes everything below it first. Not atomic. Default false. */
  readonly recursive?: boolean
  /** The call succeeds where the znode does not exist, whichever client deleted it. Default false: the call fails with NO_NODE. */
  readonly idempotent?: boolean
}

/** The options of `transaction`. */
export interface TransactionOptions extends WriteOptions {
  /**
   * Shows what happened to the transaction when its reply is lost: the transaction also creates an ephemeral with a unique name
   * below this znode, and the client deletes it afterwards. The znode is created as a container where it is missing.
   */
  readonly marker?: ZnodePath
}

/** The options of `update`. */
export interface UpdateOptions extends WriteOptions {
  /** How to create the znode where it does not exist. */
  readonly create?: Pick<CreateOptions, 'mode' | 'parents' | 'parentsAcl' | 'acl'>
}

/** The options of `copy`. */
export interface CopyOptions extends CallOptions {
  /** What to do with ephemerals, which belong to a session: `refuse` the call, or `skip` them. Default `refuse`. */
  readonly ephemerals?: 'refuse' | 'skip'
}

/**
 * New members of an ensemble: steps (`joining`, `leaving`), or all `members`. Servers are written as in a zoo.cfg, without `server.`:
 * `2=host:2888:3888:participant;2181`, with commas between several.
 */
export interface MemberChange {
  /** Servers to add, or members to change: lines as above. Default: none. */
  readonly joining?: string
  /** Ids of servers, with commas between them. */
  readonly leaving?: string
  /** All members of the new configuration. Default: the steps decide. */
  readonly members?: string
  /** The version that the present configuration must have. Default: any. */
  readonly fromVersion?: bigint
}

/** One read of `readMany`. */
export type ManyRead = { readonly get: ZnodePath } | { readonly children: ZnodePath }

/** The options of `watch`. */
export interface WatchOptions<T = Uint8Array> {
  /** The znode and everything below it. Not together with `children`. Default false. */
  readonly recursive?: boolean
  /** The direct children of the znode, with their data, instead of the znode itself. Default false. */
  readonly children?: boolean
  /** The codec that reads the data. Default: bytes. */
  readonly codec?: Codec<T>
  /**
   * A zxid up to which this or another process has handled everything: that of a `ready` or of a change. Znodes that exist at the
   * start and were written after it are delivered with `via: "resync"`. The stream cannot know what was deleted meanwhile.
   */
  readonly since?: bigint
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds between two self-audits while nothing happens. Each compares up to 200 znodes with what was delivered, so that the
   * stream notices even an event that the server lost. 0 for none. Default 60000.
   */
  readonly auditInterval?: number
  /** An object to ask the stream through: it then delivers another `ready` when it is up to date. */
  readonly ready?: ReadyRequest
}
