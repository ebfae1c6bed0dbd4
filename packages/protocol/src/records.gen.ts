// Generated from spec/ by generate.mjs; change the tables there and run `npm run generate`.

import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

function readElementString(reader: Reader): string {
  return reader.ustring() ?? ''
}

function writeElementString(writer: Writer, value: string): void {
  writer.ustring(value)
}

/** The subject of an ACL entry: a scheme (`world`, `auth`, `digest`, `ip`, `x509`, `sasl`) and an id within it. */
export interface Id {
  readonly scheme: string
  readonly id: string
}

export function readId(reader: Reader): Id {
  const scheme = reader.ustring() ?? ''
  const id = reader.ustring() ?? ''
  return { scheme, id }
}

export function writeId(writer: Writer, value: Id): void {
  writer.ustring(value.scheme)
  writer.ustring(value.id)
}

/** One entry of an access control list. */
export interface Acl {
  /** Bits: READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16. */
  readonly perms: number
  readonly id: Id
}

export function readAcl(reader: Reader): Acl {
  const perms = reader.int()
  const id = readId(reader)
  return { perms, id }
}

export function writeAcl(writer: Writer, value: Acl): void {
  writer.int(value.perms)
  writeId(writer, value.id)
}

/** The Stat of a znode, 68 bytes. */
export interface Stat {
  /** Zxid of the transaction that created the znode. */
  readonly czxid: bigint
  /** Zxid of the last setData; the creation counts. */
  readonly mzxid: bigint
  /** Milliseconds since 1970 of the creation. */
  readonly ctime: bigint
  /** Milliseconds since 1970 of the last setData. */
  readonly mtime: bigint
  /** Number of setData since creation. */
  readonly version: number
  /** Creates plus deletes of children. */
  readonly cversion: number
  /** Number of setACL since creation. */
  readonly aversion: number
  /** Session id of an ephemeral; 0 for everything else, containers and TTL znodes included. */
  readonly ephemeralOwner: bigint
  /** Bytes of data. */
  readonly dataLength: number
  /** Direct children. */
  readonly numChildren: number
  /** Zxid of the last create or delete of a child; the creation zxid at first. */
  readonly pzxid: bigint
}

export function readStat(reader: Reader): Stat {
  const czxid = reader.long()
  const mzxid = reader.long()
  const ctime = reader.long()
  const mtime = reader.long()
  const version = reader.int()
  const cversion = reader.int()
  const aversion = reader.int()
  const ephemeralOwner = reader.long()
  const dataLength = reader.int()
  const numChildren = reader.int()
  const pzxid = reader.long()
  return { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, dataLength, numChildren, pzxid }
}

export function writeStat(writer: Writer, value: Stat): void {
  writer.long(value.czxid)
  writer.long(value.mzxid)
  writer.long(value.ctime)
  writer.long(value.mtime)
  writer.int(value.version)
  writer.int(value.cversion)
  writer.int(value.aversion)
  writer.long(value.ephemeralOwner)
  writer.int(value.dataLength)
  writer.int(value.numChildren)
  writer.long(value.pzxid)
}

/** First frame of a client, without a header. */
export interface ConnectRequest {
  /** Always 0. */
  readonly protocolVersion: number
  /** Highest zxid of any ordinary reply so far, 0 for a new client. */
  readonly lastZxidSeen: bigint
  /** Requested session timeout in milliseconds. */
  readonly timeOut: number
  /** 0 asks for a new session. */
  readonly sessionId: bigint
  /** 16 bytes. */
  readonly passwd: Uint8Array | null
  /** True accepts a read-only server. */
  readonly readOnly?: boolean | undefined
}

export function readConnectRequest(reader: Reader): ConnectRequest {
  const protocolVersion = reader.int()
  const lastZxidSeen = reader.long()
  const timeOut = reader.int()
  const sessionId = reader.long()
  const passwd = reader.buffer()
  const readOnly = reader.remaining > 0 ? reader.boolean() : undefined
  return { protocolVersion, lastZxidSeen, timeOut, sessionId, passwd, readOnly }
}

export function writeConnectRequest(writer: Writer, value: ConnectRequest): void {
  writer.int(value.protocolVersion)
  writer.long(value.lastZxidSeen)
  writer.int(value.timeOut)
  writer.long(value.sessionId)
  writer.buffer(value.passwd)
  if (value.readOnly !== undefined) writer.boolean(value.readOnly)
}

