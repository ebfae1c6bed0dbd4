/** Lines on standard error, so that standard output stays for results. */

import { formatLine, type Log, type LogLevel, leveledLog, logLevels, silentLog } from '../log.ts'
import { environmentVariable } from './environment.ts'

/** Prints lines of `least` and above: `2026-01-31T12:00:00.000Z WARN message key=value`. */
export function stderrLog(least: LogLevel = 'info'): Log {
  const print: Log = (level, message, facts) => {
    const line = `${new Date().toISOString()} ${level.toUpperCase()} ${formatLine(message, facts)}\n`
    try {
      process.stderr.write(line)
    } catch {
      // A file on a full disk throws here, while a pipe fails later. Neither may disturb the code that logs.
    }
  }
  return leveledLog(print, () => least)
}

/**
 * The log that the environment asks for: `LIGHTKEEPER_LOG=debug` (or `info`, `warn`, `error`) prints lines of that level and above
 * on standard error. Without it nothing is printed.
 */
export function environmentLog(wanted: string | undefined = environmentVariable('LIGHTKEEPER_LOG')): Log {
  if (wanted === undefined || wanted === '') return silentLog
  const level = logLevels.find((each) => each === wanted.trim().toLowerCase())
  if (level !== undefined) return stderrLog(level)
  if (!hasComplained)
    process.stderr.write(`LIGHTKEEPER_LOG is "${wanted}": expected ${logLevels.join(', ')}; nothing is logged\n`)
  hasComplained = true
  return silentLog
}

/** Once for each process, for any number of clients and servers. */
let hasComplained = false
