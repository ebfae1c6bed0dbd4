/** `lightkeeper inspect`: prints the contents of logs and snapshots. */
import { existsSync } from 'node:fs'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { type InspectedEntry, inspect } from '@lightkeeper/server'
import type { Run } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { progress } from '../progress.ts'
import type { inspect as row } from '../table/serving.ts'

export const run: Run<typeof row> = async ({ values, args }) => {
  const { files } = args
  const filter = filterOf(values)
  for (const path of files) if (!existsSync(path)) throw new Error(`${path} does not exist`)
  let isDamaged = false
  let lines: string[] = []
  const flush = (): void => {
    if (lines.length > 0) process.stdout.write(lines.join(''))
    lines = []
  }
  // On a terminal the lines themselves show how far it is.
  using bar = process.stdout.isTTY ? undefined : progress('inspect', 'entries')
  let count = 0
  await inspect(nodeRuntime().disk, files, (entry) => {
    bar?.update(++count)
    if (entry.kind === 'damage') isDamaged = true
    if (!filter(entry)) return
    lines.push(values.json ? jsonLine(entry) : `${line(entry)}\n`)
    if (lines.length >= 1000) flush()
  })
  flush()
  return isDamaged ? 1 : 0
}

type Filter = (entry: InspectedEntry) => boolean

function filterOf({ path, zxid, session, since, until }: Parameters<typeof run>[0]['values']): Filter {
  const filters: Filter[] = []
  if (path !== undefined) {
    const isWithin = (each: string): boolean => each === path || each.startsWith(path === '/' ? '/' : `${path}/`)
    filters.push((entry) => {
      if (entry.kind === 'txn') return entry.paths.some(isWithin)
      return entry.kind === 'znode' && isWithin(entry.path)
    })
  }
  if (zxid !== undefined) filters.push((entry) => 'zxid' in entry && entry.zxid >= zxid.from && entry.zxid <= zxid.to)
  if (session !== undefined) filters.push((entry) => 'session' in entry && entry.session === session)
  if (since !== undefined) filters.push((entry) => 'time' in entry && entry.time >= since.getTime())
  if (until !== undefined) filters.push((entry) => 'time' in entry && entry.time <= until.getTime())
  return (entry) => entry.kind === 'damage' || filters.every((each) => each(entry))
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
