/** `lightkeeper import`: makes a subtree that of a file. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Client, ZnodePath } from '@lightkeeper/client'
import { parentPath } from '@lightkeeper/protocol'
import {
  applySteps,
  type ExportedTree,
  PartlyDone,
  parseExport,
  placed,
  planImport,
  readWhole,
  type WriteStep,
  withoutSystem,
} from '@lightkeeper/tools'
import { checkPath, connecting, connectingUsage, connectTo, parse } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { jsonLine, printable } from '../output.ts'
import { stepText } from '../past.ts'
import { Signals } from '../signals.ts'

const usage = `usage: lightkeeper import FILE [options]

Makes a subtree that of FILE, which lightkeeper export has written ("-" for standard input). What is there is read first, and only
what differs is written: data, ACLs, missing znodes, in transactions of bounded size. A znode that is written by others meanwhile
makes the transaction fail. An import that was stopped goes on where it is run again.

  --to PATH             where the subtree is made (default: the path it was exported from)
  -n, --dry-run         print what would be written, and write nothing
  --delete              delete what is not in the file; ephemerals stay
  --ephemerals E        skip (default), or persistent: make persistent znodes of the file's ephemerals
${connectingUsage('a JSON object a write, then one that sums up')}
Exit code: 0 done, 1 when it fails or was stopped, 2 for wrong usage.
`

export const importCommand: Command = {
  name: 'import',
  summary: 'make a subtree that of a file written by export',
  usage,
  async run(args) {
    const { values, positionals } = parse('import', args, {
      ...connecting,
      to: { type: 'string' },
      'dry-run': { type: 'boolean', short: 'n', default: false },
      delete: { type: 'boolean', default: false },
      ephemerals: { type: 'string', default: 'skip' },
    })
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('wants one file, or - for standard input')
    const { ephemerals, json, 'dry-run': isDry } = values
    if (ephemerals !== 'skip' && ephemerals !== 'persistent') {
      throw new UsageError(`--ephemerals wants skip or persistent, got "${ephemerals}"`)
    }
    const to = values.to === undefined ? undefined : checkPath('--to', values.to)
    const tree = await read(file)
    const root = to ?? (tree.root as ZnodePath)
    using signals = new Signals()
    await using zk = await connectTo(values, { signal: signals.signal })
    const there = withoutSystem(root, (await readWhole(zk, root, { signal: signals.signal })).nodes)
    const plan = planImport(withoutSystem(root, tree.nodes), there, { delete: values.delete, ephemerals })
    const steps = plan.steps.map((step) => ({ ...step, path: placed(root, step.path) }))
    if (isDry || json) print(steps, json)
    for (const note of plan.notes) process.stderr.write(`lightkeeper import: ${printable(note)}\n`)
    if (!isDry) await write(zk, root, steps, signals.signal)
    const count = (kind: WriteStep['kind']): number => steps.filter((step) => step.kind === kind).length
    const facts = { created: count('create'), set: count('set'), acls: count('set acl'), deleted: count('delete') }
    if (json) process.stdout.write(jsonLine({ ...facts, isDone: !isDry, notes: plan.notes }))
    else process.stdout.write(summary(facts, root, isDry))
    return 0
  },
}

async function read(file: string): Promise<ExportedTree> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const failed = new Promise<never>((_, reject) => input.once('error', reject))
  failed.catch(() => {})
  try {
    return await Promise.race([parseExport(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })), failed])
  } catch (error) {
    const name = file === '-' ? 'standard input' : file
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  }
}

async function write(zk: Client, root: ZnodePath, steps: readonly WriteStep[], signal: AbortSignal): Promise<void> {
  if (root !== '/' && steps.some(({ kind, path }) => kind === 'create' && path === root))
    await zk.ensure(parentPath(root))
  const isShown = process.stderr.isTTY
  try {
    await applySteps(zk, steps, {
      signal,
      onProgress: (done) => void (isShown && process.stderr.write(`\r${done} of ${steps.length} writes`)),
    })
  } catch (error) {
    if (isShown) process.stderr.write('\n')
    const hint = error instanceof PartlyDone ? '; the same command goes on from here' : ''
    throw new Error(`${(error as Error).message}${hint}`, { cause: error })
  }
  if (isShown && steps.length > 0) process.stderr.write('\n')
}

function print(steps: readonly WriteStep[], json: boolean): void {
  const lines = steps.map((step) => (json ? jsonLine(step) : `${printable(stepText(step))}\n`))
  for (let at = 0; at < lines.length; at += 1000) process.stdout.write(lines.slice(at, at + 1000).join(''))
}

interface Facts {
  readonly created: number
  readonly set: number
  readonly acls: number
  readonly deleted: number
}

function summary({ created, set, acls, deleted }: Facts, root: ZnodePath, isDry: boolean): string {
  const counts = `${created} created, ${set} set, ${acls} ACLs set, ${deleted} deleted`
  return `${printable(root)}: ${isDry ? `would be ${counts}; nothing was written` : counts}\n`
}
