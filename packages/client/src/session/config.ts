/** The options of `connect` that a session works by, with their defaults filled in. */
import type { SaslMechanism } from '../auth/sasl.ts'

export interface SessionConfig {
  /** Session timeout to ask for, milliseconds. */
  readonly sessionTimeout: number
  /** Patience for the first session of all, milliseconds. */
  readonly connectTimeout: number
  readonly onExpired: 'renew' | 'close'
  readonly readOnly: boolean
  readonly queueLimit: number
  readonly requestBytesMax: number
  readonly replyBytesMax: number
  /** Limit of a request that has none of its own, milliseconds; checked now and then, not to the millisecond. */
  readonly requestTimeout: number
  /** Milliseconds from a failover to a voluntary move, at least; 0 for never. */
  readonly rebalanceAfter: number
  readonly sasl?: SaslMechanism | undefined
  /** How long a thread pings while the event loop is busy, milliseconds; 0 for no thread. */
  readonly heartbeatPatienceMs: number
}
