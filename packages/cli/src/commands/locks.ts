/** `lightkeeper locks`: who holds locks, and who waits. */
import type { ZnodePath } from '@lightkeeper/client'
import {
  type Cycle,
  cyclesOf,
  type Edge,
  edgesOf,
  type Party,
  readSeen,
  recognise,
  type Structure,
} from '@lightkeeper/tools'
import type { Run } from '../command.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import type { locks } from '../table/recipes.ts'

export const run: Run<typeof locks> = async ({ values, args, connect }) => {
  await using zk = await connect()
  // A lock may have parts beside its path, and a parent shows what a znode belongs to.
  const { tree, unreadable } = await readSeen(zk, args.path)
  const found = recognise(tree)
  const cycles = cyclesOf(found)
  const shown = values.waiting ? found.filter(({ waiters }) => waiters.length > 0) : found
  for (const each of shown) process.stdout.write(values.json ? jsonLine(factsOf(each)) : textOf(each))
  for (const cycle of cycles) process.stdout.write(values.json ? jsonLine({ cycle: cycle.map(stepOf) }) : circle(cycle))
  warn(unreadable)
  return 0
}

function warn(unreadable: readonly ZnodePath[]): void {
  if (unreadable.length === 0) return
  const more = unreadable.length > 3 ? ` and ${unreadable.length - 3} more` : ''
  process.stderr.write(
    `lightkeeper locks: may not read ${printable(unreadable.slice(0, 3).join(' '))}${more}, so what is there is not shown\n`,
  )
}

function textOf({ kind, path, layouts, holders, waiters, capacity, items, notes }: Structure): string {
  const facts = [
    capacity === undefined ? '' : `${holders.length} of ${capacity} leases taken`,
    items === undefined ? '' : `${items} items`,
  ]
  const head = [path, kind, `(${layouts.join(', ')})`, ...facts].filter((each) => each !== '').join(' ')
  const behind = (paths: readonly ZnodePath[], needs: string): string => {
    if (paths.length === 0) return ''
    const [first = '', ...rest] = paths
    if (rest.length === 0) return ` behind ${nameIn(path, first)}`
    return ` behind ${needs === 'any' ? 'one' : 'all'} of ${paths.length} from ${nameIn(path, first)} on`
  }
  const lines = [
    head,
    ...holders.map((each) => `  ${holdsAs(kind)} ${partyText(path, each)}`),
    ...waiters.map((each, i) => `  waits ${i + 1} ${partyText(path, each)}${behind(each.behind, each.needs)}`),
    ...notes.map((each) => `  note  ${each}`),
  ]
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function holdsAs(kind: Structure['kind']): string {
  switch (kind) {
    case 'election':
      return 'leads'
    case 'service':
    case 'group':
      return 'there'
    case 'double barrier':
      return 'inside'
    default:
      return 'holds'
  }
}

function partyText(parent: string, { path, session, since, id, side, item }: Party): string {
  const words = [
    nameIn(parent, path),
    side ?? '',
    item === undefined ? '' : `item=${item}`,
    session === 0n ? '' : `session=${hexOf(session)}`,
    `since=${since.toISOString()}`,
    id === undefined ? '' : `id=${id}`,
  ]
  return words.filter((word) => word !== '').join(' ')
}

/** As short as possible without ambiguity. */
function nameIn(parent: string, path: string): string {
  return path.startsWith(`${parent}/`) ? path.slice(parent.length + 1) : path
}

function circle(cycle: Cycle): string {
  const steps = cycle.map(
    ({ waiter, holder, structure }) =>
      `${hexOf(waiter.session)} waits at ${structure.path} for ${hexOf(holder.session)}`,
  )
  return `circle: ${printable(steps.join(', '))}\n`
}

function stepOf({ waiter, holder, structure }: Edge): object {
  return {
    session: waiter.session,
    waitsAt: structure.path,
    znode: waiter.path,
    for: holder.session,
    holder: holder.path,
  }
}

function factsOf(structure: Structure): object {
  const edges = edgesOf([structure]).map(({ waiter, holder }) => ({ waiter: waiter.path, holder: holder.path }))
  return { ...structure, edges }
}
