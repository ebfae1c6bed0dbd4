// @ts-check
/**
 * Every opcode: number, request and response record (or null), the kind of operation, and the first release that has it.
 * Source: ZooDefs.java and zookeeper.jute.
 *
 * `kind`: write (ordered, consumes a zxid), read, ordered (in line but without a zxid), watch (this connection's watches),
 * control (handled while reading), internal (never valid from a client), part (inside a multi only).
 *
 * @typedef {{ name: string, code: number, request: string | null, response: string | null, kind: string, since: string }} OperationSpec
 */

/** @type {readonly OperationSpec[]} */
export const operations = [
  { name: 'notification', code: 0, request: null, response: 'WatcherEvent', kind: 'internal', since: '3.0.0' },
  { name: 'create', code: 1, request: 'CreateRequest', response: 'PathResponse', kind: 'write', since: '3.0.0' },
  { name: 'delete', code: 2, request: 'DeleteRequest', response: null, kind: 'write', since: '3.0.0' },
  { name: 'exists', code: 3, request: 'PathWatchRequest', response: 'StatResponse', kind: 'read', since: '3.0.0' },
  { name: 'getData', code: 4, request: 'PathWatchRequest', response: 'GetDataResponse', kind: 'read', since: '3.0.0' },
  { name: 'setData', code: 5, request: 'SetDataRequest', response: 'StatResponse', kind: 'write', since: '3.0.0' },
  { name: 'getACL', code: 6, request: 'PathRequest', response: 'GetACLResponse', kind: 'read', since: '3.0.0' },
  { name: 'setACL', code: 7, request: 'SetACLRequest', response: 'StatResponse', kind: 'write', since: '3.0.0' },
  {
    name: 'getChildren',
    code: 8,
    request: 'PathWatchRequest',
    response: 'GetChildrenResponse',
    kind: 'read',
    since: '3.0.0',
  },
  { name: 'sync', code: 9, request: 'PathRequest', response: 'PathResponse', kind: 'ordered', since: '3.0.0' },
  { name: 'ping', code: 11, request: null, response: null, kind: 'control', since: '3.0.0' },
  {
    name: 'getChildren2',
    code: 12,
    request: 'PathWatchRequest',
    response: 'GetChildren2Response',
    kind: 'read',
    since: '3.3.0',
  },
  { name: 'check', code: 13, request: 'CheckVersionRequest', response: null, kind: 'part', since: '3.4.0' },
  { name: 'multi', code: 14, request: 'MultiRequest', response: 'MultiResponse', kind: 'write', since: '3.4.0' },
  { name: 'create2', code: 15, request: 'CreateRequest', response: 'Create2Response', kind: 'write', since: '3.5.0' },
  {
    name: 'reconfig',
    code: 16,
    request: 'ReconfigRequest',
    response: 'GetDataResponse',
    kind: 'write',
    since: '3.5.0',
  },
  { name: 'checkWatches', code: 17, request: 'WatchesRequest', response: null, kind: 'watch', since: '3.5.0' },
  { name: 'removeWatches', code: 18, request: 'WatchesRequest', response: null, kind: 'watch', since: '3.5.0' },
  {
    name: 'createContainer',
    code: 19,
    request: 'CreateRequest',
    response: 'Create2Response',
    kind: 'write',
    since: '3.5.1',
  },
  { name: 'deleteContainer', code: 20, request: null, response: null, kind: 'internal', since: '3.5.1' },
  {
    name: 'createTTL',
    code: 21,
    request: 'CreateTTLRequest',
    response: 'Create2Response',
    kind: 'write',
    since: '3.5.3',
  },
  { name: 'multiRead', code: 22, request: 'MultiRequest', response: 'MultiResponse', kind: 'read', since: '3.6.0' },
  { name: 'auth', code: 100, request: 'AuthPacket', response: null, kind: 'control', since: '3.0.0' },
  { name: 'setWatches', code: 101, request: 'SetWatches', response: null, kind: 'watch', since: '3.0.0' },
  { name: 'sasl', code: 102, request: 'GetSASLRequest', response: 'SetSASLResponse', kind: 'control', since: '3.4.0' },
  {
    name: 'getEphemerals',
    code: 103,
    request: 'GetEphemeralsRequest',
    response: 'GetEphemeralsResponse',
    kind: 'read',
    since: '3.6.0',
  },
  {
    name: 'getAllChildrenNumber',
    code: 104,
    request: 'PathRequest',
    response: 'GetAllChildrenNumberResponse',
    kind: 'read',
    since: '3.6.0',
  },
  { name: 'setWatches2', code: 105, request: 'SetWatches2', response: null, kind: 'watch', since: '3.6.0' },
  { name: 'addWatch', code: 106, request: 'AddWatchRequest', response: 'ErrorResponse', kind: 'watch', since: '3.6.0' },
  { name: 'whoAmI', code: 107, request: null, response: 'WhoAmIResponse', kind: 'read', since: '3.7.0' },
  { name: 'createSession', code: -10, request: null, response: null, kind: 'internal', since: '3.0.0' },
  { name: 'closeSession', code: -11, request: null, response: null, kind: 'write', since: '3.0.0' },
  { name: 'error', code: -1, request: null, response: 'ErrorResponse', kind: 'internal', since: '3.0.0' },
]
