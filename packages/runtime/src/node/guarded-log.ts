/** A user's log hook. It gets facts that JSON can write, and its errors are contained here. */
import { formatFact, type Log, type LogFact, silentLog } from '../log.ts'
import { reportTo } from './report.ts'

/** Hooks whose failure was reported; one hook may be the log of many clients. */
const failedHooks = new WeakSet<Log>()

/** The same log, made safe. Its first failure becomes a warning of the process; later ones are silent. */
export function guardedLog(log: Log): Log {
  if (log === silentLog) return log
  const failed = (error: unknown): void => {
    if (failedHooks.has(log)) return
    failedHooks.add(log)
    reportTo(silentLog)('the log hook failed; later failures of it are not reported', error)
  }
  return (level, message, facts) => {
    try {
      const result: unknown = log(level, message, facts === undefined ? facts : safeFacts(facts))
      // The hook may be an async function: without this its rejection would be unhandled.
      if (typeof result === 'object' && result !== null) Promise.resolve(result).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** 64-bit integers are ids and zxids; they are shown as servers print them. */
function safeFacts(facts: Readonly<Record<string, LogFact>>): Record<string, LogFact> {
  const safe: Record<string, LogFact> = {}
  for (const [name, fact] of Object.entries(facts)) safe[name] = typeof fact === 'bigint' ? formatFact(fact) : fact
  return safe
}
