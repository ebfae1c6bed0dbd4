/** `lightkeeper import`: makes a subtree that of a file. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { parentPath } from '@lightkeeper/protocol'
import {
  applySteps,
  type ExportedTree,
  type ImportPlan,
  PartlyDone,
  parseExport,
  placed,
  planImport,
  type ReadWhole,
  readWhole,
  type WriteStep,
  withoutSystem,
} from '@lightkeeper/tools'
import { type Run, UsageError } from '../command.ts'
import { connectBy, connectionOf, pathOnServer } from '../connect.ts'
import { dryRun, dryRunFacts, dryRunLines, withMissingParents } from '../dry-run.ts'
import { jsonLine, printable } from '../output.ts'
import { stepText } from '../past.ts'
import { progress } from '../progress.ts'
import { Signals } from '../signals.ts'
import type { imported } from '../table/transfer.ts'

export const run: Run<typeof imported> = async ({ values, args, connecting }) => {
  const { ephemerals, json, to, delete: deletes, 'dry-run': isDry } = values
  const tree = await read(args.file)
  const root = to ?? (tree.root as ZnodePath)
  const connection = await connectionOf(connecting)
  using signals = new Signals()
  const { signal } = signals
  await using zk = await connectBy(connection, { signal })
  const onServer = await pathOnServer(connection, root)
  const wanted = withoutSystem(onServer, tree.nodes)
  const own = tree.nodes.size - wanted.size
  const left =
    own === 0 ? [] : [`${own} znodes of the file are left out: below /zookeeper are those of the server itself`]
  const planned = async (): Promise<ImportPlan> => {
    const there = withoutSystem(onServer, await readAt(zk, root, signal))
    const { steps, notes } = planImport(wanted, there, { delete: deletes, ephemerals })
    return { notes: [...left, ...notes], steps: steps.map((step) => ({ ...step, path: placed(root, step.path) })) }
  }
  const plan = await planned()
  const { steps } = plan
  if (isDry || json) print(steps, json)
  for (const note of plan.notes) process.stderr.write(`lightkeeper import: ${printable(note)}\n`)
  const foreseen = isDry
    ? await dryRun('import', zk, connection, await withMissingParents(zk, root, steps), { signal })
    : undefined
  if (foreseen === undefined) await writeAll(zk, root, steps, planned, signal)
  else for (const note of foreseen.notes) process.stderr.write(`lightkeeper import: ${printable(note)}\n`)
  const count = (kind: WriteStep['kind']): number => steps.filter((step) => step.kind === kind).length
  const facts = { created: count('create'), set: count('set'), acls: count('set acl'), deleted: count('delete') }
  const notes = [...plan.notes, ...(foreseen?.notes ?? [])]
  if (json) {
    const seen = foreseen === undefined ? {} : dryRunFacts(foreseen)
    process.stdout.write(jsonLine({ ...facts, isDone: !isDry, ...seen, notes }))
  } else {
    if (foreseen !== undefined)
      process.stdout.write(
        dryRunLines(foreseen)
          .map((line) => `${line}\n`)
          .join(''),
      )
    process.stdout.write(summary(facts, root, isDry))
  }
  return foreseen !== undefined && foreseen.refused.length > 0 ? 1 : 0
}

/** What is there, as all of it is at one zxid. */
async function readAt(zk: Client, root: ZnodePath, signal: AbortSignal): Promise<ReadWhole['nodes']> {
  using bar = progress('import', 'znodes read')
  const { nodes } = await readWhole(zk, root, { signal, onProgress: (done, total) => bar.update(done, total) })
  return nodes
}

async function read(file: string): Promise<ExportedTree> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const failed = new Promise<never>((_, reject) => input.once('error', reject))
  failed.catch(() => {})
  try {
    return await Promise.race([parseExport(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })), failed])
  } catch (error) {
    if ('code' in (error as Error)) {
      throw new UsageError(`FILE must be a file that can be read, not "${file}": ${(error as Error).message}`)
    }
    const name = file === '-' ? 'standard input' : file
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  }
}

/** So many lost connections one after the other, without a write in between, end the import. */
const vainMax = 3

/**
 * Executes the steps. A lost connection leaves open what became of the transaction under way, so `planned` reads again what is there:
 * what it gives is the rest.
 * @throws Error where another client has written meanwhile, and the errors of `write`.
 */
async function writeAll(
  zk: Client,
  root: ZnodePath,
  all: readonly WriteStep[],
  planned: () => Promise<ImportPlan>,
  signal: AbortSignal,
): Promise<void> {
  let steps = all
  for (let vain = 0; ; ) {
    try {
      return await write(zk, root, steps, signal)
    } catch (error) {
      if (!isLost(error) || signal.aborted || vain === vainMax) throw error
      process.stderr.write('lightkeeper import: the connection was lost; reads again what is there, and goes on\n')
      const { steps: left } = await planned()
      const overtaken = otherThan(steps, left)
      if (overtaken !== undefined) {
        const what = `another client has written ${overtaken.path} while the connection was lost`
        throw new Error(`${what}; the same command reads it and goes on`, { cause: error })
      }
      vain = left.length < steps.length ? 0 : vain + 1
      steps = left
    }
  }
}

/** The first step of `left` that is not one of `steps`: the rest of a plan has no other. */
function otherThan(steps: readonly WriteStep[], left: readonly WriteStep[]): WriteStep | undefined {
  const keyOf = (step: WriteStep): string => {
    const version = step.kind === 'set acl' ? step.aversion : step.kind === 'create' ? 0 : step.version
    return `${step.kind} ${version} ${step.path}`
  }
  const known = new Set(steps.map(keyOf))
  return left.find((step) => !known.has(keyOf(step)))
}

function isLost(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (KeeperError.is(each, 'CONNECTION_LOSS') || KeeperError.is(each, 'SESSION_EXPIRED')) return true
  }
  return false
}

async function write(zk: Client, root: ZnodePath, steps: readonly WriteStep[], signal: AbortSignal): Promise<void> {
  if (root !== '/' && steps.some(({ kind, path }) => kind === 'create' && path === root))
    await zk.ensure(parentPath(root))
  using bar = progress('import', 'writes', { total: steps.length })
  try {
    await applySteps(zk, steps, { signal, onProgress: (done) => bar.update(done) })
  } catch (error) {
    const hint = error instanceof PartlyDone ? '; the same command goes on from here' : ''
    throw new Error(`${(error as Error).message}${hint}`, { cause: error })
  }
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
