/** `lightkeeper sessions`: who is connected, what is theirs, and what they watch. */
import type { LiveSession } from '@lightkeeper/tools'
import type { Run } from '../command.ts'
import { connectionOf } from '../connect.ts'
import { liveSessions } from '../live.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import type { sessions } from '../table/past.ts'

export const run: Run<typeof sessions> = async ({ args, values, connecting }) => {
  const { sessions: found, refusals } = await liveSessions(await connectionOf(connecting))
  const shown = args.id === undefined ? found : found.filter(({ id }) => id === args.id)
  for (const each of shown) process.stdout.write(values.json ? jsonLine(each) : textOf(each))
  for (const refusal of refusals) process.stderr.write(`lightkeeper sessions: not shown: ${printable(refusal)}\n`)
  if (args.id !== undefined && shown.length === 0) throw new Error(`no server knows a session ${hexOf(args.id)}`)
  return 0
}

function textOf({ id, address, timeoutMs, ephemerals, watches, connection }: LiveSession): string {
  const { established, lastOperation, queued, received, sent, maxLatency } = connection ?? {}
  const fact = (name: string, value: string | number | undefined): string =>
    value === undefined ? '' : `${name}=${value}`
  const words = [
    hexOf(id),
    address ?? 'not connected here',
    fact('timeout', timeoutMs),
    fact('since', established === undefined ? undefined : new Date(established).toISOString()),
    fact('last', lastOperation),
    fact('queued', queued),
    fact('received', received),
    fact('sent', sent),
    fact('maxlatency', maxLatency),
  ]
  const lines = [
    words.filter((word) => word !== '').join(' '),
    ...(ephemerals ?? []).map((path) => `  owns ${path}`),
    ...(watches ?? []).map((path) => `  watches ${path}`),
  ]
  return lines.map((line) => `${printable(line)}\n`).join('')
}
