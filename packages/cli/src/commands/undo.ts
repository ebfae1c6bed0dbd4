/** `lightkeeper undo`: undoes a transaction, after showing what that changes. */
import { applySteps, type Undo, undoOf } from '@lightkeeper/tools'
import { connecting, connectingUsage, connectTo, parse } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import { changeFacts, changeText, openPast, pastOptions, pastUsage, stepText, timeText, zxidArgument } from '../past.ts'

const usage = `usage: lightkeeper undo ZXID --data-dir D [--apply] [options]

Prints what the transaction ZXID did, and the transaction that undoes it: deleted znodes are created again, changed ones get the
data they had, created ones are deleted. With --apply it is sent to the server. Each step has the version that the znode has if
no client has written it since: otherwise the server refuses the whole transaction.

${pastUsage}  --apply               send it
${connectingUsage('a JSON object: what it did, the steps, the obstacles, whether the steps were done')}
Exit code: 0 done, 1 when it fails or cannot be undone, 2 for wrong usage.
`

export const undoCommand: Command = {
  name: 'undo',
  summary: 'show, and with --apply send, the transaction that takes another one back',
  usage,
  async run(args) {
    const { values, positionals } = parse('undo', args, {
      ...connecting,
      ...pastOptions,
      apply: { type: 'boolean', default: false },
    })
    const [given, ...more] = positionals
    if (given === undefined || more.length > 0) throw new UsageError('wants one zxid, like 0x1a')
    const zxid = zxidArgument('ZXID', given)
    const undo = await undoOf(await openPast(values), zxid)
    const isPossible = undo.obstacles.length === 0
    if (!values.json) process.stdout.write(textOf(undo))
    if (values.apply && isPossible) {
      await using zk = await connectTo(values)
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
  },
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
