/** `lightkeeper undo`: undoes a transaction, after showing what that changes. */
import { applySteps, type Undo, undoOf, type WriteStep } from '@lightkeeper/tools'
import type { Run } from '../command.ts'
import { type Connection, connectBy, connectionOf } from '../connect.ts'
import { type DryRun, dryRun, dryRunFacts, dryRunLines } from '../dry-run.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { changeFacts, changeText, openPast, stepText, timeText } from '../past.ts'
import { Signals } from '../signals.ts'
import type { undo as row } from '../table/past.ts'

export const run: Run<typeof row> = async ({ values, args, connecting }) => {
  const { zxid } = args
  const undo = await undoOf(await openPast(values, connecting), zxid)
  const isPossible = undo.obstacles.length === 0
  if (!values.json) process.stdout.write(textOf(undo))
  // The past has whole paths.
  const connection = await connectionOf({ ...connecting, chroot: '/' })
  using signals = new Signals()
  const { signal } = signals
  let seen: DryRun | undefined
  if (isPossible && values.apply) {
    await using zk = await connectBy(connection, { signal })
    await applySteps(zk, undo.steps, { atOnce: true })
  } else if (isPossible) seen = await foreseen(connection, undo.steps, signal)
  if (values.json) {
    const asked = seen === undefined ? {} : { ...dryRunFacts(seen), notes: seen.notes }
    const changes = undo.changes.map(changeFacts)
    process.stdout.write(jsonLine({ ...undo, changes, isDone: values.apply && isPossible, ...asked }))
  }
  if (!isPossible) throw new Error(`${hexOf(zxid)} cannot be undone: ${undo.obstacles.join('; ')}`)
  if (values.json) return seen !== undefined && seen.refused.length > 0 ? 1 : 0
  for (const line of seen === undefined ? [] : dryRunLines(seen)) process.stdout.write(`${line}\n`)
  for (const note of seen?.notes ?? []) process.stderr.write(`lightkeeper undo: ${printable(note)}\n`)
  process.stdout.write(values.apply ? 'done\n' : 'nothing was sent; --apply does it\n')
  return seen !== undefined && seen.refused.length > 0 ? 1 : 0
}

/** A preview does not wait long for a server, milliseconds. */
const askedMsMax = 3_000

/** What the server says of the steps. A preview needs none: without one it says that it does not know. */
async function foreseen(connection: Connection, steps: readonly WriteStep[], signal: AbortSignal): Promise<DryRun> {
  const unknown = (why: string): DryRun => {
    return { refused: [], watches: [], notes: [`what a server would refuse is not known: ${why}`] }
  }
  if (!connection.isNamed) return unknown('no server is named, -s HOSTS does it')
  try {
    const connectTimeout = Math.min(connection.options.connectTimeout ?? askedMsMax, askedMsMax)
    await using zk = await connectBy(connection, { signal, connectTimeout })
    return await dryRun('undo', zk, connection, steps, { signal, atOnce: true })
  } catch (error) {
    signal.throwIfAborted()
    return unknown((error as Error).message)
  }
}

function textOf({ zxid, time, session, changes, steps }: Undo): string {
  const did = changes.map((change) => changeText(change, true).replace(/^0x\S+ \S+ session=\S+ /, '  '))
  const undone = steps.map((step, i) => `  ${i + 1} ${printable(stepText(step))}\n`)
  return [
    `${hexOf(zxid)} ${timeText(time)} session=${hexOf(session)} did:\n`,
    ...did,
    steps.length === 0 ? '' : 'to take it back:\n',
    ...undone,
  ].join('')
}
