/** `lightkeeper undo`: undoes a transaction, after showing what that changes. */
import { applySteps, type Undo, undoOf } from '@lightkeeper/tools'
import type { Run } from '../command.ts'
import { connectTo } from '../connect.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { changeFacts, changeText, openPast, stepText, timeText } from '../past.ts'
import type { undo as row } from '../table/past.ts'

export const run: Run<typeof row> = async ({ values, args, connecting }) => {
  const { zxid } = args
  const undo = await undoOf(await openPast(values, connecting), zxid)
  const isPossible = undo.obstacles.length === 0
  if (!values.json) process.stdout.write(textOf(undo))
  if (values.apply && isPossible) {
    // The past has whole paths.
    await using zk = await connectTo({ ...connecting, chroot: '/' })
    await applySteps(zk, undo.steps, { atOnce: true })
  }
  if (values.json) {
    process.stdout.write(
      jsonLine({ ...undo, changes: undo.changes.map(changeFacts), isDone: values.apply && isPossible }),
    )
  }
  if (!isPossible) throw new Error(`${hexOf(zxid)} cannot be undone: ${undo.obstacles.join('; ')}`)
  if (!values.json) process.stdout.write(values.apply ? 'done\n' : 'nothing was sent; --apply does it\n')
  return 0
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
