/** Sink for structured lines. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Log {
  /** One line: a sentence, then facts by name. Credentials and data of znodes never go in. */
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
    const text = typeof value === 'bigint' ? `0x${BigInt.asUintN(64, value).toString(16)}` : String(value)
    line += ` ${name}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`
  }
  return line
}
