/** Where `lightkeeper server` writes its log: lines of text, or one JSON object a line, on standard error. */
import { cutText, formatFact, type Log, type LogFact } from '@lightkeeper/runtime'
import { LineSink, type LineStream, stderrLog } from '@lightkeeper/runtime/node'

export type LogFormat = 'text' | 'json'

/** Passes lines of every level on: the server leaves out those below its own level. */
export async function logSink(format: LogFormat): Promise<Log> {
  return format === 'text' ? stderrLog('debug') : jsonLog(process.stderr)
}

/** Names that a line has for itself. */
const reserved = new Set(['level', 'time', 'message'])
/** Characters that JSON leaves as they are, and that move a cursor, colour a terminal or change the direction of text. */
const unprintable = /[\x7f-\x9f\p{Cf}\u2028\u2029]/gu

/** `{"level":"info","time":"2026-01-31T12:00:00.000Z","message":"…", facts}`, made by pino. */
export async function jsonLog(stream: LineStream): Promise<Log> {
  const { pino, stdTimeFunctions } = await import('pino')
  const logger = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => sink.write(line.replace(unprintable, escapesOf)) },
  )
  const sink = new LineSink(stream, (message, times) => logger.warn({ times }, message))
  return (level, message, facts = {}) => logger[level](safeFacts(facts), cutText(message))
}

function safeFacts(facts: Readonly<Record<string, LogFact>>): Record<string, string | number | boolean> {
  const safe: Record<string, string | number | boolean> = {}
  for (const [name, fact] of Object.entries(facts)) {
    if (fact === undefined) continue
    const value = typeof fact === 'bigint' ? formatFact(fact) : typeof fact === 'string' ? cutText(fact) : fact
    safe[reserved.has(name) ? `fact_${name}` : name] = value
  }
  return safe
}

/** The same characters as JSON writes them in ASCII. */
function escapesOf(text: string): string {
  let escapes = ''
  for (let i = 0; i < text.length; i++) escapes += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`
  return escapes
}
