// Generated from spec/ by generate.mjs; change the tables there and run `npm run generate`.

export interface KeeperCodeRow {
  /** The number on the wire. */
  readonly number: number
  readonly text: string
  /** The same call may succeed later without anyone changing it. */
  readonly retry: boolean
}

/** Every error of the protocol by its code. */
export const keeperCodes = {
  SYSTEM_ERROR: { number: -1, text: 'System error', retry: false },
  RUNTIME_INCONSISTENCY: { number: -2, text: 'Skipped because an earlier operation of the transaction failed', retry: false },
  DATA_INCONSISTENCY: { number: -3, text: 'The server found its data inconsistent', retry: false },
  CONNECTION_LOSS: { number: -4, text: 'The connection was lost before the reply', retry: true },
  MARSHALLING_ERROR: { number: -5, text: 'The server could not read the request', retry: false },
  UNIMPLEMENTED: { number: -6, text: 'The server does not implement this operation', retry: false },
  OPERATION_TIMEOUT: { number: -7, text: 'The operation timed out', retry: true },
  BAD_ARGUMENTS: { number: -8, text: 'Invalid path, mode, TTL or other argument', retry: false },
  INVALID_STATE: { number: -9, text: 'The client is in no state to do this', retry: false },
  UNKNOWN_SESSION: { number: -12, text: 'The server does not know the session', retry: false },
  NEW_CONFIG_NO_QUORUM: { number: -13, text: 'No quorum of the new configuration is connected', retry: true },
  RECONFIG_IN_PROGRESS: { number: -14, text: 'Another reconfiguration is in progress', retry: true },
  SSL_CONNECTION_ERROR: { number: -15, text: 'The TLS connection failed', retry: true },
  API_ERROR: { number: -100, text: 'API error', retry: false },
  NO_NODE: { number: -101, text: 'No such znode', retry: false },
  NO_AUTH: { number: -102, text: 'Not permitted by the ACL', retry: false },
  BAD_VERSION: { number: -103, text: 'The version is not the expected one', retry: false },
  NO_CHILDREN_FOR_EPHEMERALS: { number: -108, text: 'An ephemeral znode cannot have children', retry: false },
  NODE_EXISTS: { number: -110, text: 'The znode exists already', retry: false },
  NOT_EMPTY: { number: -111, text: 'The znode has children', retry: false },
  SESSION_EXPIRED: { number: -112, text: 'The session has expired', retry: false },
  INVALID_CALLBACK: { number: -113, text: 'Invalid callback', retry: false },
  INVALID_ACL: { number: -114, text: 'The ACL is empty or not valid', retry: false },
  AUTH_FAILED: { number: -115, text: 'Authentication failed', retry: false },
  CLOSING: { number: -116, text: 'The client is closing', retry: false },
  NOTHING: { number: -117, text: 'No response to process', retry: false },
  SESSION_MOVED: { number: -118, text: 'The session has moved to another connection', retry: true },
  NOT_READ_ONLY: { number: -119, text: 'A write was sent to a read-only server', retry: true },
  EPHEMERAL_ON_LOCAL_SESSION: { number: -120, text: 'A local session cannot own ephemeral znodes', retry: false },
  NO_WATCHER: { number: -121, text: 'No such watch', retry: false },
  REQUEST_TIMEOUT: { number: -122, text: 'The request timed out', retry: true },
  RECONFIG_DISABLED: { number: -123, text: 'Reconfiguration is disabled', retry: false },
  SESSION_CLOSED_REQUIRE_SASL_AUTH: { number: -124, text: 'The server requires authentication', retry: false },
  QUOTA_EXCEEDED: { number: -125, text: 'A hard quota would be exceeded', retry: false },
  THROTTLED_OP: { number: -127, text: 'The server is overloaded and did not execute the operation', retry: true },
} as const satisfies Record<string, KeeperCodeRow>

export type KeeperCode = keyof typeof keeperCodes
