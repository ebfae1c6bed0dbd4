/** The options of `connect` that a session uses, with defaults filled in. */
import type { SaslMechanism } from '../auth/sasl.ts'

export interface SessionConfig {
  /** The session timeout to ask for, milliseconds. */
  readonly sessionTimeout: number
  /** How long to wait for the very first session, milliseconds. */
  readonly connectTimeout: number
  readonly onExpired: 'renew' | 'close'
  readonly readOnly: boolean
  readonly queueLimit: number
  readonly requestBytesMax: number
  readonly replyBytesMax: number
  /** The limit of a request without a timeout of its own, milliseconds; checked at intervals, so it is not exact. */
  readonly requestTimeout: number
  /** The least time from a failover to a voluntary move, milliseconds; 0 means never. */
  readonly rebalanceAfter: number
  readonly sasl?: SaslMechanism | undefined
  /** How long a thread sends pings while the event loop is busy, milliseconds; 0 means no thread. */
  readonly heartbeatPatienceMs: number
}