/** First frame of a server, without a header. */
export interface ConnectResponse {
  /** Always 0. */
  readonly protocolVersion: number
  /** Negotiated session timeout in milliseconds; 0 means the session is refused or has expired. */
  readonly timeOut: number
  readonly sessionId: bigint
  /** 16 bytes. */
  readonly passwd: Uint8Array | null
  /** Present only if the request carried the flag. */
  readonly readOnly?: boolean | undefined
}

export function readConnectResponse(reader: Reader): ConnectResponse {
  const protocolVersion = reader.int()
  const timeOut = reader.int()
  const sessionId = reader.long()
  const passwd = reader.buffer()
  const readOnly = reader.remaining > 0 ? reader.boolean() : undefined
  return { protocolVersion, timeOut, sessionId, passwd, readOnly }
}

export function writeConnectResponse(writer: Writer, value: ConnectResponse): void {
  writer.int(value.protocolVersion)
  writer.int(value.timeOut)
  writer.long(value.sessionId)
  writer.buffer(value.passwd)
  if (value.readOnly !== undefined) writer.boolean(value.readOnly)
}

/** In front of every request after the handshake. */
export interface RequestHeader {
  /** From 1 up for ordinary requests; -2 ping, -4 auth, -8 setWatches. */
  readonly xid: number
  /** Opcode. */
  readonly type: number
}

export function readRequestHeader(reader: Reader): RequestHeader {
  const xid = reader.int()
  const type = reader.int()
  return { xid, type }
}

export function writeRequestHeader(writer: Writer, value: RequestHeader): void {
  writer.int(value.xid)
  writer.int(value.type)
}

/** In front of every reply; a response record follows only if err is 0. */
export interface ReplyHeader {
  /** Xid of the request, or -1 for a watch event. */
  readonly xid: number
  /** Last zxid the server had applied when it built the reply. */
  readonly zxid: bigint
  /** Error number, 0 for success. */
  readonly err: number
}

export function readReplyHeader(reader: Reader): ReplyHeader {
  const xid = reader.int()
  const zxid = reader.long()
  const err = reader.int()
  return { xid, zxid, err }
}

export function writeReplyHeader(writer: Writer, value: ReplyHeader): void {
  writer.int(value.xid)
  writer.long(value.zxid)
  writer.int(value.err)
}

/** Adds an identity to the connection. */
export interface AuthPacket {
  /** Ignored, 0. */
  readonly type: number
  readonly scheme: string
  readonly auth: Uint8Array | null
}

export function readAuthPacket(reader: Reader): AuthPacket {
  const type = reader.int()
  const scheme = reader.ustring() ?? ''
  const auth = reader.buffer()
  return { type, scheme, auth }
}

export function writeAuthPacket(writer: Writer, value: AuthPacket): void {
  writer.int(value.type)
  writer.ustring(value.scheme)
  writer.buffer(value.auth)
}

/** One SASL token of the client. */
export interface GetSASLRequest {
  readonly token: Uint8Array | null
}

export function readGetSASLRequest(reader: Reader): GetSASLRequest {
  const token = reader.buffer()
  return { token }
}

export function writeGetSASLRequest(writer: Writer, value: GetSASLRequest): void {
  writer.buffer(value.token)
}

/** One SASL token of the server. */
export interface SetSASLResponse {
  readonly token: Uint8Array | null
}

export function readSetSASLResponse(reader: Reader): SetSASLResponse {
  const token = reader.buffer()
  return { token }
}

export function writeSetSASLResponse(writer: Writer, value: SetSASLResponse): void {
  writer.buffer(value.token)
}

/** Body of create, create2 and createContainer. */
export interface CreateRequest {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[]
  /** Create mode, an enumeration and not a bit set. */
  readonly flags: number
}

export function readCreateRequest(reader: Reader): CreateRequest {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const acl = reader.vector(12, readAcl) ?? []
  const flags = reader.int()
  return { path, data, acl, flags }
}

export function writeCreateRequest(writer: Writer, value: CreateRequest): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.vector(value.acl, writeAcl)
  writer.int(value.flags)
}

