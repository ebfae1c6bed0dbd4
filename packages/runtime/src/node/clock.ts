/** Node's clock. */
import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../clock.ts'
import { type Log, silentLog } from '../log.ts'
import { reportTo } from './report.ts'

/** Node clamps longer delays to 1 ms; such a timer is set again until its time has come. */
const delayMsMax = 0x7fff_ffff

/**
 * Timers keep the process alive until they have run or are cancelled: an open client or server is still at work. An
 * error that a task throws goes to `log` and never ends the process.
 */
export function nodeClock(log: Log = silentLog): Clock {
  const report = reportTo(log)
  const run = (task: () => void): void => {
    try {
      task()
    } catch (error) {
      report('a task of a timer failed', error)
    }
  }
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    after(delayMs, task): Timer {
      const due = performance.now() + delayMs
      let handle: NodeJS.Timeout
      const arm = (): void => {
        const left = due - performance.now()
        // Node may fire a millisecond early; a task must never run before its delay has passed.
        handle = setTimeout(
          () => (performance.now() < due ? arm() : run(task)),
          Math.min(Math.max(Math.ceil(left), 0), delayMsMax),
        )
      }
      arm()
      return { cancel: () => clearTimeout(handle) }
    },
    turnEnd: (task) => void setImmediate(run, task),
  }
}
