/** `lightkeeper locks`: who holds locks, and who waits. */
import type { Client, ZnodePath } from '@lightkeeper/client'
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
import { connectBy, connectionOf, pathOnServer } from '../connect.ts'
import { liveAddresses } from '../live.ts'
import { hexOf, jsonLine, printable } from '../output.ts'
import type { locks } from '../table/recipes.ts'

export const run: Run<typeof locks> = async ({ values, args, connecting }) => {
  const connection = await connectionOf(connecting)
  await using zk = await connectBy(connection)
  const asked = { ...values, chroot: await pathOnServer(connection, '/') }
  const { text, warning } = await locksText(zk, args.path, asked, () => liveAddresses(connection))
  process.stdout.write(text)
  process.stderr.write(warning === '' ? '' : `lightkeeper locks: ${warning}\n`)
  return 0
}

/** Addresses of clients by their sessions. */
type Addresses = ReadonlyMap<bigint, string>

/** What the command prints, and what it warns of; empty where all is well. `addresses` is called where there is something to show. */
export async function locksText(
  zk: Pick<Client, 'tree' | 'find' | 'children'>,
  path: ZnodePath,
  { waiting, json, chroot }: { readonly waiting: boolean; readonly json: boolean; readonly chroot: ZnodePath },
  addresses: () => Promise<Addresses>,
): Promise<{ readonly text: string; readonly warning: string }> {
  // A lock may have parts beside its path, and a parent shows what a znode belongs to.
  const { tree, unreadable } = await readSeen(zk, path)
  const found = recognise(tree, chroot)
  const cycles = cyclesOf(found)
  const shown = waiting ? found.filter(({ waiters }) => waiters.length > 0) : found
  const known: Addresses = shown.length === 0 ? new Map() : await addresses()
  const lines = [
    ...shown.map((each) => (json ? jsonLine(factsOf(each, known)) : textOf(each, known))),
    ...cycles.map((cycle) => (json ? jsonLine({ cycle: cycle.map(stepOf) }) : circle(cycle))),
  ]
  return { text: lines.join(''), warning: warningOf(unreadable) }
}

function warningOf(unreadable: readonly ZnodePath[]): string {
  if (unreadable.length === 0) return ''
  const more = unreadable.length > 3 ? ` and ${unreadable.length - 3} more` : ''
  return `may not read ${printable(unreadable.slice(0, 3).join(' '))}${more}, so what is there is not shown`
}

function textOf(structure: Structure, addresses: Addresses): string {
  const { kind, path, layouts, holders, waiters, capacity, items, notes } = structure
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
    ...holders.map((each) => `  ${holdsAs(kind)} ${partyText(path, each, addresses)}`),
    ...waiters.map(
      (each, i) => `  waits ${i + 1} ${partyText(path, each, addresses)}${behind(each.behind, each.needs)}`,
    ),
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

function partyText(parent: string, party: Party, addresses: Addresses): string {
  const { path, session, since, id, side, item } = party
  const address = addresses.get(session)
  const words = [
    nameIn(parent, path),
    side ?? '',
    item === undefined ? '' : `item=${item}`,
    session === 0n ? '' : `session=${hexOf(session)}`,
    address === undefined ? '' : `address=${address}`,
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

function factsOf(structure: Structure, addresses: Addresses): object {
  const edges = edgesOf([structure]).map(({ waiter, holder }) => ({ waiter: waiter.path, holder: holder.path }))
  const addressed = (party: Party): object => ({ ...party, address: addresses.get(party.session) })
  return { ...structure, holders: structure.holders.map(addressed), waiters: structure.waiters.map(addressed), edges }
}