/** Body of createTTL. */
export interface CreateTTLRequest {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[]
  /** 5 or 6. */
  readonly flags: number
  /** Milliseconds. */
  readonly ttl: bigint
}

export function readCreateTTLRequest(reader: Reader): CreateTTLRequest {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const acl = reader.vector(12, readAcl) ?? []
  const flags = reader.int()
  const ttl = reader.long()
  return { path, data, acl, flags, ttl }
}

export function writeCreateTTLRequest(writer: Writer, value: CreateTTLRequest): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.vector(value.acl, writeAcl)
  writer.int(value.flags)
  writer.long(value.ttl)
}

/** Body of delete. */
export interface DeleteRequest {
  readonly path: string
  /** Expected version, -1 for any. */
  readonly version: number
}

export function readDeleteRequest(reader: Reader): DeleteRequest {
  const path = reader.ustring() ?? ''
  const version = reader.int()
  return { path, version }
}

export function writeDeleteRequest(writer: Writer, value: DeleteRequest): void {
  writer.ustring(value.path)
  writer.int(value.version)
}

/** Body of exists, getData, getChildren and getChildren2. */
export interface PathWatchRequest {
  readonly path: string
  /** True leaves a one-shot watch. */
  readonly watch: boolean
}

export function readPathWatchRequest(reader: Reader): PathWatchRequest {
  const path = reader.ustring() ?? ''
  const watch = reader.boolean()
  return { path, watch }
}

export function writePathWatchRequest(writer: Writer, value: PathWatchRequest): void {
  writer.ustring(value.path)
  writer.boolean(value.watch)
}

/** Body of setData. */
export interface SetDataRequest {
  readonly path: string
  readonly data: Uint8Array | null
  /** Expected version, -1 for any. */
  readonly version: number
}

export function readSetDataRequest(reader: Reader): SetDataRequest {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const version = reader.int()
  return { path, data, version }
}

export function writeSetDataRequest(writer: Writer, value: SetDataRequest): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.int(value.version)
}

/** Body of getACL, sync and getAllChildrenNumber. */
export interface PathRequest {
  readonly path: string
}

export function readPathRequest(reader: Reader): PathRequest {
  const path = reader.ustring() ?? ''
  return { path }
}

export function writePathRequest(writer: Writer, value: PathRequest): void {
  writer.ustring(value.path)
}

/** Body of setACL. */
export interface SetACLRequest {
  readonly path: string
  readonly acl: readonly Acl[]
  /** Expected aversion, -1 for any. */
  readonly version: number
}

export function readSetACLRequest(reader: Reader): SetACLRequest {
  const path = reader.ustring() ?? ''
  const acl = reader.vector(12, readAcl) ?? []
  const version = reader.int()
  return { path, acl, version }
}

export function writeSetACLRequest(writer: Writer, value: SetACLRequest): void {
  writer.ustring(value.path)
  writer.vector(value.acl, writeAcl)
  writer.int(value.version)
}

/** Body of check, inside a multi only. */
export interface CheckVersionRequest {
  readonly path: string
  /** Expected version, -1 for any. */
  readonly version: number
}

export function readCheckVersionRequest(reader: Reader): CheckVersionRequest {
  const path = reader.ustring() ?? ''
  const version = reader.int()
  return { path, version }
}

export function writeCheckVersionRequest(writer: Writer, value: CheckVersionRequest): void {
  writer.ustring(value.path)
  writer.int(value.version)
}

/** Body of checkWatches and removeWatches. */
export interface WatchesRequest {
  readonly path: string
  /** Watcher type: 1 children, 2 data, 3 any, 4 persistent, 5 persistent recursive. */
  readonly type: number
}

export function readWatchesRequest(reader: Reader): WatchesRequest {
  const path = reader.ustring() ?? ''
  const type = reader.int()
  return { path, type }
}

export function writeWatchesRequest(writer: Writer, value: WatchesRequest): void {
  writer.ustring(value.path)
  writer.int(value.type)
}

/** Body of addWatch. */
export interface AddWatchRequest {
  readonly path: string
  /** 0 persistent, 1 persistent recursive. */
  readonly mode: number
}

export function readAddWatchRequest(reader: Reader): AddWatchRequest {
  const path = reader.ustring() ?? ''
  const mode = reader.int()
  return { path, mode }
}

