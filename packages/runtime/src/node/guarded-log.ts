/** A log that a user gave: it gets what JSON can write, and what it throws goes no further than here. */
import { formatFact, type Log, type LogFact, silentLog } from '../log.ts'
import { reportTo } from './report.ts'

/** Hooks whose failure was told: one may be the log of many clients. */
const failedHooks = new WeakSet<Log>()

/** The same log, made safe. Its first failure is told by a warning of the process, and none that follow. */
export function guardedLog(log: Log): Log {
  if (log === silentLog) return log
  const failed = (error: unknown): void => {
    if (failedHooks.has(log)) return
    failedHooks.add(log)
    reportTo(silentLog)('the log hook failed, and what it fails on from now on is not told', error)
  }
  return (level, message, facts) => {
    try {
      const result: unknown = log(level, message, facts === undefined ? facts : safeFacts(facts))
      // An async function in place of a hook: nobody else would hear of what it rejects with.
      if (typeof result === 'object' && result !== null) Promise.resolve(result).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** Integers of 64 bits, which are ids and zxids, as servers print them. */
function safeFacts(facts: Readonly<Record<string, LogFact>>): Record<string, LogFact> {
  const safe: Record<string, LogFact> = {}
  for (const [name, fact] of Object.entries(facts)) safe[name] = typeof fact === 'bigint' ? formatFact(fact) : fact
  return safe
}
