/** Sink for structured lines. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where lines of a log go: a level, a sentence, and facts. */
export interface Log {
  /**
   * One line: a sentence, then facts by name. It never contains credentials or data of znodes. A user's hook gets facts
   * that JSON can write, with ids and zxids as hex text. If it throws or rejects, the process emits one warning.
   */
  (level: LogLevel, message: string, facts?: Readonly<Record<string, LogFact>>): void
}

/** The value of a fact in a line of a log. */
export type LogFact = string | number | bigint | boolean | undefined

/** From the least to the most urgent. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Passes on to `target` what has at least the level that `least` says at that moment. */
export function leveledLog(target: Log, least: () => LogLevel): Log {
  return (level, message, facts) => {
    if (logLevels.indexOf(level) >= logLevels.indexOf(least())) target(level, message, facts)
  }
}

/** Drops every line. */
export const silentLog: Log = () => {}

/** The most characters of one fact in a line: enough for a stack trace. */
const factMax = 4_000
/** Characters that move a cursor, colour a terminal, change the direction of text or begin a line. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

function escaped(text: string): string {
  return text.replace(unprintable, (each) => `\\u${(each.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}

/**
 * `message key=value …` with session ids and zxids in hex, as servers print them. It is always one line: control
 * characters are escaped and long facts are cut.
 */
export function formatLine(message: string, facts: Readonly<Record<string, LogFact>> = {}): string {
  let line = escapedText(message)
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue
    const text = typeof value === 'bigint' ? formatFact(value) : cutText(String(value))
    line += ` ${name}=${escaped(/[\s"=]/.test(text) ? JSON.stringify(text) : text)}`
  }
  return line
}

/** A text that others chose, as lines contain it: printable characters alone, and not too many. */
export function escapedText(text: string): string {
  return escaped(cutText(text))
}

/** An id or a zxid as servers print it. */
export function formatFact(fact: bigint): string {
  return `0x${BigInt.asUintN(64, fact).toString(16)}`
}

/** At most as many characters of a text as a line may have of one fact, and how many there are. */
export function cutText(text: string): string {
  return text.length <= factMax ? text : `${text.slice(0, factMax)}… (${text.length} characters)`
}