export function writeAddWatchRequest(writer: Writer, value: AddWatchRequest): void {
  writer.ustring(value.path)
  writer.int(value.mode)
}

/** Body of setWatches: the watches that a client had before it reconnected. */
export interface SetWatches {
  /** Changes after this zxid count as missed. */
  readonly relativeZxid: bigint
  readonly dataWatches: readonly string[]
  readonly existWatches: readonly string[]
  readonly childWatches: readonly string[]
}

export function readSetWatches(reader: Reader): SetWatches {
  const relativeZxid = reader.long()
  const dataWatches = reader.vector(4, readElementString) ?? []
  const existWatches = reader.vector(4, readElementString) ?? []
  const childWatches = reader.vector(4, readElementString) ?? []
  return { relativeZxid, dataWatches, existWatches, childWatches }
}

export function writeSetWatches(writer: Writer, value: SetWatches): void {
  writer.long(value.relativeZxid)
  writer.vector(value.dataWatches, writeElementString)
  writer.vector(value.existWatches, writeElementString)
  writer.vector(value.childWatches, writeElementString)
}

/** Body of setWatches2: setWatches and the persistent watches. */
export interface SetWatches2 {
  /** Changes after this zxid count as missed. */
  readonly relativeZxid: bigint
  readonly dataWatches: readonly string[]
  readonly existWatches: readonly string[]
  readonly childWatches: readonly string[]
  readonly persistentWatches: readonly string[]
  readonly persistentRecursiveWatches: readonly string[]
}

export function readSetWatches2(reader: Reader): SetWatches2 {
  const relativeZxid = reader.long()
  const dataWatches = reader.vector(4, readElementString) ?? []
  const existWatches = reader.vector(4, readElementString) ?? []
  const childWatches = reader.vector(4, readElementString) ?? []
  const persistentWatches = reader.vector(4, readElementString) ?? []
  const persistentRecursiveWatches = reader.vector(4, readElementString) ?? []
  return { relativeZxid, dataWatches, existWatches, childWatches, persistentWatches, persistentRecursiveWatches }
}

export function writeSetWatches2(writer: Writer, value: SetWatches2): void {
  writer.long(value.relativeZxid)
  writer.vector(value.dataWatches, writeElementString)
  writer.vector(value.existWatches, writeElementString)
  writer.vector(value.childWatches, writeElementString)
  writer.vector(value.persistentWatches, writeElementString)
  writer.vector(value.persistentRecursiveWatches, writeElementString)
}

/** Body of getEphemerals. */
export interface GetEphemeralsRequest {
  /** Null, blank or "/" asks for all. */
  readonly prefixPath: string
}

export function readGetEphemeralsRequest(reader: Reader): GetEphemeralsRequest {
  const prefixPath = reader.ustring() ?? ''
  return { prefixPath }
}

export function writeGetEphemeralsRequest(writer: Writer, value: GetEphemeralsRequest): void {
  writer.ustring(value.prefixPath)
}

/** Body of reconfig, for ensembles. */
export interface ReconfigRequest {
  readonly joiningServers: string | null
  readonly leavingServers: string | null
  readonly newMembers: string | null
  readonly curConfigId: bigint
}

export function readReconfigRequest(reader: Reader): ReconfigRequest {
  const joiningServers = reader.ustring()
  const leavingServers = reader.ustring()
  const newMembers = reader.ustring()
  const curConfigId = reader.long()
  return { joiningServers, leavingServers, newMembers, curConfigId }
}

export function writeReconfigRequest(writer: Writer, value: ReconfigRequest): void {
  writer.ustring(value.joiningServers)
  writer.ustring(value.leavingServers)
  writer.ustring(value.newMembers)
  writer.long(value.curConfigId)
}

/** Reply to create and sync. */
export interface PathResponse {
  readonly path: string
}

export function readPathResponse(reader: Reader): PathResponse {
  const path = reader.ustring() ?? ''
  return { path }
}

export function writePathResponse(writer: Writer, value: PathResponse): void {
  writer.ustring(value.path)
}

/** Reply to create2, createContainer and createTTL. */
export interface Create2Response {
  readonly path: string
  readonly stat: Stat
}

export function readCreate2Response(reader: Reader): Create2Response {
  const path = reader.ustring() ?? ''
  const stat = readStat(reader)
  return { path, stat }
}

