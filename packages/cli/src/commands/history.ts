/** `lightkeeper history`: what was written, when, and by which session. */

import { keeperCodeOf } from '@lightkeeper/protocol'
import { actsOf, history, type SessionAct } from '@lightkeeper/tools'
import { parse, pathArgument } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import {
  changeFacts,
  changeText,
  momentArguments,
  openPast,
  pastOptions,
  pastUsage,
  timeText,
  zxidArgument,
  zxidAt,
} from '../past.ts'

const usage = `usage: lightkeeper history PATH --data-dir D [options]
       lightkeeper history --session ID --data-dir D [options]

Reads the logs of a data directory and prints every write of the znode PATH with its zxid, time and session, and what it changed in
the data: lines of text, members of JSON. With --session, all that a session did, refused writes included.

${pastUsage}  -r, --recursive       with everything below PATH
  --from ZXID|TIME      the first transaction of interest
  --to ZXID|TIME        the last one
  --session ID          a session id, as servers print it
  --json                one JSON object per line
Exit code: 0 done, 1 when it fails or transactions are missing, 2 for wrong usage.
`

export const historyCommand: Command = {
  name: 'history',
  summary: 'print what was written to a znode, or by a session, from a data directory',
  usage,
  async run(args) {
    const { values, positionals } = parse('history', args, {
      ...pastOptions,
      recursive: { type: 'boolean', short: 'r', default: false },
      from: { type: 'string' },
      to: { type: 'string' },
      session: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    const { session, json, recursive } = values
    if (session !== undefined) {
      if (positionals.length > 0) throw new UsageError('wants PATH or --session, not both')
      const id = zxidArgument('--session', session)
      const acts = await actsOf(await openPast(values), id)
      if (acts.length === 0) throw new Error(`session ${hexOf(id)} is not in the logs`)
      for (const act of acts) process.stdout.write(json ? jsonLine(actFacts(act)) : actText(act))
      return 0
    }
    const path = pathArgument(positionals)
    const moments = momentArguments({ from: values.from, to: values.to })
    const directory = await openPast(values)
    const from = await zxidAt(moments.from ?? 0n, directory)
    const until = moments.to === undefined ? undefined : await zxidAt(moments.to, directory)
    let isWhole = true
    let lines: string[] = []
    const flush = (): void => {
      process.stdout.write(lines.join(''))
      lines = []
    }
    const options = { recursive, from, ...(until !== undefined && { until }) }
    await history(
      directory,
      path,
      (entry) => {
        if (entry.kind === 'gap') {
          isWhole = false
          const { after, next, place } = entry
          const behind = after === undefined ? 'the first ones' : `those behind ${hexOf(after)}`
          lines.push(
            json ? jsonLine(entry) : `MISSING transactions: ${behind}, up to ${hexOf(next)} (${printable(place)})\n`,
          )
        } else lines.push(json ? jsonLine(changeFacts(entry)) : changeText(entry, recursive))
        if (lines.length >= 1000) flush()
      },
      options,
    )
    flush()
    return isWhole ? 0 : 1
  },
}

function actFacts(act: SessionAct): object {
  return { ...act, error: errorText(act), changes: act.changes.map(changeFacts) }
}

function actText(act: SessionAct): string {
  const { zxid, time, operation, changes } = act
  const error = errorText(act)
  const head = `${hexOf(zxid)} ${timeText(time)} ${operation}${error === undefined ? '' : ` refused: ${error}`}\n`
  // Each change would repeat zxid, time and session.
  const below = changes.flatMap((change) => changeText(change, true).split('\n').slice(0, -1))
  return [head, ...below.map((line) => `  ${line.replace(/^0x\S+ \S+ session=\S+ /, '')}\n`)].join('')
}

function errorText({ error }: SessionAct): string | undefined {
  return error === undefined ? undefined : (keeperCodeOf(error) ?? `error ${error}`)
}
