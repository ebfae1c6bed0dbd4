/** How much clients may ask for and make the server hold; docs/operations/limits.md. */
import { frameBytesMaxDefault } from '@lightkeeper/protocol'
import { atLeast, decoded, parsedInt } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { integer, type SettingsFor } from '../setting.ts'

export interface LimitOptions {
  /** Connections from one address; 0 is unlimited. Default 60. */
  readonly maxClientCnxns?: number
  /** Connections in all; 0 is unlimited. Default 0. */
  readonly maxCnxns?: number
  /** Transactions under way above which connections with an unanswered request are not read. Default 1000. */
  readonly globalOutstandingLimit?: number
  /** Unanswered requests of one connection above which it is not read. Default 1000. */
  readonly connectionOutstandingLimit?: number
  /** Replies waiting for a slow client above which it is not read, bytes. Default 1 MiB. */
  readonly slowReaderPauseBytes?: number
  /** Replies and events waiting for a slow client above which it is cut off, bytes. Default 16 MiB. */
  readonly slowReaderCutBytes?: number
  /** Replies and events waiting for all clients together, bytes. Default 32 MiB. */
  readonly heldReplyBytes?: number
  /** Largest reply, bytes. Default 32 MiB. */
  readonly maxReplyBytes?: number
  /** Operations of one multi or multiRead. Default 3000. */
  readonly maxMultiOperations?: number
  /** Identities of one connection. Default 64. */
  readonly maxIdentities?: number
  /** Ephemerals of one session, about: creates above it are refused with QUOTA_EXCEEDED; 0 is unlimited. Default 20000. */
  readonly maxSessionEphemerals?: number
  /** Watches of one connection. Default 1000000. */
  readonly maxCnxnWatches?: number
  /** What the watches of one connection take, bytes, about. Default 64 MiB. */
  readonly maxCnxnWatchBytes?: number
  /** What all watches take, bytes, about. Default 512 MiB. */
  readonly maxWatchBytes?: number
  /** Largest request, bytes: `jute.maxbuffer`. A change holds for connections made afterwards. Default 1048575. */
  readonly juteMaxbuffer?: number
}

const MiB = 1 << 20

const settings = {
  maxClientCnxns: integer({
    key: 'maxClientCnxns',
    read: atLeast(0, parsedInt, true),
    byDefault: 60,
    min: 0,
    isLive: true,
  }),
  maxCnxns: integer({ key: 'maxCnxns', read: atLeast(0, decoded, true), byDefault: 0, min: 0, isLive: true }),
  globalOutstandingLimit: integer({
    key: 'globalOutstandingLimit',
    read: atLeast(1, decoded, true),
    byDefault: 1000,
    min: 1,
    isLive: true,
  }),
  connectionOutstandingLimit: integer({ key: 'connectionOutstandingLimit', byDefault: 1000, min: 1, isLive: true }),
  slowReaderPauseBytes: integer({ key: 'slowReaderPauseBytes', byDefault: MiB, min: 1, isLive: true }),
  slowReaderCutBytes: integer({ key: 'slowReaderCutBytes', byDefault: 16 * MiB, min: 1, isLive: true }),
  heldReplyBytes: integer({ key: 'heldReplyBytes', byDefault: 32 * MiB, min: 1, isLive: true }),
  maxReplyBytes: integer({ key: 'maxReplyBytes', byDefault: 32 * MiB, min: 1024, isLive: true }),
  maxMultiOperations: integer({ key: 'maxMultiOperations', byDefault: 3_000, min: 1, isLive: true }),
  maxIdentities: integer({ key: 'maxIdentities', byDefault: 64, min: 1, isLive: true }),
  maxSessionEphemerals: integer({ key: 'maxSessionEphemerals', byDefault: 20_000, min: 0, isLive: true }),
  maxCnxnWatches: integer({ key: 'maxCnxnWatches', byDefault: 1_000_000, min: 1, isLive: true }),
  maxCnxnWatchBytes: integer({ key: 'maxCnxnWatchBytes', byDefault: 64 * MiB, min: 1, isLive: true }),
  maxWatchBytes: integer({ key: 'maxWatchBytes', byDefault: 512 * MiB, min: 1, isLive: true }),
  juteMaxbuffer: integer({
    key: 'jute.maxbuffer',
    read: decoded,
    byDefault: frameBytesMaxDefault,
    min: 1024,
    isLive: true,
  }),
} satisfies SettingsFor<LimitOptions>

export const limits = {
  settings,
  idle: idleKeys([
    ...['jute.maxbuffer.extrasize', 'largeRequestMaxBytes', 'largeRequestThreshold', 'throttled_op_wait_time'],
    ...['connection_throttle_tokens', 'connection_throttle_fill_time', 'connection_throttle_fill_count'],
    ...['connection_throttle_freeze_time', 'connection_throttle_drop_increase', 'connection_throttle_drop_decrease'],
    ...['connection_throttle_decrease_ratio', 'connection_throttle_weight_enabled'],
    ...['connection_throttle_global_session_weight', 'connection_throttle_local_session_weight'],
    ...['connection_throttle_renew_session_weight', 'request_throttle_max_requests', 'request_throttle_stall_time'],
    ...['request_throttle_drop_stale', 'request_stale_latency_check', 'request_stale_connection_check'],
    ...['request_throttler.shutdownTimeout', 'maxResponseCacheSize', 'maxGetChildrenResponseCacheSize'],
  ]),
} as const satisfies Room