export function writeCreate2Response(writer: Writer, value: Create2Response): void {
  writer.ustring(value.path)
  writeStat(writer, value.stat)
}

/** Reply to exists, setData and setACL. */
export interface StatResponse {
  readonly stat: Stat
}

export function readStatResponse(reader: Reader): StatResponse {
  const stat = readStat(reader)
  return { stat }
}

export function writeStatResponse(writer: Writer, value: StatResponse): void {
  writeStat(writer, value.stat)
}

/** Reply to getData and reconfig. */
export interface GetDataResponse {
  readonly data: Uint8Array | null
  readonly stat: Stat
}

export function readGetDataResponse(reader: Reader): GetDataResponse {
  const data = reader.buffer()
  const stat = readStat(reader)
  return { data, stat }
}

export function writeGetDataResponse(writer: Writer, value: GetDataResponse): void {
  writer.buffer(value.data)
  writeStat(writer, value.stat)
}

/** Reply to getACL. */
export interface GetACLResponse {
  readonly acl: readonly Acl[]
  readonly stat: Stat
}

export function readGetACLResponse(reader: Reader): GetACLResponse {
  const acl = reader.vector(12, readAcl) ?? []
  const stat = readStat(reader)
  return { acl, stat }
}

export function writeGetACLResponse(writer: Writer, value: GetACLResponse): void {
  writer.vector(value.acl, writeAcl)
  writeStat(writer, value.stat)
}

/** Reply to getChildren. */
export interface GetChildrenResponse {
  /** Names, in no order. */
  readonly children: readonly string[]
}

export function readGetChildrenResponse(reader: Reader): GetChildrenResponse {
  const children = reader.vector(4, readElementString) ?? []
  return { children }
}

export function writeGetChildrenResponse(writer: Writer, value: GetChildrenResponse): void {
  writer.vector(value.children, writeElementString)
}

/** Reply to getChildren2. */
export interface GetChildren2Response {
  /** Names, in no order. */
  readonly children: readonly string[]
  readonly stat: Stat
}

export function readGetChildren2Response(reader: Reader): GetChildren2Response {
  const children = reader.vector(4, readElementString) ?? []
  const stat = readStat(reader)
  return { children, stat }
}

export function writeGetChildren2Response(writer: Writer, value: GetChildren2Response): void {
  writer.vector(value.children, writeElementString)
  writeStat(writer, value.stat)
}

/** Reply to getEphemerals. */
export interface GetEphemeralsResponse {
  /** Full paths. */
  readonly ephemerals: readonly string[]
}

export function readGetEphemeralsResponse(reader: Reader): GetEphemeralsResponse {
  const ephemerals = reader.vector(4, readElementString) ?? []
  return { ephemerals }
}

export function writeGetEphemeralsResponse(writer: Writer, value: GetEphemeralsResponse): void {
  writer.vector(value.ephemerals, writeElementString)
}

/** Reply to getAllChildrenNumber. */
export interface GetAllChildrenNumberResponse {
  /** Descendants, the znode itself not counted. */
  readonly totalNumber: number
}

export function readGetAllChildrenNumberResponse(reader: Reader): GetAllChildrenNumberResponse {
  const totalNumber = reader.int()
  return { totalNumber }
}

export function writeGetAllChildrenNumberResponse(writer: Writer, value: GetAllChildrenNumberResponse): void {
  writer.int(value.totalNumber)
}

/** One identity of a connection. */
export interface ClientInfo {
  readonly authScheme: string
  readonly user: string
}

export function readClientInfo(reader: Reader): ClientInfo {
  const authScheme = reader.ustring() ?? ''
  const user = reader.ustring() ?? ''
  return { authScheme, user }
}

export function writeClientInfo(writer: Writer, value: ClientInfo): void {
  writer.ustring(value.authScheme)
  writer.ustring(value.user)
}

/** Reply to whoAmI. */
export interface WhoAmIResponse {
  readonly clientInfo: readonly ClientInfo[]
}

export function readWhoAmIResponse(reader: Reader): WhoAmIResponse {
  const clientInfo = reader.vector(8, readClientInfo) ?? []
  return { clientInfo }
}

