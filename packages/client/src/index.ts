/** A ZooKeeper client for Node: one object for the life of a process. */
export {
  type Acl,
  creatorAcl,
  type FailedOperation,
  KeeperError,
  type Outcome,
  openAcl,
  permission,
  readOnlyAcl,
  sequenceOf,
  type ZnodePath,
} from '@lightkeeper/protocol'
export type { Clock, Log, LogFact, LogLevel, Random, Timer, TlsOptions } from '@lightkeeper/runtime'
export { digestAcl } from './auth/digest-acl.ts'
export { type DigestMd5Options, digestMd5, type Secret } from './auth/digest-md5.ts'
export type { SaslContext, SaslExchange, SaslMechanism, SaslStep } from './auth/sasl.ts'
export type { Tls } from './auth/tls.ts'
export { Client } from './client.ts'
export { bytes, type Codec, json, SchemaError, type StandardIssue, type StandardSchema, text } from './codec.ts'
export { type ConnectTarget, connect } from './connect.ts'
export { type Value, ZnodeHandle } from './node.ts'
export type { CreateResult } from './operations/create.ts'
export {
  type CreatedInTransaction,
  op,
  type TransactionOp,
  type TransactionResults,
} from './operations/op.ts'
export type {
  ChildrenResult,
  ExistenceResult,
  GetResult,
  Identity,
  ManyResult,
} from './operations/reads.ts'
export type { EnsembleConfiguration } from './operations/reconfigure.ts'
export type {
  AuthOption,
  CallOptions,
  ConnectOptions,
  CopyOptions,
  CreateOptions,
  Credentials,
  Data,
  DeleteOptions,
  EnsureOptions,
  ManyRead,
  MemberChange,
  ReadOptions,
  TransactionOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
  WriteOptions,
} from './options.ts'
export { ReadyRequest } from './ready-request.ts'
export type { Hold } from './session/balance.ts'
export { Lease } from './session/lease.ts'
export type { Closing, SessionLosses, SessionState, SessionStateKind } from './session/states.ts'
export type { ClientStats, LatencyStats } from './session/stats.ts'
export type { WatchedEvent } from './session/watch-registry.ts'
export { ZnodeStat } from './stat.ts'
export type {
  ChangedChange,
  CreatedChange,
  DeletedChange,
  UnreadableChange,
  Via,
  WatchChange,
  ZnodeSnapshot,
} from './watch/change.ts'
export type { Tree } from './watch/read-tree.ts'
