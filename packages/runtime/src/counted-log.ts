/** A log that clients cannot fill: a repeated warning is counted, and the number is printed. */
import type { Clock, Timer } from './clock.ts'
import type { Log, LogFact, LogLevel } from './log.ts'

/** How long repeated lines are counted, milliseconds, and how many of them are printed. */
const windowMs = 10_000
const printedMax = 10
/** The number of counted messages above which those whose time is over are dropped. */
const messagesMax = 100

interface Count {
  readonly level: LogLevel
  readonly until: number
  times: number
}

export interface CountedLog {
  /** The log that counts. */
  readonly log: Log
  /** Prints how many lines were left out so far, and leaves no timer behind. */
  stop(): void
}

/** Ten warnings or errors with one message go to `target` in ten seconds, with any facts; the others are counted. */
export function countedLog(target: Log, clock: Pick<Clock, 'now' | 'after'>): CountedLog {
  const counts = new Map<string, Count>()
  let timer: Timer | undefined
  const tell = (isEnd: boolean): void => {
    timer = undefined
    const now = clock.now()
    for (const [message, { level, until, times }] of counts) {
      if (!isEnd && until > now) continue
      counts.delete(message)
      if (times <= printedMax) continue
      target(level, `${message}: so often again, not printed`, { times: times - printedMax, seconds: windowMs / 1000 })
    }
    const left = [...counts.values()].filter(({ times }) => times > printedMax)
    if (left.length > 0) arm(Math.min(...left.map(({ until }) => until)))
  }
  const arm = (at: number): void => {
    timer ??= clock.after(Math.max(0, at - clock.now()), () => tell(false))
  }
  const log = (level: LogLevel, message: string, facts?: Readonly<Record<string, LogFact>>): void => {
    if (level !== 'warn' && level !== 'error') return target(level, message, facts)
    let count = counts.get(message)
    if (count !== undefined && count.until <= clock.now()) {
      tell(false)
      count = counts.get(message)
    }
    if (count === undefined) {
      if (counts.size >= messagesMax) tell(false)
      count = { level, until: clock.now() + windowMs, times: 0 }
      counts.set(message, count)
    }
    count.times++
    if (count.times <= printedMax) target(level, message, facts)
    else arm(count.until)
  }
  return {
    log,
    stop() {
      timer?.cancel()
      tell(true)
    },
  }
}
