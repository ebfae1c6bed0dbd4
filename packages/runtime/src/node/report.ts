/** What happens to an error that nobody expected, in a callback of the host: it is told once, and the process goes on. */
import { type Log, type LogFact, silentLog } from '../log.ts'

/** Tells of `error`; never throws itself. `what` is a sentence. */
export type Report = (what: string, error: unknown, facts?: Readonly<Record<string, LogFact>>) => void

/** One line of `log`; where nobody hears the log, a warning of the process, which prints it on standard error. */
export function reportTo(log: Log): Report {
  return (what, error, facts = {}) => {
    const thrown = error instanceof Error ? error : new Error(textOf(error))
    try {
      if (log !== silentLog) {
        log('error', what, { ...facts, cause: thrown.stack ?? thrown.message })
        return
      }
    } catch {
      // A log that throws must not hide what was to be said.
    }
    process.emitWarning(`${what}: ${thrown.stack ?? thrown.message}`, 'LightkeeperError')
  }
}

/** The same log, for callbacks of the host: what it throws is told as a warning of the process. */
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
