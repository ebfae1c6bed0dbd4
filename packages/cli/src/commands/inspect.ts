/** `lightkeeper inspect`: prints the contents of logs and snapshots. */
import { existsSync } from 'node:fs'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import type { InspectedEntry } from '@lightkeeper/server'
import { parseAll } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'

const usage = `usage: lightkeeper inspect FILE|DIRECTORY… [options]

Prints the transactions of log files and the znodes and sessions of snapshots, a line each, Apache ZooKeeper's files too. Of a
directory: its newest snapshot, then every log. Says where a file is damaged and what is missing, and changes nothing.

  --path P          only what concerns P or what is below it
  --zxid A[-B]      only transactions from A to B, hexadecimal with or without 0x; of a snapshot, znodes last set by them
  --session S       only what concerns a session, hexadecimal
  --since T         only from a time on: 2026-01-31, 2026-01-31T12:00:00Z, or milliseconds since 1970
  --until T         only up to a time
  --json            one JSON object per line; data of znodes as base64

Exit code: 0 when all is well, 1 when something is damaged or missing.
`

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'show what is in logs and snapshots, and where they are damaged',
  usage,
  async run(args) {
    const { values, positionals } = parseAll('inspect', args, optionTypes)
    if (positionals.length === 0) throw new UsageError('name a log, a snapshot or a data directory')
    const filter = filterOf(values)
    for (const path of positionals) if (!existsSync(path)) throw new Error(`${path} does not exist`)
    const { inspect } = await import('@lightkeeper/server')
    let isDamaged = false
    let lines: string[] = []
    const flush = (): void => {
      if (lines.length > 0) process.stdout.write(lines.join(''))
      lines = []
    }
    await inspect(nodeRuntime().disk, positionals, (entry) => {
      if (entry.kind === 'damage') isDamaged = true
      if (!filter(entry)) return
      lines.push(values.json ? jsonLine(entry) : `${line(entry)}\n`)
      if (lines.length >= 1000) flush()
    })
    flush()
    return isDamaged ? 1 : 0
  },
}

type Filter = (entry: InspectedEntry) => boolean

function filterOf(values: ReturnType<typeof parseAll<typeof optionTypes>>['values']): Filter {
  const filters: Filter[] = []
  const { path, zxid, session, since, until } = values
  if (path !== undefined) {
    const isWithin = (each: string): boolean => each === path || each.startsWith(path === '/' ? '/' : `${path}/`)
    filters.push((entry) => {
      if (entry.kind === 'txn') return entry.paths.some(isWithin)
      return entry.kind === 'znode' && isWithin(entry.path)
    })
  }
  if (zxid !== undefined) {
    const [first, last] = zxid.split('-')
    const from = hex('--zxid', first)
    const to = last === undefined ? from : hex('--zxid', last)
    filters.push((entry) => 'zxid' in entry && entry.zxid >= from && entry.zxid <= to)
  }
  if (session !== undefined) {
    const id = BigInt.asIntN(64, hex('--session', session))
    filters.push((entry) => 'session' in entry && entry.session === id)
  }
  if (since !== undefined) {
    const from = time('--since', since)
    filters.push((entry) => 'time' in entry && entry.time >= from)
  }
  if (until !== undefined) {
    const to = time('--until', until)
    filters.push((entry) => 'time' in entry && entry.time <= to)
  }
  return (entry) => entry.kind === 'damage' || filters.every((each) => each(entry))
}

function hex(option: string, text: string | undefined): bigint {
  const digits = /^(?:0x)?([0-9a-fA-F]{1,16})$/.exec(text ?? '')?.[1]
  if (digits === undefined) throw new UsageError(`${option} wants hexadecimal digits, got "${text}"`)
  return BigInt(`0x${digits}`)
}

function time(option: string, text: string): number {
  // A Date cannot hold later times.
  const value = new Date(/^\d{11,}$/.test(text) ? Number(text) : text).getTime()
  if (Number.isNaN(value)) throw new UsageError(`${option} wants a time, got "${text}"`)
  return value
}

function line(entry: InspectedEntry): string {
  switch (entry.kind) {
    case 'txn': {
      const { zxid, time: at, session, cxid, operation, paths, detail } = entry
      const where = operation === 'multi' ? '' : paths.join(' ')
      const words = [
        hexOf(zxid),
        new Date(at).toISOString(),
        `session=${hexOf(session)}`,
        `cxid=${cxid}`,
        operation,
        where,
        detail,
      ]
      return printable(words.filter((word) => word !== '').join(' '))
    }
    case 'znode':
      return printable(`${entry.path} mzxid=${hexOf(entry.zxid)} ${new Date(entry.time).toISOString()} ${entry.detail}`)
    case 'session':
      return `session ${hexOf(entry.session)} timeout=${entry.timeoutMs}`
    case 'note':
      return `${entry.file}: ${entry.text}`
    case 'damage':
      return printable(`DAMAGED ${entry.file} at offset ${entry.offset}: ${entry.text}`)
  }
}

const optionTypes = {
  path: { type: 'string' },
  zxid: { type: 'string' },
  session: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  json: { type: 'boolean' },
} as const