export function writeWhoAmIResponse(writer: Writer, value: WhoAmIResponse): void {
  writer.vector(value.clientInfo, writeClientInfo)
}

/** Reply to addWatch (0), and the body of a failed operation in a multi. */
export interface ErrorResponse {
  readonly err: number
}

export function readErrorResponse(reader: Reader): ErrorResponse {
  const err = reader.int()
  return { err }
}

export function writeErrorResponse(writer: Writer, value: ErrorResponse): void {
  writer.int(value.err)
}

/** In front of every element of a multi, and alone at its end. */
export interface MultiHeader {
  /** Opcode; -1 for an error result and for the end. */
  readonly type: number
  /** True only at the end. */
  readonly done: boolean
  /** Error number of a result; -1 in requests and at the end. */
  readonly err: number
}

export function readMultiHeader(reader: Reader): MultiHeader {
  const type = reader.int()
  const done = reader.boolean()
  const err = reader.int()
  return { type, done, err }
}

export function writeMultiHeader(writer: Writer, value: MultiHeader): void {
  writer.int(value.type)
  writer.boolean(value.done)
  writer.int(value.err)
}

/** Body of a watch event. */
export interface WatcherEvent {
  /** 1 created, 2 deleted, 3 data changed, 4 children changed. */
  readonly type: number
  /** Always 3 (SyncConnected) on the wire. */
  readonly state: number
  /** The znode that changed, which need not be the one watched. */
  readonly path: string
}

export function readWatcherEvent(reader: Reader): WatcherEvent {
  const type = reader.int()
  const state = reader.int()
  const path = reader.ustring() ?? ''
  return { type, state, path }
}

export function writeWatcherEvent(writer: Writer, value: WatcherEvent): void {
  writer.int(value.type)
  writer.int(value.state)
  writer.ustring(value.path)
}

/** In front of every logged transaction. */
export interface TxnHeader {
  /** Session id. */
  readonly clientId: bigint
  /** Xid of the request. */
  readonly cxid: number
  readonly zxid: bigint
  /** Wall clock when the request was prepared, milliseconds since 1970. */
  readonly time: bigint
  /** Opcode. */
  readonly type: number
}

export function readTxnHeader(reader: Reader): TxnHeader {
  const clientId = reader.long()
  const cxid = reader.int()
  const zxid = reader.long()
  const time = reader.long()
  const type = reader.int()
  return { clientId, cxid, zxid, time, type }
}

export function writeTxnHeader(writer: Writer, value: TxnHeader): void {
  writer.long(value.clientId)
  writer.int(value.cxid)
  writer.long(value.zxid)
  writer.long(value.time)
  writer.int(value.type)
}

/** Digest of the tree after a transaction, behind its body. */
export interface TxnDigest {
  readonly version: number
  readonly treeDigest: bigint
}

export function readTxnDigest(reader: Reader): TxnDigest {
  const version = reader.int()
  const treeDigest = reader.long()
  return { version, treeDigest }
}

export function writeTxnDigest(writer: Writer, value: TxnDigest): void {
  writer.int(value.version)
  writer.long(value.treeDigest)
}

/** create and create2. */
export interface CreateTxn {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[] | null
  readonly ephemeral: boolean
  readonly parentCVersion: number
}

export function readCreateTxn(reader: Reader): CreateTxn {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const acl = reader.vector(12, readAcl)
  const ephemeral = reader.boolean()
  const parentCVersion = reader.int()
  return { path, data, acl, ephemeral, parentCVersion }
}

export function writeCreateTxn(writer: Writer, value: CreateTxn): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.vector(value.acl, writeAcl)
  writer.boolean(value.ephemeral)
  writer.int(value.parentCVersion)
}

/** createTTL. */
export interface CreateTTLTxn {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[] | null
  readonly parentCVersion: number
  readonly ttl: bigint
}

export function readCreateTTLTxn(reader: Reader): CreateTTLTxn {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const acl = reader.vector(12, readAcl)
  const parentCVersion = reader.int()
  const ttl = reader.long()
  return { path, data, acl, parentCVersion, ttl }
}

export function writeCreateTTLTxn(writer: Writer, value: CreateTTLTxn): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.vector(value.acl, writeAcl)
  writer.int(value.parentCVersion)
  writer.long(value.ttl)
}

