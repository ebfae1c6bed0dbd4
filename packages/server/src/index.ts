/** A ZooKeeper server in TypeScript: Apache's wire protocol and data directory. */
export type { FiguresOfDay } from './admin/day.ts'
export { checkOptions } from './check.ts'
export { resolveConfig, type ServerConfig, type ServerOptions } from './config/config.ts'
export { ConfigError } from './config/config-error.ts'
export { type EffectiveSetting, effectiveSettings } from './config/effective.ts'
export type { Reload, SettingChange } from './config/live-config.ts'
export { optionsOf, parseZooCfg, type ZooCfg, type ZooCfgSources } from './config/zoo-cfg.ts'
export { loadMember, type RunningServer, startServer } from './server.ts'
export { type BackupOptions, type BackupResult, backup } from './storage/backup.ts'
export { continues } from './storage/continuity.ts'
export {
  type ClockStep,
  type DamagedPlace,
  type ExaminedDirectory,
  type ExaminedLog,
  type ExaminedSnapshot,
  type ExamineOptions,
  examine,
  type StartOutcome,
  type Stretch,
} from './storage/examine.ts'
export type { SessionHour } from './storage/examine-sessions.ts'
export type { ExaminedZnode } from './storage/examine-tree.ts'
export type { ImageSink } from './storage/image.ts'
export { type Inspect, type InspectedEntry, inspect } from './storage/inspect.ts'
export { RecoveryError } from './storage/recovery.ts'
export type { SnapshotEnd } from './storage/snapshot-file.ts'
export type { SnapshotResult } from './storage/storage.ts'
export {
  type DataFiles,
  dataFiles,
  firstTransaction,
  type Gap,
  type TransactionView,
  type TransactionVisitor,
  visitSnapshot,
  visitTransactions,
} from './storage/transactions.ts'
export type { LoggedTxn } from './storage/txn-codec.ts'
export type { ServerTlsOptions } from './tls/options.ts'
