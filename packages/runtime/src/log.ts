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

/** `message key=value …` with session ids and zxids in hex, as servers print them. */
export function formatLine(message: string, facts: Readonly<Record<string, LogFact>> = {}): string {
  let line = message
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue
    const text = typeof value === 'bigint' ? formatFact(value) : String(value)
    line += ` ${name}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`
  }
  return line
}

/** An id or a zxid as servers print it. */
export function formatFact(fact: bigint): string {
  return `0x${BigInt.asUintN(64, fact).toString(16)}`
}
