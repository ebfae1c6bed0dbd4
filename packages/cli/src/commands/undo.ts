/** `lightkeeper undo`: takes a transaction back, after a look at what that means. */
import { type Client, op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { type Undo, type UndoStep, undoOf } from '@lightkeeper/tools'
import { connecting, connectingUsage, connectTo, parse } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import {
  aclText,
  changeFacts,
  changeText,
  openPast,
  pastOptions,
  pastUsage,
  timeText,
  valueText,
  zxidArgument,
} from '../past.ts'

const usage = `usage: lightkeeper undo ZXID --data-dir D [--apply] [options]

Prints what the transaction ZXID did, and the transaction that takes it back: deleted znodes are made again, changed ones get the
data they had, created ones are deleted. With --apply it is sent to the server. Each step names the version that the znode has if
nobody wrote it since: where somebody did, the server refuses all of it.

${pastUsage}  --apply               do it
${connectingUsage('a JSON object: what it did, the steps, what stands against it, whether they were done')}
Exit code: 0 done, 1 when it fails or cannot be taken back, 2 for wrong usage.
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
      await apply(zk, undo.steps)
    }
    if (values.json) {
      process.stdout.write(
        jsonLine({ ...undo, changes: undo.changes.map(changeFacts), isDone: values.apply && isPossible }),
      )
    }
    if (!isPossible) throw new Error(`${hexOf(zxid)} cannot be taken back: ${undo.obstacles.join('; ')}`)
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

function stepText(step: UndoStep): string {
  switch (step.kind) {
    case 'set':
      return `set ${step.path} to ${valueText(step.data)} if its version is ${step.version}`
    case 'delete':
      return `delete ${step.path} if its version is ${step.version}`
    case 'set acl':
      return `set the ACL of ${step.path} to ${aclText(step.acl)} if its aversion is ${step.aversion}`
    case 'create': {
      const mode = typeof step.mode === 'object' ? `ttl=${step.mode.ttl}` : step.mode
      return `create ${step.path} ${mode} acl=${aclText(step.acl)} ${valueText(step.data)} if it does not exist`
    }
  }
}

async function apply(zk: Client, steps: readonly UndoStep[]): Promise<void> {
  const ops: TransactionOp<unknown>[] = []
  for (const step of steps) {
    const path = step.path as ZnodePath
    // A transaction changes an ACL alone: there is none of several operations that does.
    if (step.kind === 'set acl') await zk.setAcl(path, step.acl, { version: step.aversion })
    else if (step.kind === 'set') ops.push(op.set(path, step.data, { version: step.version }))
    else if (step.kind === 'delete') ops.push(op.delete(path, { version: step.version }))
    else ops.push(op.create(path, step.data, { acl: step.acl, mode: step.mode }))
  }
  if (ops.length > 0) await zk.transactionOf(ops)
}
