/** `lightkeeper history`: what was written, when, and by which session. */

import { keeperCodeOf } from '@lightkeeper/protocol'
import { actsOf, history, type SessionAct } from '@lightkeeper/tools'
import { type Run, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { changeFacts, changeText, openPast, timeText, zxidAt } from '../past.ts'
import type { history as row } from '../table/past.ts'

export const run: Run<typeof row> = async ({ values, args, connecting }) => {
  const { session, json, recursive } = values
  const { path } = args
  if (session !== undefined) {
    if (path !== undefined) throw new UsageError('takes PATH or --session, not both')
    const acts = await actsOf(await openPast(values, connecting), session)
    if (acts.length === 0) throw new Error(`session ${hexOf(session)} is not in the logs`)
    for (const act of acts) process.stdout.write(json ? jsonLine(actFacts(act)) : actText(act))
    return 0
  }
  if (path === undefined) throw new UsageError('PATH is missing: the path of a znode; or --session')
  const directory = await openPast(values, connecting)
  const from = await zxidAt(values.from ?? 0n, directory)
  const until = values.to === undefined ? undefined : await zxidAt(values.to, directory)
  let isWhole = true
  let count = 0
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
      count++
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
  if (count === 0) process.stderr.write(`lightkeeper history: the logs have no write of ${printable(path)}\n`)
  return isWhole ? 0 : 1
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
