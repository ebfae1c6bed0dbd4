/** How long sessions live, and how long a stop takes. */
import { ConfigError } from '../config-error.ts'
import { atLeast, decoded, parsedInt, strictBoolean } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { type ConfigOf, int32Max, integer, type Known, type SettingsFor } from '../setting.ts'

export interface SessionOptions {
  /** Unit of session timeouts and width of an expiry bucket, milliseconds. Default 3000. */
  readonly tickTime?: number
  /** Shortest session timeout granted, milliseconds. Default 2 ticks. */
  readonly minSessionTimeout?: number
  /** Longest session timeout granted, milliseconds. Default 20 ticks. */
  readonly maxSessionTimeout?: number
  /** A connection without a handshake is closed after this time, milliseconds. Default 10000. */
  readonly sessionlessCnxnTimeout?: number
  /** How long a stop waits for clients to read their answers, and then for the disk, milliseconds each. Default 5000. */
  readonly stopTimeout?: number
}

/** -1 means the default (QuorumPeerConfig.java); `zoo-cfg.ts` leaves it out. */
const timeout = atLeast(1, parsedInt, true)
const ticks = (count: number) => (known: Known) => Math.min(int32Max, Number(known.value('tickTime')) * count)

const settings = {
  tickTime: integer({ key: 'tickTime', byDefault: 3000, min: 1 }),
  minSessionTimeout: integer({ key: 'minSessionTimeout', read: timeout, byDefault: ticks(2), min: 1, isLive: true }),
  maxSessionTimeout: integer({ key: 'maxSessionTimeout', read: timeout, byDefault: ticks(20), min: 1, isLive: true }),
  sessionlessCnxnTimeout: integer({
    key: 'nio.sessionlessCnxnTimeout',
    read: decoded,
    byDefault: 10_000,
    min: 1,
    isLive: true,
  }),
  stopTimeout: integer({ key: 'stopTimeout', byDefault: 5_000, min: 0, isLive: true }),
} satisfies SettingsFor<SessionOptions>

export const sessions = {
  settings,
  idle: idleKeys(['localSessionsEnabled', 'localSessionsUpgradingEnabled'], strictBoolean),
  check({ minSessionTimeout, maxSessionTimeout }: ConfigOf<typeof settings>) {
    if (minSessionTimeout > maxSessionTimeout) {
      throw new ConfigError(
        'minSessionTimeout',
        minSessionTimeout,
        `at most maxSessionTimeout, which is ${maxSessionTimeout}`,
      )
    }
  },
} as const satisfies Room
