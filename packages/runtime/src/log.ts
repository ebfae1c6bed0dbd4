/** Sink for structured lines. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Log {
  /**
   * One line: a sentence, then facts by name. Credentials and data of znodes never go in. A hook of a user gets facts that JSON can
   * write: ids and zxids as hex text. What it throws or rejects with is told once, as a warning of the process.
   */
  (level: LogLevel, message: string, facts?: Readonly<Record<string, LogFact>>): void
}

export type LogFact = string | number | bigint | boolean | undefined

/** Drops every line. */
export const silentLog: Log = () => {}

/** Characters of one fact in a line; a stack of calls is not longer. */
const factMax = 4_000
/** What would move a cursor, colour a terminal, turn the direction of text or begin another line. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

function escaped(text: string): string {
  return text.replace(unprintable, (each) => `\\u${(each.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}

/**
 * `message key=value …` with session ids and zxids in hex, as servers print them. One line, whatever a client sent: control
 * characters are escaped, and long facts cut.
 */
export function formatLine(message: string, facts: Readonly<Record<string, LogFact>> = {}): string {
  let line = escaped(cut(message))
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue
    const text = typeof value === 'bigint' ? formatFact(value) : cut(String(value))
    line += ` ${name}=${escaped(/[\s"=]/.test(text) ? JSON.stringify(text) : text)}`
  }
  return line
}

/** An id or a zxid as servers print it. */
export function formatFact(fact: bigint): string {
  return `0x${BigInt.asUintN(64, fact).toString(16)}`
}

function cut(text: string): string {
  return text.length <= factMax ? text : `${text.slice(0, factMax)}… (${text.length} characters)`
}
