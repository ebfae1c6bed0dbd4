// @ts-check
/**
 * Every error number: the code that users match, the sentence that they read, and whether the same call may succeed later without
 * any change. Source: KeeperException.java; -9, -15, -116 and -117 come from the C client's header.
 *
 * @typedef {{ code: string, number: number, text: string, retry: boolean }} ErrorSpec
 */

/** @type {readonly ErrorSpec[]} */
export const errors = [
  { code: 'SYSTEM_ERROR', number: -1, text: 'System error', retry: false },
  {
    code: 'RUNTIME_INCONSISTENCY',
    number: -2,
    text: 'Skipped because an earlier operation of the transaction failed',
    retry: false,
  },
  { code: 'DATA_INCONSISTENCY', number: -3, text: 'The server found its data inconsistent', retry: false },
  { code: 'CONNECTION_LOSS', number: -4, text: 'The connection was lost before the reply', retry: true },
  { code: 'MARSHALLING_ERROR', number: -5, text: 'The server could not read the request', retry: false },
  { code: 'UNIMPLEMENTED', number: -6, text: 'The server does not implement this operation', retry: false },
  { code: 'OPERATION_TIMEOUT', number: -7, text: 'The operation timed out', retry: true },
  { code: 'BAD_ARGUMENTS', number: -8, text: 'Invalid path, mode, TTL or other argument', retry: false },
  { code: 'INVALID_STATE', number: -9, text: 'The client is in no state to do this', retry: false },
  { code: 'UNKNOWN_SESSION', number: -12, text: 'The server does not know the session', retry: false },
  { code: 'NEW_CONFIG_NO_QUORUM', number: -13, text: 'No quorum of the new configuration is connected', retry: true },
  { code: 'RECONFIG_IN_PROGRESS', number: -14, text: 'Another reconfiguration is in progress', retry: true },
  { code: 'SSL_CONNECTION_ERROR', number: -15, text: 'The TLS connection failed', retry: true },
  { code: 'API_ERROR', number: -100, text: 'API error', retry: false },
  { code: 'NO_NODE', number: -101, text: 'No such znode', retry: false },
  { code: 'NO_AUTH', number: -102, text: 'Not permitted by the ACL', retry: false },
  { code: 'BAD_VERSION', number: -103, text: 'The version is not the expected one', retry: false },
  { code: 'NO_CHILDREN_FOR_EPHEMERALS', number: -108, text: 'An ephemeral znode cannot have children', retry: false },
  { code: 'NODE_EXISTS', number: -110, text: 'The znode exists already', retry: false },
  { code: 'NOT_EMPTY', number: -111, text: 'The znode has children', retry: false },
  { code: 'SESSION_EXPIRED', number: -112, text: 'The session has expired', retry: false },
  { code: 'INVALID_CALLBACK', number: -113, text: 'Invalid callback', retry: false },
  { code: 'INVALID_ACL', number: -114, text: 'The ACL is empty or not valid', retry: false },
  { code: 'AUTH_FAILED', number: -115, text: 'Authentication failed', retry: false },
  { code: 'CLOSING', number: -116, text: 'The client is closing', retry: false },
  { code: 'NOTHING', number: -117, text: 'No response to process', retry: false },
  { code: 'SESSION_MOVED', number: -118, text: 'The session has moved to another connection', retry: true },
  { code: 'NOT_READ_ONLY', number: -119, text: 'A write was sent to a read-only server', retry: true },
  {
    code: 'EPHEMERAL_ON_LOCAL_SESSION',
    number: -120,
    text: 'A local session cannot own ephemeral znodes',
    retry: false,
  },
  { code: 'NO_WATCHER', number: -121, text: 'No such watch', retry: false },
  { code: 'REQUEST_TIMEOUT', number: -122, text: 'The request timed out', retry: true },
  { code: 'RECONFIG_DISABLED', number: -123, text: 'Reconfiguration is disabled', retry: false },
  { code: 'SESSION_CLOSED_REQUIRE_SASL_AUTH', number: -124, text: 'The server requires authentication', retry: false },
  { code: 'QUOTA_EXCEEDED', number: -125, text: 'A hard quota would be exceeded', retry: false },
  {
    code: 'THROTTLED_OP',
    number: -127,
    text: 'The server is overloaded and did not execute the operation',
    retry: true,
  },
]