/** createContainer. */
export interface CreateContainerTxn {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly Acl[] | null
  readonly parentCVersion: number
}

export function readCreateContainerTxn(reader: Reader): CreateContainerTxn {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const acl = reader.vector(12, readAcl)
  const parentCVersion = reader.int()
  return { path, data, acl, parentCVersion }
}

export function writeCreateContainerTxn(writer: Writer, value: CreateContainerTxn): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.vector(value.acl, writeAcl)
  writer.int(value.parentCVersion)
}

/** delete and deleteContainer. */
export interface DeleteTxn {
  readonly path: string
}

export function readDeleteTxn(reader: Reader): DeleteTxn {
  const path = reader.ustring() ?? ''
  return { path }
}

export function writeDeleteTxn(writer: Writer, value: DeleteTxn): void {
  writer.ustring(value.path)
}

/** setData; version is the new one. */
export interface SetDataTxn {
  readonly path: string
  readonly data: Uint8Array | null
  readonly version: number
}

export function readSetDataTxn(reader: Reader): SetDataTxn {
  const path = reader.ustring() ?? ''
  const data = reader.buffer()
  const version = reader.int()
  return { path, data, version }
}

export function writeSetDataTxn(writer: Writer, value: SetDataTxn): void {
  writer.ustring(value.path)
  writer.buffer(value.data)
  writer.int(value.version)
}

/** check, inside a multi. */
export interface CheckVersionTxn {
  readonly path: string
  readonly version: number
}

export function readCheckVersionTxn(reader: Reader): CheckVersionTxn {
  const path = reader.ustring() ?? ''
  const version = reader.int()
  return { path, version }
}

export function writeCheckVersionTxn(writer: Writer, value: CheckVersionTxn): void {
  writer.ustring(value.path)
  writer.int(value.version)
}

/** setACL; version is the new aversion. */
export interface SetACLTxn {
  readonly path: string
  readonly acl: readonly Acl[] | null
  readonly version: number
}

export function readSetACLTxn(reader: Reader): SetACLTxn {
  const path = reader.ustring() ?? ''
  const acl = reader.vector(12, readAcl)
  const version = reader.int()
  return { path, acl, version }
}

export function writeSetACLTxn(writer: Writer, value: SetACLTxn): void {
  writer.ustring(value.path)
  writer.vector(value.acl, writeAcl)
  writer.int(value.version)
}

/** createSession. */
export interface CreateSessionTxn {
  readonly timeOut: number
}

export function readCreateSessionTxn(reader: Reader): CreateSessionTxn {
  const timeOut = reader.int()
  return { timeOut }
}

export function writeCreateSessionTxn(writer: Writer, value: CreateSessionTxn): void {
  writer.int(value.timeOut)
}

/** closeSession, from 3.6 on with the ephemerals it removes. */
export interface CloseSessionTxn {
  readonly paths2Delete: readonly string[]
}

export function readCloseSessionTxn(reader: Reader): CloseSessionTxn {
  const paths2Delete = reader.vector(4, readElementString) ?? []
  return { paths2Delete }
}

export function writeCloseSessionTxn(writer: Writer, value: CloseSessionTxn): void {
  writer.vector(value.paths2Delete, writeElementString)
}

/** A write that failed; it also consumed a zxid. */
export interface ErrorTxn {
  readonly err: number
}

export function readErrorTxn(reader: Reader): ErrorTxn {
  const err = reader.int()
  return { err }
}

export function writeErrorTxn(writer: Writer, value: ErrorTxn): void {
  writer.int(value.err)
}

/** One element of a MultiTxn: an opcode and the encoded transaction. */
export interface Txn {
  readonly type: number
  readonly data: Uint8Array | null
}

export function readTxn(reader: Reader): Txn {
  const type = reader.int()
  const data = reader.buffer()
  return { type, data }
}

export function writeTxn(writer: Writer, value: Txn): void {
  writer.int(value.type)
  writer.buffer(value.data)
}

/** multi. */
export interface MultiTxn {
  readonly txns: readonly Txn[]
}

export function readMultiTxn(reader: Reader): MultiTxn {
  const txns = reader.vector(8, readTxn) ?? []
  return { txns }
}

export function writeMultiTxn(writer: Writer, value: MultiTxn): void {
  writer.vector(value.txns, writeTxn)
}
