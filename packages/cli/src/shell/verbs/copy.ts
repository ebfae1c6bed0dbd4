/** `cp` and `mv`: a subtree to another place, also on another cluster. */
import type { Client, ZnodePath } from '@lightkeeper/client'
import { isWithin, parentPath } from '@lightkeeper/protocol'
import {
  applySteps,
  PartlyDone,
  placed,
  planCopy,
  type ReadWhole,
  readWhole,
  type WriteStep,
  withoutSystem,
} from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { type Connection, pathOnServer } from '../../connect.ts'
import { withMissingParents } from '../../dry-run.ts'
import { printable } from '../../output.ts'
import { stepText } from '../../past.ts'
import { progress } from '../../progress.ts'
import type { cp as cpSpec, mv as mvSpec } from '../../table/shell-write.ts'
import type { Verb, VerbCall } from '../verb.ts'
import { foreseen } from './foreseen.ts'

export const cp: Verb<typeof cpSpec> = async (call) => {
  const { values, args, out, signal, connect, connectOther, connectionTo } = call
  const { from, to } = args
  const other = values['to-server']
  checkPlaces(from, to, other !== undefined)
  const source = await connect()
  const target = other === undefined ? source : await connectOther(other)
  const toConnection = await connectionTo(other)
  const whole = await wholeAt('cp', source, await connectionTo(), from, signal)
  const steps = await stepsOf(target, toConnection, whole, { ...values, from, to, signal }, out)
  if (values['dry-run']) {
    print(steps, out)
    const asked = values.parents ? await withMissingParents(target, to, steps) : steps
    return foreseen('cp', [{ zk: target, connection: toConnection, steps: asked }], call)
  }
  await write('cp', target, steps, { to, values, signal })
  if (out.isJson) out.result({ from, to, znodes: whole.nodes.size, writes: steps.length, isDone: true }, '')
  return undefined
}

export const mv: Verb<typeof mvSpec> = async (call) => {
  const { values, args, out, signal, connect, connectOther, connectionTo } = call
  const { from, to } = args
  const other = values['to-server']
  if (from === '/') throw new UsageError('the root cannot be moved; name a znode below it')
  checkPlaces(from, to, other !== undefined)
  const source = await connect()
  const target = other === undefined ? source : await connectOther(other)
  const isHere = target === source
  const [fromConnection, toConnection] = [await connectionTo(), await connectionTo(other)]
  const whole = await wholeAt('mv', source, fromConnection, from, signal)
  const plan: Plan = { ...values, merge: false, ephemerals: 'refuse', from, to, signal }
  const steps = await stepsOf(target, toConnection, whole, plan, out)
  const deletes = deletesOf(from, whole)
  if (values['dry-run']) {
    print([...steps, ...deletes], out)
    const asked = values.parents ? await withMissingParents(target, to, steps) : steps
    const parts = [
      { zk: target, connection: toConnection, steps: asked },
      { zk: source, connection: fromConnection, steps: deletes },
    ]
    return foreseen('mv', parts, call)
  }
  if (isHere) {
    if (values.parents) await target.ensure(parentPath(to), { signal })
    const znodes = await target.move(from, to, { signal })
    if (out.isJson) out.result({ from, to, znodes, isDone: true }, '')
    return undefined
  }
  await write('mv', target, steps, { to, values, signal })
  try {
    await applied('mv', 'znodes deleted', source, deletes, signal)
  } catch (error) {
    const message = `${to} is a whole copy now; ${from} could not be deleted: ${(error as Error).message}`
    throw new Error(message, { cause: error })
  }
  if (out.isJson) out.result({ from, to, znodes: whole.nodes.size, isDone: true }, '')
  return undefined
}

function checkPlaces(from: ZnodePath, to: ZnodePath, isOther: boolean): void {
  if (!isOther && isWithin(to, from)) throw new UsageError(`TO ${to} lies within FROM ${from}`)
}

async function wholeAt(
  verb: string,
  zk: Client,
  connection: Connection,
  path: ZnodePath,
  signal: AbortSignal,
): Promise<ReadWhole> {
  using bar = progress(verb, 'znodes read')
  const whole = await readWhole(zk, path, { signal, onProgress: (done, total) => bar.update(done, total) })
  if (whole.nodes.size === 0) throw new Error(`${path} does not exist`)
  return { ...whole, nodes: withoutSystem(await pathOnServer(connection, path), whole.nodes) }
}

interface Plan {
  readonly from: ZnodePath
  readonly to: ZnodePath
  readonly merge: boolean
  readonly ephemerals: 'refuse' | 'skip' | 'persistent'
  readonly signal: AbortSignal
}

async function stepsOf(
  zk: Client,
  connection: Connection,
  whole: ReadWhole,
  plan: Plan,
  out: VerbCall<never>['out'],
): Promise<WriteStep[]> {
  const { from, to, merge, ephemerals, signal } = plan
  const there = await readWhole(zk, to, { signal })
  if (there.nodes.size > 0 && !merge) throw new Error(`${to} exists already; cp --merge writes what differs there`)
  const kept = withoutSystem(await pathOnServer(connection, to), there.nodes)
  const { steps, notes } = planCopy({ from, source: whole.nodes, target: kept, ephemerals })
  for (const note of notes) out.note(note)
  return steps.map((step) => ({ ...step, path: placed(to, step.path) }))
}

interface Writing {
  readonly to: ZnodePath
  readonly values: { readonly parents: boolean }
  readonly signal: AbortSignal
}

async function write(
  verb: string,
  zk: Client,
  steps: readonly WriteStep[],
  { to, values, signal }: Writing,
): Promise<void> {
  if (values.parents && to !== '/') await zk.ensure(parentPath(to), { signal })
  try {
    await applied(verb, 'writes', zk, steps, signal)
  } catch (error) {
    if (!(error instanceof PartlyDone) || error.done === 0) throw error
    throw new Error(`${error.message}; cp --merge goes on from here`, { cause: error })
  }
}

async function applied(
  verb: string,
  what: string,
  zk: Client,
  steps: readonly WriteStep[],
  signal: AbortSignal,
): Promise<void> {
  using bar = progress(verb, what, { total: steps.length })
  await applySteps(zk, steps, { signal, onProgress: (done) => bar.update(done) })
}

function print(steps: readonly WriteStep[], out: VerbCall<never>['out']): void {
  for (const step of steps) out.result(step, printable(stepText(step)))
}

/** Children before their parents, each only where it has not changed since it was read. */
function deletesOf(from: ZnodePath, { nodes }: ReadWhole): WriteStep[] {
  const steps = [...nodes].map(
    ([path, { stat }]): WriteStep => ({ kind: 'delete', path: placed(from, path), version: stat.version }),
  )
  return steps.sort((a, b) => b.path.split('/').length - a.path.split('/').length)
}
