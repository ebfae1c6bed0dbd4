/** The log of the server and the audit log. */
import { idleKeys, type Room } from '../room.ts'
import { oneOf, type SettingsFor } from '../setting.ts'

export interface LogOptions {
  /** The least that is logged: `debug`, `info`, `warn` or `error`. Default `debug`: the log of the host decides. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
}

const settings = {
  logLevel: oneOf({
    key: 'log.level',
    read: (value) => value.toLowerCase(),
    words: ['debug', 'info', 'warn', 'error'],
    byDefault: 'debug',
    isLive: true,
  }),
} satisfies SettingsFor<LogOptions>

export const log = {
  settings,
  idle: idleKeys([
    ...['audit.impl.class', 'jmx.log4j.disable', 'messageTracker.BufferSize', 'messageTracker.Enabled'],
    ...['warningthresholdms', 'log.dir', 'log.file', 'log.threshold', 'root.logger', 'console.threshold'],
  ]),
  refusals: [{ keys: /^audit\.enable$/, why: 'asks for an audit log, which this server does not write' }],
} as const satisfies Room
