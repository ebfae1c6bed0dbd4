/** Lines on standard error, so that standard output stays for results. */
import { formatLine, type Log, type LogLevel } from '../log.ts'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Prints lines of `least` and above: `2026-01-31T12:00:00.000Z WARN message key=value`. */
export function stderrLog(least: LogLevel = 'info'): Log {
  return (level, message, facts) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return
    const line = `${new Date().toISOString()} ${level.toUpperCase()} ${formatLine(message, facts)}\n`
    try {
      process.stderr.write(line)
    } catch {
      // A file on a full disk throws at once, where a pipe tells later. Whoever logs has other things to do.
    }
  }
}
