/** Lines on standard error, so that standard output stays for results. */

import { formatLine, type Log, type LogLevel, leveledLog, logLevels, silentLog } from '../log.ts'
import { environmentVariable } from './environment.ts'

/** Bytes of lines that may wait until the reader of a pipe takes them. */
const waitingMax = 1 << 20

/** What a log writes to, standard error. */
export interface LineStream {
  /** Bytes that were written and not taken yet. */
  readonly writableLength: number
  /** Writes text. */
  write(text: string): unknown
}

/**
 * The end of a log. It holds a bounded number of bytes for a reader that does not read: the lines that come then are left out, and
 * `leftOut` says how many in the next line that is written.
 */
export class LineSink {
  readonly #stream: LineStream
  readonly #leftOut: (message: string, times: number) => void
  #times = 0

  constructor(stream: LineStream, leftOut: (message: string, times: number) => void) {
    this.#stream = stream
    this.#leftOut = leftOut
  }

  /** Writes a line, which ends with a line feed. It never throws. */
  write(line: string): void {
    try {
      if (this.#stream.writableLength > waitingMax) {
        this.#times++
        return
      }
      const times = this.#times
      this.#times = 0
      if (times > 0) this.#leftOut('lines of the log were left out, because nobody read them', times)
      this.#stream.write(line)
    } catch {
      // A file on a full disk throws here, while a pipe fails later. Neither may disturb the code that logs.
    }
  }
}

/** Prints lines of `least` and above: `2026-01-31T12:00:00.000Z WARN message key=value`. */
export function stderrLog(least: LogLevel = 'info', stream: LineStream = process.stderr): Log {
  const print: Log = (level, message, facts) =>
    sink.write(`${new Date().toISOString()} ${level.toUpperCase()} ${formatLine(message, facts)}\n`)
  const sink = new LineSink(stream, (message, times) => print('warn', message, { times }))
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
