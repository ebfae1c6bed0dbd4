/** The log of the server and the audit log. */
import { looseBoolean } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { flag, integer, oneOf, path, type SettingsFor } from '../setting.ts'

export interface LogOptions {
  /** The least that is logged: `debug`, `info`, `warn` or `error`. Default `debug`: the log of the host decides. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
  /** Write an audit log of what clients change. Default false. */
  readonly auditEnabled?: boolean
  /** File of the audit log, made if it is missing. Default none: it is part of the log, at level info. */
  readonly auditFile?: string | undefined
  /** Size above which the audit log begins a new file, bytes. Default 10485760. */
  readonly auditMaxFileBytes?: number
  /** Full files of the audit log that are kept. Default 10. */
  readonly auditMaxFiles?: number
}

const settings = {
  logLevel: oneOf({
    key: 'log.level',
    read: (value) => value.toLowerCase(),
    words: ['debug', 'info', 'warn', 'error'],
    byDefault: 'debug',
    isLive: true,
  }),
  auditEnabled: flag({ key: 'audit.enable', read: looseBoolean, byDefault: false }),
  auditFile: path({ key: 'audit.file', what: 'file' }),
  auditMaxFileBytes: integer({ key: 'audit.maxFileBytes', byDefault: 10 << 20, min: 1024 }),
  auditMaxFiles: integer({ key: 'audit.maxFiles', byDefault: 10, min: 0, max: 1_000 }),
} satisfies SettingsFor<LogOptions>

export const log = {
  settings,
  idle: idleKeys([
    ...['audit.impl.class', 'jmx.log4j.disable', 'messageTracker.BufferSize', 'messageTracker.Enabled'],
    ...['warningthresholdms', 'log.dir', 'log.file', 'log.threshold', 'root.logger', 'console.threshold'],
  ]),
} as const satisfies Room
