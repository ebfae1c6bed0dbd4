/** What happens to an unexpected error in a callback of the host: it is reported once, and the process continues. */
import { type Log, type LogFact, silentLog } from '../log.ts'

/** Reports `error` and never throws. `what` is a sentence. */
export type Report = (what: string, error: unknown, facts?: Readonly<Record<string, LogFact>>) => void

/** Writes one line to `log`; if that is silent, it emits a warning of the process, which appears on standard error. */
export function reportTo(log: Log): Report {
  return (what, error, facts = {}) => {
    const thrown = error instanceof Error ? error : new Error(textOf(error))
    try {
      if (log !== silentLog) {
        log('error', what, { ...facts, cause: thrown.stack ?? thrown.message })
        return
      }
    } catch {
      // A log that throws must not hide the message.
    }
    process.emitWarning(`${what}: ${thrown.stack ?? thrown.message}`, 'LightkeeperError')
  }
}

/** The same log, for callbacks of the host: an error that it throws becomes a warning of the process. */
export function carefully(log: Log): Log {
  return (level, message, facts) => {
    try {
      log(level, message, facts)
    } catch (error) {
      process.emitWarning(`${message}; and the log failed: ${textOf(error)}`, 'LightkeeperError')
    }
  }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'something was thrown that cannot be shown'
  }
}
