/** What the four-letter words show of a server: its replica, its connections, its port. */
import type { ServerConfig } from '../config/config.ts'
import type { ConnectionStats } from '../connection-stats.ts'
import type { Replica } from '../replica.ts'
import type { Session } from '../session/session.ts'
import type { ServerStats } from '../stats.ts'
import type { Watcher } from '../watch/watches.ts'

export interface ConnectionView extends Watcher {
  /** The client's address. */
  readonly remote: string
  /** Whether requests are read now. */
  readonly isReading: boolean
  readonly replies: { readonly length: number }
  readonly session: Session | undefined
  /** Frames received and sent. */
  received: number
  sent: number
  readonly stats: ConnectionStats
}

export interface ServerView {
  readonly config: ServerConfig
  readonly stats: ServerStats
  /** Undefined while the server serves no clients. */
  readonly replica: Replica | undefined
  readonly connections: ReadonlySet<ConnectionView>
  /** Those of the port for TLS alone. */
  readonly secureConnections: ReadonlySet<ConnectionView>
  /** Bytes that clients do not read, those of connections with much alone. */
  readonly held: { readonly total: number }
  /** -1 where there is no port without TLS. */
  readonly port: number
  /** -1 where there is no port for TLS alone. */
  readonly securePort: number
  /** What `stmk` set and `gtmk` shows, Apache's default at first. It changes nothing here. */
  readonly trace: { mask: bigint }
  /** When the server started, monotonic milliseconds. */
  readonly startedAt: number
  /** Connections without a session by the time at which they are closed, monotonic milliseconds, earliest first. */
  impatience(): [expiresAt: number, connections: ReadonlySet<ConnectionView>][]
}
