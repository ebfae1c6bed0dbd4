// @ts-check
/**
 * Every record that we read or write, once: name, fields in wire order, source of the layout.
 *
 * A field is `[name, type]` or `[name, type, note]`. Types: boolean, int, long, ustring, buffer, the name of another
 * record, or `[]` around one of those for a vector. A `?` after a type marks the field that old peers leave out at the
 * end of a record (the `readOnly` flag of the connect records); there is at most one and it is the last.
 *
 * Nullness follows jute: a ustring, buffer or vector of length -1 is null and distinct from an empty one. Fields marked
 * `ustring!` or `[]…!` read null as the empty value: nothing tells the two apart there, and kazoo writes "" as null.
 *
 * @typedef {readonly [name: string, type: string, note?: string]} Field
 * @typedef {{ name: string, about: string, fields: readonly Field[], internal?: boolean }} RecordSpec
 */

/** @type {readonly RecordSpec[]} */
export const records = [
  // ---- shared pieces -------------------------------------------------------------------------------------------
  {
    name: 'Id',
    about:
      'The subject of an ACL entry: a scheme (`world`, `auth`, `digest`, `ip`, `x509`, `sasl`) and an id within it.',
    fields: [
      ['scheme', 'ustring!'],
      ['id', 'ustring!'],
    ],
  },
  {
    name: 'Acl',
    about: 'One entry of an access control list.',
    fields: [
      ['perms', 'int', 'bits: READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16'],
      ['id', 'Id'],
    ],
  },
  {
    name: 'Stat',
    about: 'The Stat of a znode, 68 bytes.',
    fields: [
      ['czxid', 'long', 'zxid of the transaction that created the znode'],
      ['mzxid', 'long', 'zxid of the last setData; the creation counts'],
      ['ctime', 'long', 'milliseconds since 1970 of the creation'],
      ['mtime', 'long', 'milliseconds since 1970 of the last setData'],
      ['version', 'int', 'number of setData since creation'],
      ['cversion', 'int', 'creates plus deletes of children'],
      ['aversion', 'int', 'number of setACL since creation'],
      [
        'ephemeralOwner',
        'long',
        'session id of an ephemeral; 0 for everything else, containers and TTL znodes included',
      ],
      ['dataLength', 'int', 'bytes of data'],
      ['numChildren', 'int', 'direct children'],
      ['pzxid', 'long', 'zxid of the last create or delete of a child; the creation zxid at first'],
    ],
  },

  // ---- connection ----------------------------------------------------------------------------------------------
  {
    name: 'ConnectRequest',
    about: 'First frame of a client, without a header.',
    fields: [
      ['protocolVersion', 'int', 'always 0'],
      ['lastZxidSeen', 'long', 'highest zxid of any ordinary reply so far, 0 for a new client'],
      ['timeOut', 'int', 'requested session timeout in milliseconds'],
      ['sessionId', 'long', '0 asks for a new session'],
      ['passwd', 'buffer', '16 bytes'],
      ['readOnly', 'boolean?', 'true accepts a read-only server'],
    ],
  },
  {
    name: 'ConnectResponse',
    about: 'First frame of a server, without a header.',
    fields: [
      ['protocolVersion', 'int', 'always 0'],
      ['timeOut', 'int', 'negotiated session timeout in milliseconds; 0 means the session is refused or has expired'],
      ['sessionId', 'long'],
      ['passwd', 'buffer', '16 bytes'],
      ['readOnly', 'boolean?', 'present only if the request carried the flag'],
    ],
  },
  {
    name: 'RequestHeader',
    about: 'In front of every request after the handshake.',
    fields: [
      ['xid', 'int', 'from 1 up for ordinary requests; -2 ping, -4 auth, -8 setWatches'],
      ['type', 'int', 'opcode'],
    ],
  },
  {
    name: 'ReplyHeader',
    about: 'In front of every reply; a response record follows only if err is 0.',
    fields: [
      ['xid', 'int', 'xid of the request, or -1 for a watch event'],
      ['zxid', 'long', 'last zxid the server had applied when it built the reply'],
      ['err', 'int', 'error number, 0 for success'],
    ],
  },
  {
    name: 'AuthPacket',
    about: 'Adds an identity to the connection.',
    fields: [
      ['type', 'int', 'ignored, 0'],
      ['scheme', 'ustring!'],
      ['auth', 'buffer'],
    ],
  },
  { name: 'GetSASLRequest', about: 'One SASL token of the client.', fields: [['token', 'buffer']] },
  { name: 'SetSASLResponse', about: 'One SASL token of the server.', fields: [['token', 'buffer']] },

  // ---- requests ------------------------------------------------------------------------------------------------
  {
    name: 'CreateRequest',
    about: 'Body of create, create2 and createContainer.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['acl', '[]Acl!'],
      ['flags', 'int', 'create mode, an enumeration and not a bit set'],
    ],
  },
  {
    name: 'CreateTTLRequest',
    about: 'Body of createTTL.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['acl', '[]Acl!'],
      ['flags', 'int', '5 or 6'],
      ['ttl', 'long', 'milliseconds'],
    ],
  },
  {
    name: 'DeleteRequest',
    about: 'Body of delete.',
    fields: [
      ['path', 'ustring!'],
      ['version', 'int', 'expected version, -1 for any'],
    ],
  },
  {
    name: 'PathWatchRequest',
    about: 'Body of exists, getData, getChildren and getChildren2.',
    fields: [
      ['path', 'ustring!'],
      ['watch', 'boolean', 'true leaves a one-shot watch'],
    ],
  },
  {
    name: 'SetDataRequest',
    about: 'Body of setData.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['version', 'int', 'expected version, -1 for any'],
    ],
  },
  { name: 'PathRequest', about: 'Body of getACL, sync and getAllChildrenNumber.', fields: [['path', 'ustring!']] },
  {
    name: 'SetACLRequest',
    about: 'Body of setACL.',
    fields: [
      ['path', 'ustring!'],
      ['acl', '[]Acl!'],
      ['version', 'int', 'expected aversion, -1 for any'],
    ],
  },
  {
    name: 'CheckVersionRequest',
    about: 'Body of check, inside a multi only.',
    fields: [
      ['path', 'ustring!'],
      ['version', 'int', 'expected version, -1 for any'],
    ],
  },
  {
    name: 'WatchesRequest',
    about: 'Body of checkWatches and removeWatches.',
    fields: [
      ['path', 'ustring!'],
      ['type', 'int', 'watcher type: 1 children, 2 data, 3 any, 4 persistent, 5 persistent recursive'],
    ],
  },
  {
    name: 'AddWatchRequest',
    about: 'Body of addWatch.',
    fields: [
      ['path', 'ustring!'],
      ['mode', 'int', '0 persistent, 1 persistent recursive'],
    ],
  },
  {
    name: 'SetWatches',
    about: 'Body of setWatches: the watches that a client had before it reconnected.',
    fields: [
      ['relativeZxid', 'long', 'changes after this zxid count as missed'],
      ['dataWatches', '[]ustring!'],
      ['existWatches', '[]ustring!'],
      ['childWatches', '[]ustring!'],
    ],
  },
  {
    name: 'SetWatches2',
    about: 'Body of setWatches2: setWatches and the persistent watches.',
    fields: [
      ['relativeZxid', 'long', 'changes after this zxid count as missed'],
      ['dataWatches', '[]ustring!'],
      ['existWatches', '[]ustring!'],
      ['childWatches', '[]ustring!'],
      ['persistentWatches', '[]ustring!'],
      ['persistentRecursiveWatches', '[]ustring!'],
    ],
  },
  {
    name: 'GetEphemeralsRequest',
    about: 'Body of getEphemerals.',
    fields: [['prefixPath', 'ustring!', 'null, blank or "/" asks for all']],
  },
  {
    name: 'ReconfigRequest',
    about: 'Body of reconfig, for ensembles.',
    fields: [
      ['joiningServers', 'ustring'],
      ['leavingServers', 'ustring'],
      ['newMembers', 'ustring'],
      ['curConfigId', 'long'],
    ],
  },

  // ---- responses -----------------------------------------------------------------------------------------------
  { name: 'PathResponse', about: 'Reply to create and sync.', fields: [['path', 'ustring!']] },
  {
    name: 'Create2Response',
    about: 'Reply to create2, createContainer and createTTL.',
    fields: [
      ['path', 'ustring!'],
      ['stat', 'Stat'],
    ],
  },
  { name: 'StatResponse', about: 'Reply to exists, setData and setACL.', fields: [['stat', 'Stat']] },
  {
    name: 'GetDataResponse',
    about: 'Reply to getData and reconfig.',
    fields: [
      ['data', 'buffer'],
      ['stat', 'Stat'],
    ],
  },
  {
    name: 'GetACLResponse',
    about: 'Reply to getACL.',
    fields: [
      ['acl', '[]Acl!'],
      ['stat', 'Stat'],
    ],
  },
  {
    name: 'GetChildrenResponse',
    about: 'Reply to getChildren.',
    fields: [['children', '[]ustring!', 'names, in no order']],
  },
  {
    name: 'GetChildren2Response',
    about: 'Reply to getChildren2.',
    fields: [
      ['children', '[]ustring!', 'names, in no order'],
      ['stat', 'Stat'],
    ],
  },
  {
    name: 'GetEphemeralsResponse',
    about: 'Reply to getEphemerals.',
    fields: [['ephemerals', '[]ustring!', 'full paths']],
  },
  {
    name: 'GetAllChildrenNumberResponse',
    about: 'Reply to getAllChildrenNumber.',
    fields: [['totalNumber', 'int', 'descendants, the znode itself not counted']],
  },
  {
    name: 'ClientInfo',
    about: 'One identity of a connection.',
    fields: [
      ['authScheme', 'ustring!'],
      ['user', 'ustring!'],
    ],
  },
  { name: 'WhoAmIResponse', about: 'Reply to whoAmI.', fields: [['clientInfo', '[]ClientInfo!']] },
  {
    name: 'ErrorResponse',
    about: 'Reply to addWatch (0), and the body of a failed operation in a multi.',
    fields: [['err', 'int']],
  },
  {
    name: 'MultiHeader',
    about: 'In front of every element of a multi, and alone at its end.',
    fields: [
      ['type', 'int', 'opcode; -1 for an error result and for the end'],
      ['done', 'boolean', 'true only at the end'],
      ['err', 'int', 'error number of a result; -1 in requests and at the end'],
    ],
  },
  {
    name: 'WatcherEvent',
    about: 'Body of a watch event.',
    fields: [
      ['type', 'int', '1 created, 2 deleted, 3 data changed, 4 children changed'],
      ['state', 'int', 'always 3 (SyncConnected) on the wire'],
      ['path', 'ustring!', 'the znode that changed, which need not be the one watched'],
    ],
  },

  // ---- transactions (zookeeper.jute, module org.apache.zookeeper.txn) ----------------------------------------------
  {
    name: 'TxnHeader',
    about: 'In front of every logged transaction.',
    fields: [
      ['clientId', 'long', 'session id'],
      ['cxid', 'int', 'xid of the request'],
      ['zxid', 'long'],
      ['time', 'long', 'wall clock when the request was prepared, milliseconds since 1970'],
      ['type', 'int', 'opcode'],
    ],
  },
  {
    name: 'TxnDigest',
    about: 'Digest of the tree after a transaction, behind its body.',
    fields: [
      ['version', 'int'],
      ['treeDigest', 'long'],
    ],
  },
  {
    name: 'CreateTxn',
    about: 'create and create2.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['acl', '[]Acl'],
      ['ephemeral', 'boolean'],
      ['parentCVersion', 'int'],
    ],
  },
  {
    name: 'CreateTTLTxn',
    about: 'createTTL.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['acl', '[]Acl'],
      ['parentCVersion', 'int'],
      ['ttl', 'long'],
    ],
  },
  {
    name: 'CreateContainerTxn',
    about: 'createContainer.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['acl', '[]Acl'],
      ['parentCVersion', 'int'],
    ],
  },
  { name: 'DeleteTxn', about: 'delete and deleteContainer.', fields: [['path', 'ustring!']] },
  {
    name: 'SetDataTxn',
    about: 'setData; version is the new one.',
    fields: [
      ['path', 'ustring!'],
      ['data', 'buffer'],
      ['version', 'int'],
    ],
  },
  {
    name: 'CheckVersionTxn',
    about: 'check, inside a multi.',
    fields: [
      ['path', 'ustring!'],
      ['version', 'int'],
    ],
  },
  {
    name: 'SetACLTxn',
    about: 'setACL; version is the new aversion.',
    fields: [
      ['path', 'ustring!'],
      ['acl', '[]Acl'],
      ['version', 'int'],
    ],
  },
  { name: 'CreateSessionTxn', about: 'createSession.', fields: [['timeOut', 'int']] },
  {
    name: 'CloseSessionTxn',
    about: 'closeSession, from 3.6 on with the ephemerals it removes.',
    fields: [['paths2Delete', '[]ustring!']],
  },
  { name: 'ErrorTxn', about: 'A write that failed; it also consumed a zxid.', fields: [['err', 'int']] },
  {
    name: 'Txn',
    about: 'One element of a MultiTxn: an opcode and the encoded transaction.',
    fields: [
      ['type', 'int'],
      ['data', 'buffer'],
    ],
  },
  { name: 'MultiTxn', about: 'multi.', fields: [['txns', '[]Txn!']] },
]
